#include "base/utf8.hpp"

#include <algorithm>
#include <cstring>

namespace gatehouse {
namespace {

constexpr std::size_t kCharacterBytesMax = 4;

// Leaves out what is ASCII, eight bytes at a time.
std::string_view after_ascii(std::string_view text) {
  std::uint64_t word = 0;
  while (text.size() >= sizeof word) {
    std::memcpy(&word, text.data(), sizeof word);
    if ((word & 0x8080808080808080u) != 0) break;
    text.remove_prefix(sizeof word);
  }
  while (!text.empty() && static_cast<unsigned char>(text[0]) < 0x80) text.remove_prefix(1);
  return text;
}

// Whether a character begins with `text`, which is none: the least or the greatest bytes that may
// follow complete one.
bool begins_character(std::string_view text) {
  const auto head = static_cast<unsigned char>(text[0]);
  if (head < 0xc2) return false;
  const std::size_t size = head >= 0xf0 ? 4 : head >= 0xe0 ? 3 : 2;
  if (text.size() >= size) return false;
  for (const char filler : {'\x80', '\xbf'}) {
    char whole[kCharacterBytesMax];
    std::fill(std::copy(text.begin(), text.end(), whole), whole + size, filler);
    if (utf8_head({whole, size}).bytes == size) return true;
  }
  return false;
}

}  // namespace

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

bool Utf8Stream::feed(std::string_view piece) {
  while (kept_bytes_ != 0 && !piece.empty()) {
    char head[kCharacterBytesMax];
    std::copy(kept_, kept_ + kept_bytes_, head);
    head[kept_bytes_] = piece.front();
    piece.remove_prefix(1);
    const std::string_view text(head, kept_bytes_ + 1u);
    if (utf8_head(text).bytes == text.size()) {
      kept_bytes_ = 0;
    } else if (begins_character(text)) {
      kept_[kept_bytes_++] = text.back();
    } else {
      return false;
    }
  }
  for (piece = after_ascii(piece); !piece.empty(); piece = after_ascii(piece)) {
    const std::size_t size = utf8_head(piece).bytes;
    if (size == 0) {
      if (!begins_character(piece)) return false;
      std::copy(piece.begin(), piece.end(), kept_);
      kept_bytes_ = static_cast<std::uint8_t>(piece.size());
      return true;
    }
    piece.remove_prefix(size);
  }
  return true;
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
