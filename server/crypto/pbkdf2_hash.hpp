// PBKDF2 (RFC 8018 section 5.2) as passlib and Django store it: the layer's wrapper of OpenSSL's
// PBKDF2. Other layers use password.hpp.
//
//   $pbkdf2-sha256$ITERATIONS$SALT$HASH   passlib; also $pbkdf2-sha512$, and $pbkdf2$ for SHA-1;
//                                         salt and hash in base64 with '.' for '+', unpadded
//   pbkdf2_sha256$ITERATIONS$SALT$HASH    Django; also pbkdf2_sha1$; the salt is ASCII text, the
//                                         hash is base64
#pragma once

#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "crypto/stored_text.hpp"

namespace gatehouse::crypto {

// True for the texts that are this file's to read.
[[nodiscard]] bool is_pbkdf2(std::string_view stored);

// kCorrupt for anything but a whole one with a salt of 1 to 128 bytes, a hash as long as the
// digest, and at most kPbkdf2IterationsMax iterations; else what verify_pbkdf2() takes.
[[nodiscard]] Result<VerifyNs> check_pbkdf2(std::string_view stored);

// verify_password() for such a string.
[[nodiscard]] Result<bool> verify_pbkdf2(const Secret& password, std::string_view stored);

}  // namespace gatehouse::crypto
