// How often an address and an account may try to log in: a token bucket and a count of failures
// each. Too many failures lock the address or the account out, twice as long each time. What is
// remembered is bounded; the entry that was not used for the longest time is forgotten first.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.hpp"
#include "base/limits.hpp"
#include "base/metrics.hpp"
#include "base/rate_bucket.hpp"
#include "net/address.hpp"

namespace gatehouse::login {

// Any thread. Times are monotonic nanoseconds.
class Throttle {
 public:
  // Gauge `login_throttle_entries`, counter `login_lockouts` by what was locked out.
  Throttle(const Limits& limits, MetricSet& metrics);
  Throttle(const Throttle&) = delete;
  Throttle& operator=(const Throttle&) = delete;

  struct Verdict {
    std::uint32_t retry_s = 0;  // 0: go on; else seconds until it is worth trying again
    bool suspect = false;       // failed lately, or tries many logins at once
  };
  // Takes one login of the address, or of the account.
  [[nodiscard]] Verdict take_address(const net::Address& address, std::int64_t now_ns);
  [[nodiscard]] Verdict take_account(std::string_view name, std::int64_t now_ns);

  // The login of the address that was taken last could not be looked at, and does not count.
  void give_back_address(const net::Address& address);

  // The login failed for what the client sent: password, ticket, second factor, user name.
  void failed(const net::Address& address, std::string_view name, std::int64_t now_ns);
  // The account's failures are forgotten, half of the address's are: others may share it.
  void succeeded(const net::Address& address, std::string_view name, std::int64_t now_ns);

 private:
  // What is counted for one kind of key.
  struct Rule {
    Rate rate;
    std::uint32_t failures_max;  // 0: no lock-out
    Metric& lockouts;
  };
  struct Entry {
    std::string key;
    RateBucket bucket;
    std::uint32_t failures = 0;
    std::uint32_t locks = 0;
    std::int64_t failed_ns = 0;
    std::int64_t locked_until_ns = 0;
  };
  struct Shard {
    std::mutex mutex;
    std::list<Entry> entries;  // the latest used first
    std::unordered_map<std::string_view, std::list<Entry>::iterator> by_key;
  };
  static constexpr std::size_t kShards = 16;

  static std::string key_of(const net::Address& address);
  static std::string key_of(std::string_view name);
  [[nodiscard]] Shard& shard_of(std::string_view key);
  [[nodiscard]] bool counts(const Rule& rule) const {
    return rule.rate.limited() || rule.failures_max > 0;
  }
  // The entry of the key, made when there is none. Under the shard's mutex.
  Entry& touch(Shard& shard, std::string key, std::int64_t now_ns);
  Verdict take(const Rule& rule, std::string key, std::int64_t now_ns);
  void count_failure(const Rule& rule, std::string key, std::int64_t now_ns);
  void forgive(const Rule& rule, std::string key, std::uint32_t divisor, std::int64_t now_ns);

  const Rule address_;
  const Rule account_;
  const std::int64_t lock_ns_;
  const std::int64_t lock_max_ns_;
  const std::int64_t memory_ns_;
  const std::size_t shard_entries_max_;
  Metric& entries_gauge_;
  std::array<Shard, kShards> shards_;
};

}  // namespace gatehouse::login
