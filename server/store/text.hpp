// What the store has to know about UTF-8: both databases must take and refuse the same texts.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace gatehouse::store {

// Characters of `text`, nothing when it is not UTF-8.
[[nodiscard]] std::optional<std::size_t> utf8_characters(std::string_view text);

// The first characters_max characters of `text`; a byte that is not UTF-8, or NUL, becomes `?`.
[[nodiscard]] std::string fit_text(std::string_view text, std::size_t characters_max);

}  // namespace gatehouse::store
