// The server's identity: login.identity_key_file.
#pragma once

#include <string>

#include "base/random.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "config/config.hpp"
#include "config/reader.hpp"

namespace gatehouse::config {

// Reads the keys of the section `login` and the file, into Config::login.identity_key. A file that
// is not there and may be made is no error: the key stays empty.
void read_identity(ConfigReader& reader, Config& config);

// Makes the file where the configuration says so and there is none; true: it did. Not thread-safe.
[[nodiscard]] Result<bool> make_identity(Random& random, Config& config);

// The raw private key in a key file, or a new one there. Errors name the file: as
// check_secret_file(), make_secret_file(), read_identity_key().
[[nodiscard]] Result<Secret> read_identity_file(const std::string& path);
[[nodiscard]] Result<Secret> make_identity_file(Random& random, const std::string& path);

// What clients pin, in base64; empty without an identity.
[[nodiscard]] std::string identity_public(const Config& config);

}  // namespace gatehouse::config
