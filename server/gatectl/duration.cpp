#include "gatectl/duration.hpp"

#include <charconv>

namespace gatehouse::gatectl {
namespace {

// Seconds of a unit of time; 0: there is no such unit.
std::int64_t unit_s(char unit) {
  switch (unit) {
    case 's':
      return 1;
    case 'm':
      return 60;
    case 'h':
      return 3'600;
    case 'd':
      return 86'400;
    case 'w':
      return 7 * 86'400;
    default:
      return 0;
  }
}

}  // namespace

Result<std::int64_t> parse_duration_s(const std::string& text) {
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  const std::int64_t unit = error == std::errc() && rest + 1 == end ? unit_s(*rest) : 0;
  constexpr std::int64_t kYears100S = std::int64_t{36'500} * 86'400;
  if (unit == 0 || number <= 0 || number > kYears100S / unit) {
    return fail(Errc::kInvalid, text + ": must be a time such as 90s, 30m, 2h, 7d or 1w");
  }
  return number * unit;
}

}  // namespace gatehouse::gatectl
