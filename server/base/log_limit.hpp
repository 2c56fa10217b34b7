// Log lines about one thing, which a flood of it must not multiply: so many a window; the others
// are counted. Peers that each have a budget of their own: base/line_budget.hpp.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>

#include "base/clock.hpp"

namespace gatehouse {

// Any thread. Invariant: the lines since the last end() are those admitted and those counted.
class LogLimit {
 public:
  LogLimit(std::uint32_t lines, MonotonicMs window_ms) : lines_(lines), window_ms_(window_ms) {}
  LogLimit(const LogLimit&) = delete;
  LogLimit& operator=(const LogLimit&) = delete;

  // Whether a line may be written now, and then how many were left out since the last that was. A
  // window begins with its first line. News, what the line before did not say, begins one, too.
  [[nodiscard]] std::optional<std::uint64_t> admit(MonotonicMs now_ms, bool news = false);
  // Ends the window: how many lines were left out since the last that was written.
  std::uint64_t end();

 private:
  const std::uint32_t lines_;
  const MonotonicMs window_ms_;
  std::mutex mutex_;
  std::optional<MonotonicMs> since_ms_;  // under mutex_, like the next two
  std::uint32_t admitted_ = 0;
  std::uint64_t left_out_ = 0;
};

}  // namespace gatehouse
