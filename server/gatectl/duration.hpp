// Spans of time as people write them on a command line.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.hpp"

namespace gatehouse::gatectl {

// "90s", "30m", "2h", "7d", "1w" in seconds; kInvalid for anything else, 0 among it, and above
// 100 years.
[[nodiscard]] Result<std::int64_t> parse_duration_s(const std::string& text);

}  // namespace gatehouse::gatectl
