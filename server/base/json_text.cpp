#include "base/json_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <iterator>

#include "base/printable.hpp"
#include "base/utf8.hpp"

namespace gatehouse {

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const Utf8Character head = utf8_head(text);
    const char32_t c = head.bytes == 0 ? 0xfffd : head.code;
    if (c == '\n') {
      out += "\\n";
    } else if (head.bytes == 0 || is_terminal_control(c)) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += text.substr(0, head.bytes);
    }
    text.remove_prefix(std::max<std::size_t>(head.bytes, 1));
  }
  out += '"';
}

}  // namespace gatehouse
