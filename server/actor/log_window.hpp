// Log lines about one thing on one worker, at most so many a second; the others become one line
// with their number, at the latest when the second is over.
#pragma once

#include <cstdint>
#include <utility>

#include "actor/timer_wheel.hpp"
#include "actor/worker.hpp"
#include "base/clock.hpp"
#include "base/log_limit.hpp"
#include "base/unique_function.hpp"

namespace gatehouse::actor {

// On that worker's thread only; it may be made before the worker runs, and has to go before it.
class LogWindow final : private Timer {
 public:
  // `tell` writes the line about those that were left out: never 0 of them.
  LogWindow(Worker& worker, std::uint32_t lines_per_second,
            UniqueFunction<void(std::uint64_t)> tell)
      : worker_(worker), limit_(lines_per_second, kWindowMs), tell_(std::move(tell)) {}

  // Whether a line may be written now; what was left out before it is told first.
  [[nodiscard]] bool admit() {
    const MonotonicMs now_ms = worker_.clock().monotonic_ms();
    const auto left_out = limit_.admit(now_ms);
    if (left_out) {
      if (*left_out != 0) tell_(*left_out);
      return true;
    }
    if (!waiting()) worker_.timers().add(*this, now_ms + kWindowMs);
    return false;
  }

 private:
  static constexpr MonotonicMs kWindowMs = 1'000;

  void fire() override {
    if (const std::uint64_t left_out = limit_.end(); left_out != 0) tell_(left_out);
  }

  Worker& worker_;
  LogLimit limit_;
  UniqueFunction<void(std::uint64_t)> tell_;
};

}  // namespace gatehouse::actor
