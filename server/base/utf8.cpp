#include "base/utf8.hpp"

namespace gatehouse {

Utf8Character utf8_head(std::string_view text) {
  if (text.empty()) return {};
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char head = byte(0);
  if (head < 0x80) return {head, 1};
  const std::size_t size = head >= 0xf0 ? 4 : head >= 0xe0 ? 3 : 2;
  if (head < 0xc2 || head > 0xf4 || text.size() < size) return {};
  char32_t code = head & (0xffu >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3fu);
  }
  if (size == 3 && (code < 0x800 || (code >= 0xd800 && code <= 0xdfff))) return {};
  if (size == 4 && (code < 0x10000 || code > 0x10ffff)) return {};
  return {code, size};
}

std::optional<std::size_t> utf8_characters(std::string_view text) {
  std::size_t count = 0;
  while (!text.empty()) {
    const std::size_t size = utf8_head(text).bytes;
    if (size == 0) return std::nullopt;
    text.remove_prefix(size);
    ++count;
  }
  return count;
}

std::string fit_text(std::string_view text, std::size_t characters_max) {
  std::string out;
  for (std::size_t n = 0; n < characters_max && !text.empty(); ++n) {
    const std::size_t size = utf8_head(text).bytes;
    if (size == 0 || text[0] == '\0') {
      out += '?';
      text.remove_prefix(1);
    } else {
      out += text.substr(0, size);
      text.remove_prefix(size);
    }
  }
  return out;
}

}  // namespace gatehouse
