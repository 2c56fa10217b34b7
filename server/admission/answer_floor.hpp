// When a 401 goes out: never before the slowest password format in the store would have been
// judged, so that the time of the answer tells nobody which format an account has, or that there
// is none. Formats are told apart by what they are estimated to take; how long each takes on this
// machine is learned from the verifications themselves. A 200 is not held back.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>

#include "base/metrics.hpp"

namespace gatehouse::admission {

// Any thread. Times are monotonic nanoseconds.
class AnswerFloor {
 public:
  // What a login policy takes is a format of its own.
  static constexpr std::uint64_t kPolicy = 1;

  // max_ms: no answer is held back longer; 0: none is. Gauge `login_answer_floor_ms`.
  AnswerFloor(std::uint32_t max_ms, MetricSet& metrics);
  AnswerFloor(const AnswerFloor&) = delete;
  AnswerFloor& operator=(const AnswerFloor&) = delete;

  // A password of a format of this estimate (crypto::estimate_verify_ns) was judged in took_ns.
  void learn(std::uint64_t estimate_ns, std::int64_t took_ns);
  // True when nothing slower than half of this was judged or is known to be there: it is worth
  // measuring. Says so once of each estimate.
  [[nodiscard]] bool wants(std::uint64_t estimate_ns);

  // When an answer is due that was begun at began_ns: at the next multiple of the floor, so that
  // one that took longer on a busy machine tells little, too.
  [[nodiscard]] std::int64_t due_ns(std::int64_t began_ns, std::int64_t now_ns) const;
  [[nodiscard]] std::int64_t floor_ns() const { return floor_ns_.load(std::memory_order_relaxed); }

 private:
  const std::int64_t max_ns_;
  Metric& gauge_;
  std::atomic<std::int64_t> floor_ns_{0};
  std::mutex mutex_;
  std::map<std::uint64_t, double> took_ns_;  // by estimate, under mutex_; 0: not judged yet
};

}  // namespace gatehouse::admission
