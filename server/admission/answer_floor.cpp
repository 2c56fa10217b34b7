#include "admission/answer_floor.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "base/clock.hpp"

namespace gatehouse::admission {
namespace {

// Formats and costs that one store holds; the quickest are dropped.
constexpr std::size_t kFormatsMax = 32;
// A longer time counts at once, by half, a shorter one little by little: the floor is above most.
constexpr double kRise = 0.5;
constexpr double kFall = 1.0 / 128;
// A single measurement counts as so many times the one before at most: a thread that the system
// kept waiting is no format.
constexpr double kOutlier = 4;
constexpr double kMargin = 1.25;

}  // namespace

AnswerFloor::AnswerFloor(std::uint32_t max_ms, MetricSet& metrics)
    : max_ns_(max_ms * kNsPerMs),
      gauge_(metrics.gauge("login_answer_floor_ms", "",
                           "Milliseconds before which no login is answered 401")) {}

void AnswerFloor::learn(std::uint64_t estimate_ns, std::int64_t took_ns) {
  GATEHOUSE_ASSERT(took_ns >= 0);
  std::lock_guard lock(mutex_);
  double& known = took_ns_[estimate_ns];
  const auto took = static_cast<double>(took_ns);
  if (known == 0) {
    known = took;
  } else {
    known += (std::min(took, known * kOutlier) - known) * (took > known ? kRise : kFall);
  }
  while (took_ns_.size() > kFormatsMax) took_ns_.erase(took_ns_.begin());
  double slowest = 0;
  for (const auto& [estimate, each] : took_ns_) slowest = std::max(slowest, each);
  const auto floor = static_cast<std::int64_t>(slowest * kMargin) + kNsPerMs;
  floor_ns_.store(std::min(floor, max_ns_), std::memory_order_relaxed);
  gauge_.set(floor_ns_.load(std::memory_order_relaxed) / kNsPerMs);
}

bool AnswerFloor::wants(std::uint64_t estimate_ns) {
  std::lock_guard lock(mutex_);
  if (max_ns_ == 0 || took_ns_.contains(estimate_ns)) return false;
  if (!took_ns_.empty() && estimate_ns < took_ns_.rbegin()->first / 2) return false;
  took_ns_.emplace(estimate_ns, 0);
  return true;
}

std::int64_t AnswerFloor::due_ns(std::int64_t began_ns, std::int64_t now_ns) const {
  const std::int64_t floor = floor_ns();
  if (floor == 0) return now_ns;
  const std::int64_t took = std::max<std::int64_t>(now_ns - began_ns, 1);
  const std::int64_t due = began_ns + (took + floor - 1) / floor * floor;
  GATEHOUSE_ASSERT(due >= now_ns);
  return due;
}

}  // namespace gatehouse::admission
