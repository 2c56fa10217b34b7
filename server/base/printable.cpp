#include "base/printable.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/utf8.hpp"

namespace gatehouse {
namespace {

void append_hex(std::string& out, unsigned char byte) {
  fmt::format_to(std::back_inserter(out), "\\x{:02x}", byte);
}

std::string escape(std::string_view text, bool lines) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto [c, size] = utf8_head(text);
    if (size == 0) {
      append_hex(out, static_cast<unsigned char>(text[0]));
      text.remove_prefix(1);
      continue;
    }
    const std::string_view sequence = text.substr(0, size);
    text.remove_prefix(size);
    if ((lines && (c == '\n' || c == '\t')) || !is_terminal_control(c)) {
      out += sequence;
    } else if (c < 0x100) {
      for (const char byte : sequence) append_hex(out, static_cast<unsigned char>(byte));
    } else {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
    }
  }
  return out;
}

}  // namespace

bool is_terminal_control(char32_t c) {
  if (c < 0x20 || (c >= 0x7f && c < 0xa0)) return true;
  return c == 0x061c || c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
         (c >= 0x2066 && c <= 0x2069);
}

std::string printable(std::string_view text) {
  return escape(text, false);
}

std::string printable_lines(std::string_view text) {
  return escape(text, true);
}

std::string printable_json(std::string document) {
  const auto plain = [](char c) { return c >= 0x20 && c < 0x7f; };
  if (std::ranges::all_of(document, plain)) return document;
  std::string out;
  out.reserve(document.size());
  for (std::string_view left = document; !left.empty();) {
    const Utf8Character head = utf8_head(left);
    const std::size_t size = std::max<std::size_t>(head.bytes, 1);
    const char32_t c = head.code;
    // Between the values of a document stand line breaks and blanks, and no other controls.
    if (c >= 0x20 && is_terminal_control(c)) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += left.substr(0, size);
    }
    left.remove_prefix(size);
  }
  return out;
}

}  // namespace gatehouse
