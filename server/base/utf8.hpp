// UTF-8 (RFC 3629), read strictly: the one decoder of the server.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace gatehouse {

struct Utf8Character {
  char32_t code = 0;
  std::size_t bytes = 0;  // 0: there is none
};

// The character at the head of `text`; none when that is empty, cut off, over-long, a surrogate or
// above U+10FFFF.
[[nodiscard]] Utf8Character utf8_head(std::string_view text);

// Characters of `text`, nothing when it is not UTF-8.
[[nodiscard]] std::optional<std::size_t> utf8_characters(std::string_view text);

// The first characters_max characters of `text`, as every database takes them: a byte that is not
// UTF-8, or NUL, becomes `?`.
[[nodiscard]] std::string fit_text(std::string_view text, std::size_t characters_max);

}  // namespace gatehouse
