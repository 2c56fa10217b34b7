// Hashes in the style of crypt(5): the layer's wrapper of libxcrypt. Other layers use
// password.hpp.
#pragma once

#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "crypto/stored_text.hpp"

namespace gatehouse::crypto {

// kCorrupt when `stored` is not a whole bcrypt ($2a$ $2b$ $2y$), yescrypt ($y$, and $gy$ with
// GOST, both with default flags), scrypt ($7$), sha512crypt ($6$), sha256crypt ($5$) or md5crypt
// ($1$) hash with costs within the bounds of password.hpp. Else what verify_unix_hash() takes;
// computes nothing.
[[nodiscard]] Result<VerifyNs> check_unix_hash(std::string_view stored);

// verify_password() for the formats of check_unix_hash().
[[nodiscard]] Result<bool> verify_unix_hash(const Secret& password, std::string_view stored);

}  // namespace gatehouse::crypto
