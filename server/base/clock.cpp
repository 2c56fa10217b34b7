#include "base/clock.hpp"

#include <ctime>

namespace gatehouse {
namespace {
std::int64_t read_ns(clockid_t id) {
  timespec ts{};
  clock_gettime(id, &ts);
  return std::int64_t{ts.tv_sec} * 1'000'000'000 + ts.tv_nsec;
}
}  // namespace

std::int64_t monotonic_ns() { return read_ns(CLOCK_MONOTONIC); }
WallMs wall_ms() { return read_ns(CLOCK_REALTIME) / 1'000'000; }
std::int64_t thread_cpu_ns() { return read_ns(CLOCK_THREAD_CPUTIME_ID); }

}  // namespace gatehouse
