// Bare digests, as older game and forum databases hold them. They stop nobody who has read the
// table: a good login replaces them. Other layers use password.hpp.
//
//   {md5}HEX                      also sha1, sha256, sha512; of the password alone
//   {md5-ps}SALT$HEX              the same four, of password + salt
//   {md5-sp}SALT$HEX              the same four, of salt + password
//   {SHA}BASE64 {SSHA}BASE64      LDAP (RFC 2307): digest, and digest(password + salt) + salt;
//                                 also {MD5} {SMD5} {SHA256} {SSHA256} {SHA512} {SSHA512}
//   *HEX {mysql41}*HEX            MySQL's PASSWORD() since 4.1: SHA1(SHA1(password))
//   $SHA$SALT$HEX                 AuthMe: SHA256(hex(SHA256(password)) + salt)
//
// HEX is of either case. SALT is printable ASCII without '$', in LDAP's forms 1 to 64 bytes.
#pragma once

#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "crypto/stored_text.hpp"

namespace gatehouse::crypto {

// True for the texts that are this file's to read.
[[nodiscard]] bool is_imported_digest(std::string_view stored);

// kCorrupt for anything but a whole one; else what verify_imported_digest() takes.
[[nodiscard]] Result<VerifyNs> check_imported_digest(std::string_view stored);

// verify_password() for such a text.
[[nodiscard]] Result<bool> verify_imported_digest(const Secret& password, std::string_view stored);

}  // namespace gatehouse::crypto
