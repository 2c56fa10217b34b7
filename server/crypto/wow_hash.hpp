// The account tables of World of Warcraft servers (TrinityCore, AzerothCore and kin): the layer's
// wrapper of OpenSSL's numbers. Other layers use password.hpp.
//
//   {wow-sha1}USER$HEX                  h = SHA1(UPPER(USER) + ":" + UPPER(PASSWORD)), the column
//                                       sha_pass_hash
//   {srp6}USER$SALT_HEX$VERIFIER_HEX    SRP-6 (RFC 2945, with g = 7 and their own N): the columns
//                                       salt and verifier, 32 bytes each, little-endian;
//                                       verifier = g ^ SHA1(salt + h) mod N
//
// USER is printable ASCII without '$', HEX of either case. UPPER changes the letters of ASCII
// and no others, as those servers do.
#pragma once

#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "crypto/stored_text.hpp"

namespace gatehouse::crypto {

// True for the texts that are this file's to read.
[[nodiscard]] bool is_wow_hash(std::string_view stored);

// kCorrupt for anything but a whole one with a verifier below N; else what verify_wow_hash()
// takes.
[[nodiscard]] Result<VerifyNs> check_wow_hash(std::string_view stored);

// verify_password() for such a text.
[[nodiscard]] Result<bool> verify_wow_hash(const Secret& password, std::string_view stored);

}  // namespace gatehouse::crypto
