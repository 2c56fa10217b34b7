// What a throttle remembers of each key: a bounded table, in shards with a lock each.
//
// When the table is full the entry goes that remembers least: of those not used for the longest
// time the first that remembers nothing, else the one with the fewest failures. An entry that is
// locked out, or whose guess is being looked at, is never forgotten. Where nothing can be
// forgotten, new keys are counted together in one entry of their shard.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/metrics.hpp"
#include "base/rate_bucket.hpp"

namespace gatehouse::admission {

// Times are monotonic nanoseconds; 0: never.
struct ThrottleEntry {
  std::string key;
  RateBucket logins;         // all of them, good or not
  RateBucket guesses;        // of an account from any network; of an address: with both factors
  RateBucket known_guesses;  // of an account, from networks it knows
  std::uint32_t failures = 0;
  std::uint32_t recent = 0;   // of the failures: what the address's count holds of them, too
  std::uint32_t pending = 0;  // guesses that are being looked at
  std::uint32_t locks = 0;
  std::int64_t failed_ns = 0;
  std::int64_t locked_until_ns = 0;
  std::int64_t forgotten_ns = 0;  // then failures and locks are
  std::int64_t good_ns = 0;       // the last good login

  [[nodiscard]] bool locked(std::int64_t now_ns) const { return locked_until_ns > now_ns; }
  // Without failures that are over.
  void forget_old(std::int64_t now_ns) {
    if (forgotten_ns <= now_ns) failures = recent = locks = 0;
  }
};

// Any thread. No two locks are held at once.
class ThrottleTable {
 public:
  // Gauge `login_throttle_entries`, counter `login_throttle_full`.
  ThrottleTable(std::size_t entries_max, MetricSet& metrics);
  ThrottleTable(const ThrottleTable&) = delete;
  ThrottleTable& operator=(const ThrottleTable&) = delete;

  // Calls use(entry) under the shard's lock and returns its result; the entry is made when there
  // is none.
  template <class Use>
  auto with(std::string key, std::int64_t now_ns, Use&& use) {
    Shard& shard = shard_of(key);
    std::lock_guard lock(shard.mutex);
    ThrottleEntry& entry = touch(shard, std::move(key), now_ns);
    entry.forget_old(now_ns);
    return std::forward<Use>(use)(entry);
  }
  // The same where an entry is there already; use's result is not wanted.
  template <class Use>
  void with_known(const std::string& key, std::int64_t now_ns, Use&& use) {
    Shard& shard = shard_of(key);
    std::lock_guard lock(shard.mutex);
    ThrottleEntry* const entry = find(shard, key);
    if (entry == nullptr) return;
    entry->forget_old(now_ns);
    std::forward<Use>(use)(*entry);
  }

 private:
  struct Shard {
    std::mutex mutex;
    std::list<ThrottleEntry> entries;  // the latest used first
    std::unordered_map<std::string_view, std::list<ThrottleEntry>::iterator> by_key;
    ThrottleEntry rest;  // of all keys that found no room
  };
  static constexpr std::size_t kShards = 16;

  [[nodiscard]] Shard& shard_of(std::string_view key);
  // Under the shard's lock, as the next two.
  [[nodiscard]] static ThrottleEntry* find(Shard& shard, const std::string& key);
  [[nodiscard]] ThrottleEntry& touch(Shard& shard, std::string key, std::int64_t now_ns);
  [[nodiscard]] bool make_room(Shard& shard, std::int64_t now_ns);

  const std::size_t shard_entries_max_;
  Metric& entries_gauge_;
  Metric& full_;
  std::array<Shard, kShards> shards_;
};

}  // namespace gatehouse::admission
