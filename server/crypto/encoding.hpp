// Base64 (RFC 4648 section 4), base32 (section 6) and lower-case hexadecimal over byte strings.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace gatehouse::crypto {

// Characters that base64_encode makes of `size` bytes.
[[nodiscard]] constexpr std::size_t base64_encoded_size(std::size_t size) {
  return (size + 2) / 3 * 4;
}

// Most bytes that `characters` characters of base64 can decode to.
[[nodiscard]] constexpr std::size_t base64_decoded_size_max(std::size_t characters) {
  return (characters + 3) / 4 * 3;
}

[[nodiscard]] std::string base64_encode(std::string_view bytes);

// Writes base64_encoded_size(bytes.size()) characters without a terminator and returns their
// number. Allocates nothing.
std::size_t base64_encode_into(std::string_view bytes, char* out);

// The decoder of gatehouse's own protocols. Padding is either complete or left out; every
// other character outside the alphabet, and bits set behind the last byte, are kInvalid.
[[nodiscard]] Result<std::string> base64_decode(std::string_view text);

// The same rules without allocation: `out` has room for base64_decoded_size_max(text.size())
// bytes. Returns the bytes written, nothing when the text is invalid.
[[nodiscard]] std::optional<std::size_t> base64_decode_into(std::string_view text, char* out);

// The decoder of skynet's suite (docs/skynet-rules.md 4.1): skips characters outside the alphabet
// inside a group of four, takes the end of the text for missing padding, goes on after a padded
// group, and refuses anything but a new group after a complete one. Error: "Invalid base64 text".
[[nodiscard]] Result<std::string> skynet_base64_decode(std::string_view text);

// Upper case, padded.
[[nodiscard]] std::string base32_encode(std::string_view bytes);

[[nodiscard]] std::string hex_encode(std::string_view bytes);

// Lower case only (docs/skynet-rules.md 1.7). Errors: "Invalid hex text size N" (odd), "Invalid hex
// text".
[[nodiscard]] Result<std::string> hex_decode(std::string_view text);

}  // namespace gatehouse::crypto
