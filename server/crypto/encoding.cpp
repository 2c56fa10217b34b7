#include "crypto/encoding.hpp"

#include <array>
#include <cstdint>

namespace gatehouse::crypto {

namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kBase32Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::uint8_t kForeign = 0xff;

// The value of each character of an alphabet, kForeign for every other byte.
constexpr std::array<std::uint8_t, 256> values_of(std::string_view alphabet) {
  std::array<std::uint8_t, 256> values{};
  values.fill(kForeign);
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    values[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}

constexpr auto kBase64Values = values_of(kAlphabet);
constexpr auto kHexValues = values_of(kHexDigits);

std::uint8_t base64_value(char c) {
  return kBase64Values[static_cast<unsigned char>(c)];
}
std::uint8_t hex_value(char c) {
  return kHexValues[static_cast<unsigned char>(c)];
}

// Writes the leading `count` bytes of a 24-bit group.
void put_group(std::uint32_t group, std::size_t count, char* out) {
  for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<char>(group >> (16 - 8 * i));
}

// True when a group of `count` bytes has a bit set behind its last byte.
bool has_stray_bits(std::uint32_t group, std::size_t count) {
  return (group & (0xffffffu >> (8 * count))) != 0;
}

tl::unexpected<Error> invalid_base64() {
  return fail(Errc::kInvalid, "Invalid base64 text");
}

}  // namespace

std::size_t base64_encode_into(std::string_view bytes, char* out) {
  const auto* in = reinterpret_cast<const unsigned char*>(bytes.data());
  char* const begin = out;
  std::size_t left = bytes.size();
  for (; left >= 3; left -= 3, in += 3, out += 4) {
    const std::uint32_t group = std::uint32_t{in[0]} << 16 | std::uint32_t{in[1]} << 8 | in[2];
    out[0] = kAlphabet[group >> 18];
    out[1] = kAlphabet[group >> 12 & 63];
    out[2] = kAlphabet[group >> 6 & 63];
    out[3] = kAlphabet[group & 63];
  }
  if (left > 0) {
    const std::uint32_t second = left == 2 ? in[1] : 0u;
    const std::uint32_t group = std::uint32_t{in[0]} << 16 | second << 8;
    out[0] = kAlphabet[group >> 18];
    out[1] = kAlphabet[group >> 12 & 63];
    out[2] = left == 2 ? kAlphabet[group >> 6 & 63] : '=';
    out[3] = '=';
    out += 4;
  }
  return static_cast<std::size_t>(out - begin);
}

std::string base64_encode(std::string_view bytes) {
  std::string text(base64_encoded_size(bytes.size()), '\0');
  base64_encode_into(bytes, text.data());
  return text;
}

std::optional<std::size_t> base64_decode_into(std::string_view text, char* out) {
  if (text.size() % 4 == 0 && text.ends_with('=')) {
    text.remove_suffix(text.ends_with("==") ? 2 : 1);
  }
  const std::size_t tail = text.size() % 4;
  if (tail == 1) return std::nullopt;
  char* const begin = out;
  for (std::size_t at = 0; at < text.size(); at += 4) {
    const std::size_t characters = text.size() - at < 4 ? tail : 4;
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < characters; ++i) {
      const std::uint8_t value = base64_value(text[at + i]);
      if (value == kForeign) return std::nullopt;
      group |= std::uint32_t{value} << (18 - 6 * i);
    }
    const std::size_t bytes = characters - 1;
    if (has_stray_bits(group, bytes)) return std::nullopt;
    put_group(group, bytes, out);
    out += bytes;
  }
  return static_cast<std::size_t>(out - begin);
}

Result<std::string> base64_decode(std::string_view text) {
  std::string bytes(base64_decoded_size_max(text.size()), '\0');
  const auto size = base64_decode_into(text, bytes.data());
  if (!size) return invalid_base64();
  bytes.resize(*size);
  return bytes;
}

Result<std::string> skynet_base64_decode(std::string_view text) {
  std::string bytes(base64_decoded_size_max(text.size()), '\0');
  std::size_t size = 0;
  for (std::size_t at = 0; at < text.size();) {
    std::uint32_t group = 0;
    std::size_t digits = 0;
    std::size_t pads = 0;
    while (digits + pads < 4) {
      const char c = at < text.size() ? text[at] : '=';
      ++at;
      const std::uint8_t value = base64_value(c);
      if (c == '=') {
        ++pads;
      } else if (value != kForeign) {
        if (pads > 0) return invalid_base64();
        group |= std::uint32_t{value} << (18 - 6 * digits);
        ++digits;
      }
    }
    if (digits < 2 || has_stray_bits(group, digits - 1)) return invalid_base64();
    put_group(group, digits - 1, bytes.data() + size);
    size += digits - 1;
  }
  bytes.resize(size);
  return bytes;
}

std::string base32_encode(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 4) / 5 * 8);
  std::uint32_t pending = 0;
  unsigned bits = 0;
  for (const char c : bytes) {
    pending = pending << 8 | static_cast<unsigned char>(c);
    for (bits += 8; bits >= 5; bits -= 5) text += kBase32Alphabet[pending >> (bits - 5) & 31];
  }
  if (bits > 0) text += kBase32Alphabet[pending << (5 - bits) & 31];
  text.append((8 - text.size() % 8) % 8, '=');
  return text;
}

std::string hex_encode(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += kHexDigits[byte >> 4];
    text += kHexDigits[byte & 15];
  }
  return text;
}

Result<std::string> hex_decode(std::string_view text) {
  if (text.size() % 2 != 0) {
    return fail(Errc::kInvalid, "Invalid hex text size " + std::to_string(text.size()));
  }
  std::string bytes;
  bytes.reserve(text.size() / 2);
  for (std::size_t at = 0; at < text.size(); at += 2) {
    const std::uint8_t high = hex_value(text[at]);
    const std::uint8_t low = hex_value(text[at + 1]);
    if (high == kForeign || low == kForeign) return fail(Errc::kInvalid, "Invalid hex text");
    bytes += static_cast<char>(high << 4 | low);
  }
  return bytes;
}

}  // namespace gatehouse::crypto
