// scrypt (RFC 7914) as PHC strings, as passlib writes it: the layer's wrapper of OpenSSL's scrypt.
// Other layers use password.hpp.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "crypto/stored_text.hpp"

namespace gatehouse::crypto {

// True when N = 2^n_log2, r and p are what scrypt takes (section 2) and within kScryptBytesMax
// and kScryptBlocksMax.
[[nodiscard]] bool valid_scrypt_cost(unsigned n_log2, std::uint64_t r, std::uint64_t p);

// What scrypt with such a cost takes.
[[nodiscard]] VerifyNs scrypt_verify_ns(unsigned n_log2, std::uint64_t r, std::uint64_t p);

// "$scrypt$ln=..,r=..,p=..$salt$hash", the last two in base64 without padding. True for the
// texts that are this file's to read.
[[nodiscard]] bool is_scrypt_phc(std::string_view stored);

// kCorrupt for anything but a whole one with a salt of 1 to 64 bytes, a hash of 32 or 64, and a
// valid cost; scrypt's output begins as a shorter one does, so that a text cut short would pass
// for whole otherwise. Else what verify_scrypt_phc() takes.
[[nodiscard]] Result<VerifyNs> check_scrypt_phc(std::string_view stored);

// verify_password() for such a string.
[[nodiscard]] Result<bool> verify_scrypt_phc(const Secret& password, std::string_view stored);

}  // namespace gatehouse::crypto
