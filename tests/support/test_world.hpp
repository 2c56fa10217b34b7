// The World of tests that run on the system's clock, randomness and threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/system_world.hpp"

namespace gatehouse {

inline const World& test_world() {
  static SystemWorld world;
  return world;
}

inline std::int64_t monotonic_ns() {
  return test_world().clock.monotonic_ns();
}
inline MonotonicMs monotonic_ms() {
  return test_world().clock.monotonic_ms();
}
inline WallMs wall_ms() {
  return test_world().clock.wall_ms();
}
inline void random_bytes(char* out, std::size_t size) {
  test_world().random.fill(out, size);
}
inline std::string random_bytes(std::size_t size) {
  return test_world().random.bytes(size);
}

}  // namespace gatehouse
