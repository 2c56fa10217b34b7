#include "store/text.hpp"

#include "base/utf8.hpp"

namespace gatehouse::store {

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

}  // namespace gatehouse::store
