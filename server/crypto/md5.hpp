// What Lua's md5 library offers to skynet's scripts (docs/skynet-rules.md 1.11). MD5 is broken and
// the cipher is homemade: here for compatibility, not to keep secrets.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace gatehouse::crypto {

inline constexpr std::size_t kMd5KeyBytesMax = 256;
inline constexpr std::size_t kMd5SeedBytesMax = 16;

// 16 bytes each (RFC 1321, RFC 2104).
[[nodiscard]] std::string md5(std::string_view text);
[[nodiscard]] std::string hmac_md5(std::string_view key, std::string_view text);

// The seed with its length in a byte before it, then the text XORed in blocks of 16 with
// MD5(previous encrypted block + key); the seed, filled up with zeros, comes before the first.
// Errors, kInvalid: "key too long (> 256)", "seed too long (> 16)".
[[nodiscard]] Result<std::string> md5_crypt(std::string_view text, std::string_view key,
                                            std::string_view seed);
// Errors, kInvalid: "invalid cyphered string", "key too long (> 256)".
[[nodiscard]] Result<std::string> md5_decrypt(std::string_view bytes, std::string_view key);

}  // namespace gatehouse::crypto
