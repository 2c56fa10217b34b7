// skynet's crypt functions, byte for byte (docs/skynet-rules.md 1.7, 4.1). 64-bit integers are
// little-endian byte strings of 8. The suite is weak (docs/skynet-rules.md 5.1, row 10): it is here
// for compatibility. Errors are kInvalid and carry skynet's words.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace gatehouse::crypto {

inline constexpr std::size_t kSkynetKeyBytes = 8;

// Values as Lua sees them in crypt.padding.
enum class DesPadding : std::uint8_t { kIso7816_4 = 0, kPkcs7 = 1 };

// The group of the key exchange: P = 2^64 - 59, G = 5.
inline constexpr std::uint64_t kDhPrime = 0xffffffffffffffc5;
inline constexpr std::uint64_t kDhGenerator = 5;

// G^key mod P. Errors: "Invalid dh uint64 key", "Can't be 0".
[[nodiscard]] Result<std::string> dh_exchange(std::string_view key);

// public_key^private_key mod P; weak public keys are accepted, as skynet does.
// Errors: "Invalid uint64 x", "Invalid uint64 y", "Can't be 0".
[[nodiscard]] Result<std::string> dh_secret(std::string_view public_key,
                                            std::string_view private_key);

// True for public keys that a login refuses, because they fix the secret: 0, 1, P - 1, P and
// above, and whatever is not 8 bytes.
[[nodiscard]] bool weak_public_key(std::string_view public_key);

// 8 bytes from 8 and 8. Errors: "Invalid uint64 x", "Invalid uint64 y".
[[nodiscard]] Result<std::string> hmac64(std::string_view x, std::string_view y);
[[nodiscard]] Result<std::string> hmac64_md5(std::string_view x, std::string_view y);

// 8 bytes that mix two simple string hashes; no key, not collision resistant.
[[nodiscard]] std::string hash_key(std::string_view text);

// hmac64(hash_key(text), key). Error: "Invalid uint64 key".
[[nodiscard]] Result<std::string> hmac_hash(std::string_view key, std::string_view text);

// The padding that a number in a script names. Error: "Invalid padding mode N".
[[nodiscard]] Result<DesPadding> des_padding(std::int64_t mode);

// DES in ECB mode; padding is always added, 1 to 8 bytes.
// Error: "Invalid key size N, need 8 bytes".
[[nodiscard]] Result<std::string> des_encode(std::string_view key, std::string_view text,
                                             DesPadding padding = DesPadding::kIso7816_4);

// Errors: as des_encode, "Invalid des crypt text length N", "Invalid des crypt text" (padding).
[[nodiscard]] Result<std::string> des_decode(std::string_view key, std::string_view text,
                                             DesPadding padding = DesPadding::kIso7816_4);

// 20 bytes each.
[[nodiscard]] std::string sha1(std::string_view text);
[[nodiscard]] std::string hmac_sha1(std::string_view key, std::string_view text);

// `text` with `key` repeated over it. Error: "Can't xor empty string" for an empty key.
[[nodiscard]] Result<std::string> xor_str(std::string_view text, std::string_view key);

}  // namespace gatehouse::crypto
