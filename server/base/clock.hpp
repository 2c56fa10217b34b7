// Time. Protocol code takes it as an argument; everything else asks the Clock of its World.
#pragma once

#include <cstdint>

namespace gatehouse {

// Milliseconds on the monotonic clock; differences only.
using MonotonicMs = std::int64_t;
// Milliseconds since the Unix epoch.
using WallMs = std::int64_t;

inline constexpr std::int64_t kNsPerMs = 1'000'000;

// Any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  // Never goes back; differences only.
  [[nodiscard]] virtual std::int64_t monotonic_ns() const = 0;
  [[nodiscard]] virtual WallMs wall_ms() const = 0;

  [[nodiscard]] MonotonicMs monotonic_ms() const { return monotonic_ns() / kNsPerMs; }
  // Seconds since the Unix epoch.
  [[nodiscard]] std::int64_t wall_s() const { return wall_ms() / 1'000; }
};

}  // namespace gatehouse
