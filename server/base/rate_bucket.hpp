// A rate limit in eight bytes: the generic cell rate algorithm (ITU-T I.371, the virtual
// scheduling form), which is a token bucket without a refill to run.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace gatehouse {

struct Rate {
  double ns_per_unit = 0;  // 0: no limit
  std::int64_t burst_ns = 1'000'000'000;

  // Units a second, with a burst of `burst` units; 0 units: no limit.
  [[nodiscard]] static Rate per_second(std::uint32_t units, std::uint32_t burst) {
    if (units == 0) return {};
    const double ns = 1e9 / units;
    return {ns, static_cast<std::int64_t>(ns * std::max(burst, 1u))};
  }
  // With a burst of one second's worth.
  [[nodiscard]] static Rate per_second(std::uint32_t units) { return per_second(units, units); }
  [[nodiscard]] bool limited() const { return ns_per_unit > 0; }
};

class RateBucket {
 public:
  // Takes units at the time `now_ns`; false when that is over the rate: nothing is taken. A
  // clock that lags refuses too early, never too late: ask again with the exact time.
  [[nodiscard]] bool take(const Rate& rate, std::size_t units, std::int64_t now_ns) {
    const auto cost = static_cast<std::int64_t>(static_cast<double>(units) * rate.ns_per_unit);
    const std::int64_t full_again_ns = std::max(full_again_ns_, now_ns) + cost;
    if (full_again_ns - now_ns > rate.burst_ns) return false;
    full_again_ns_ = full_again_ns;
    return true;
  }

  // Puts units back that take() took.
  void give_back(const Rate& rate, std::size_t units) {
    full_again_ns_ -= static_cast<std::int64_t>(static_cast<double>(units) * rate.ns_per_unit);
  }

  // Nanoseconds until all units are there again; 0 or less: they are.
  [[nodiscard]] std::int64_t full_in_ns(std::int64_t now_ns) const {
    return full_again_ns_ - now_ns;
  }
  // Nanoseconds until one unit may be taken.
  [[nodiscard]] std::int64_t next_in_ns(const Rate& rate, std::int64_t now_ns) const {
    const double wait = static_cast<double>(full_again_ns_ - now_ns - rate.burst_ns);
    return std::max<std::int64_t>(static_cast<std::int64_t>(wait + rate.ns_per_unit), 0);
  }

 private:
  std::int64_t full_again_ns_ = 0;
};

}  // namespace gatehouse
