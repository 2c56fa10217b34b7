// Hashes in the style of crypt(5): the layer's wrapper of libxcrypt. Other layers use
// password.hpp.
#pragma once

#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"

namespace gatehouse::crypto {

// kCorrupt when `stored` is not a whole bcrypt, yescrypt, scrypt or sha512crypt hash with costs
// within the bounds of password.hpp. Computes nothing.
[[nodiscard]] Result<> check_unix_hash(std::string_view stored);

// verify_password() for the formats of check_unix_hash().
[[nodiscard]] Result<bool> verify_unix_hash(const Secret& password, std::string_view stored);

}  // namespace gatehouse::crypto
