// A rate limit in eight bytes: the generic cell rate algorithm (ITU-T I.371, the virtual
// scheduling form), which is a token bucket without a refill to run.
#pragma once

#include <algorithm>
#include <cstdint>

namespace gatehouse::gate {

// Units a second, with a burst of one second's worth. 0: no limit.
struct Rate {
  double ns_per_unit = 0;

  [[nodiscard]] static Rate per_second(std::uint32_t units) {
    return {units == 0 ? 0.0 : 1e9 / units};
  }
  [[nodiscard]] bool limited() const { return ns_per_unit > 0; }
};

class RateBucket {
 public:
  // Takes units at the time `now_ns`; false when that is over the rate: nothing is taken. A
  // clock that lags refuses too early, never too late: ask again with the exact time.
  [[nodiscard]] bool take(const Rate& rate, std::size_t units, std::int64_t now_ns) {
    const auto cost = static_cast<std::int64_t>(static_cast<double>(units) * rate.ns_per_unit);
    const std::int64_t full_again_ns = std::max(full_again_ns_, now_ns) + cost;
    if (full_again_ns - now_ns > kBurstNs) return false;
    full_again_ns_ = full_again_ns;
    return true;
  }

 private:
  static constexpr std::int64_t kBurstNs = 1'000'000'000;
  std::int64_t full_again_ns_ = 0;
};

}  // namespace gatehouse::gate
