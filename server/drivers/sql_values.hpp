// Checks and conversions that the parts of SqlDriver share: both databases must take and refuse
// the same values. Internal to this layer.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/utf8.hpp"
#include "drivers/sql.hpp"
#include "store/account.hpp"

namespace gatehouse::drivers {

// 9999-12-31, the last day a DATETIME holds.
inline constexpr std::int64_t kLastTimeS = 253'402'300'799;

inline std::int64_t valid_time(std::int64_t unix_s) {
  return std::clamp<std::int64_t>(unix_s, 0, kLastTimeS);
}

// Sizes of the columns in characters.
inline constexpr std::size_t kShortTextMax = 64;
inline constexpr std::size_t kLongTextMax = 255;

// Rows that go into one statement at most.
inline constexpr std::size_t kRowsMax = 128;

// SQLite's integers are signed.
inline constexpr std::uint64_t kNumberMax = std::numeric_limits<std::int64_t>::max();

inline bool valid_text(std::string_view text, std::size_t characters_max) {
  const auto characters = utf8_characters(text);
  return characters && *characters <= characters_max && text.find('\0') == std::string_view::npos;
}

// Printable ASCII, for hashes and base64.
inline bool valid_ascii(std::string_view text, std::size_t bytes_max) {
  return text.size() <= bytes_max &&
         std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f; });
}

inline tl::unexpected<Error> invalid(const char* what) {
  return fail(Errc::kInvalid, std::string("the store does not take this ") + what);
}

inline tl::unexpected<Error> too_big(std::string_view what, std::size_t bytes, std::size_t max) {
  return fail(Errc::kTooBig, fmt::format("{} has {} bytes, more than {}", what, bytes, max));
}

inline std::uint64_t natural(const SqlRow& row, int column) {
  return static_cast<std::uint64_t>(row.integer(column));
}

// The account in a row of account columns, in the order of the statements' texts.
[[nodiscard]] store::Account account_of(const SqlRow& row);

}  // namespace gatehouse::drivers
