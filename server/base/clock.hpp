// Time. Protocol code takes it as an argument; the rest reads these functions; so
// that tests can run under a clock of their own.
#pragma once

#include <cstdint>

namespace gatehouse {

// Milliseconds on the monotonic clock; differences only.
using MonotonicMs = std::int64_t;
// Milliseconds since the Unix epoch.
using WallMs = std::int64_t;

inline constexpr std::int64_t kNsPerMs = 1'000'000;

// Monotonic nanoseconds. Any thread.
[[nodiscard]] std::int64_t monotonic_ns();
[[nodiscard]] inline MonotonicMs monotonic_ms() { return monotonic_ns() / kNsPerMs; }
// Wall clock. Any thread.
[[nodiscard]] WallMs wall_ms();
// CPU time of the calling thread, in nanoseconds.
[[nodiscard]] std::int64_t thread_cpu_ns();

}  // namespace gatehouse
