// Accounts brought from another server: its password hashes as this one stores them.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace gatehouse::crypto {

// The room of the column password_hash.
inline constexpr std::size_t kStoredPasswordCharactersMax = 255;

// The formats of stored_from_import(), for help texts.
inline constexpr std::array<std::string_view, 26> kImportFormats = {
    "stored",    "argon2",  "bcrypt", "yescrypt",  "scrypt",    "sha512crypt", "sha256crypt",
    "md5crypt",  "pbkdf2",  "ldap",   "md5",       "md5-ps",    "md5-sp",      "sha1",
    "sha1-ps",   "sha1-sp", "sha256", "sha256-ps", "sha256-sp", "sha512",      "sha512-ps",
    "sha512-sp", "mysql41", "authme", "wow-sha1",  "srp6"};

// What goes into the column password_hash for one row of an import; verify_password() knows it.
//
//   stored                 any form of verify_password()
//   argon2 ... ldap        the same, and of that family
//   md5, sha1, ...         hexadecimal digest of the password
//   md5-ps, md5-sp, ...    hexadecimal digest of password + salt, of salt + password
//   mysql41                "*" and 40 hexadecimal digits, or the digits alone
//   authme                 "$SHA$salt$digest", or the digest and the salt
//   wow-sha1               40 hexadecimal digits, `name` is the name they were made with
//   srp6                   verifier and salt, 64 hexadecimal digits each, little-endian, and `name`
//
// `salt` is empty where the format names none. kInvalid with the reason for a format that is
// unknown, for a hash that could never be verified, and for one longer than the column.
[[nodiscard]] Result<std::string> stored_from_import(std::string_view format, std::string_view name,
                                                     std::string_view hash, std::string_view salt);

}  // namespace gatehouse::crypto
