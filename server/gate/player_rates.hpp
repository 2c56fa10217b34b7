// The rates of one player: what he sends counts, whichever connection it comes by, and whichever
// login (SpentRates).
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/rate_bucket.hpp"

namespace gatehouse::gate {

struct PlayerRates {
  RateBucket frames;
  RateBucket bytes;

  [[nodiscard]] bool unused(std::int64_t now_ns) const {
    return frames.full_in_ns(now_ns) <= 0 && bytes.full_in_ns(now_ns) <= 0;
  }
};

// What players had used up when their sessions ended, until it would be there again: a new login
// gives nothing back. Any thread.
class SpentRates {
 public:
  SpentRates() = default;
  SpentRates(const SpentRates&) = delete;
  SpentRates& operator=(const SpentRates&) = delete;

  void remember(std::string_view uid, const PlayerRates& rates, std::int64_t now_ns) {
    if (rates.unused(now_ns)) return;
    std::lock_guard lock(mutex_);
    if (spent_.size() >= sweep_at_) {
      std::erase_if(spent_, [now_ns](const auto& entry) { return entry.second.unused(now_ns); });
      sweep_at_ = spent_.size() * 2 + kSweepAt;
    }
    spent_[std::string(uid)] = rates;
  }
  [[nodiscard]] PlayerRates recall(std::string_view uid) {
    std::lock_guard lock(mutex_);
    if (spent_.empty()) return {};
    const auto it = spent_.find(std::string(uid));
    if (it == spent_.end()) return {};
    const PlayerRates rates = it->second;
    spent_.erase(it);
    return rates;
  }

 private:
  static constexpr std::size_t kSweepAt = 1'024;
  std::mutex mutex_;
  std::unordered_map<std::string, PlayerRates> spent_;  // by uid
  std::size_t sweep_at_ = kSweepAt;
};

}  // namespace gatehouse::gate
