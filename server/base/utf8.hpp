// UTF-8 (RFC 3629), read strictly.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace gatehouse {

struct Utf8Character {
  char32_t code = 0;
  std::size_t bytes = 0;  // 0: there is none
};

// The character at the head of `text`; none when that is empty, cut off, over-long, a surrogate or
// above U+10FFFF.
[[nodiscard]] Utf8Character utf8_head(std::string_view text);

}  // namespace gatehouse
