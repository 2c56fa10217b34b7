// SHA-256 and what is built on it, and the comparison of secrets.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/secret.hpp"

namespace gatehouse::crypto {

inline constexpr std::size_t kSha256Bytes = 32;

// 32 bytes each.
[[nodiscard]] std::string sha256(std::string_view text);
[[nodiscard]] std::string hmac_sha256(std::string_view key, std::string_view text);

// RFC 5869, extract and expand; `size` is 1 to 8160 bytes.
[[nodiscard]] Secret hkdf_sha256(std::string_view input_key, std::string_view salt,
                                 std::string_view info, std::size_t size);

// Takes the same time wherever the strings differ. Lengths are not hidden.
[[nodiscard]] bool constant_time_equal(std::string_view a, std::string_view b);

}  // namespace gatehouse::crypto
