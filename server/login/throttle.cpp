#include "login/throttle.hpp"

#include <algorithm>
#include <functional>
#include <utility>

#include "net/network_set.hpp"

namespace gatehouse::login {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;
constexpr std::int64_t kNsPerS = 1'000'000'000;
constexpr std::uint32_t kDoublingsMax = 20;
// So many logins nearly at once make a suspect of an address.
constexpr int kAtOnceMax = 2;

constexpr const char* kLockoutHelp = "Addresses and accounts locked out after failed logins";

std::uint32_t seconds(std::int64_t ns) {
  return static_cast<std::uint32_t>(std::max<std::int64_t>((ns + kNsPerS - 1) / kNsPerS, 1));
}

Rate per_minute(std::uint32_t units, std::uint32_t burst) {
  Rate rate = Rate::per_second(units, burst);
  rate.ns_per_unit *= 60;
  if (rate.limited()) rate.burst_ns *= 60;
  return rate;
}

}  // namespace

Throttle::Throttle(const Limits& limits, MetricSet& metrics)
    : address_{Rate::per_second(limits.login_address_per_s, limits.login_address_burst),
               limits.login_address_failures_max,
               metrics.counter("login_lockouts", "of=\"address\"", kLockoutHelp)},
      account_{per_minute(limits.login_account_per_min, limits.login_account_burst),
               limits.login_account_failures_max,
               metrics.counter("login_lockouts", "of=\"account\"", kLockoutHelp)},
      lock_ns_(limits.login_lock_ms * kNsPerMs),
      lock_max_ns_(limits.login_lock_ms_max * kNsPerMs),
      memory_ns_(limits.login_failure_memory_ms * kNsPerMs),
      shard_entries_max_(std::max<std::size_t>(limits.login_throttle_entries_max / kShards, 1)),
      entries_gauge_(metrics.gauge("login_throttle_entries", "",
                                   "Addresses and accounts whose logins are counted")) {}

std::string Throttle::key_of(const net::Address& address) {
  const auto bytes = net::subscriber_bytes(address);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Longer than any key of an address, so that the two never meet.
std::string Throttle::key_of(std::string_view name) {
  return "account of a player:" + std::string(name);
}

Throttle::Shard& Throttle::shard_of(std::string_view key) {
  return shards_[std::hash<std::string_view>{}(key) % kShards];
}

Throttle::Entry& Throttle::touch(Shard& shard, std::string key, std::int64_t now_ns) {
  if (const auto it = shard.by_key.find(key); it != shard.by_key.end()) {
    Entry& entry = *it->second;
    shard.entries.splice(shard.entries.begin(), shard.entries, it->second);
    if (now_ns - std::max(entry.failed_ns, entry.locked_until_ns) > memory_ns_)
      entry.failures = entry.locks = 0;
    return entry;
  }
  if (shard.entries.size() >= shard_entries_max_) {
    shard.by_key.erase(shard.entries.back().key);
    shard.entries.pop_back();
    entries_gauge_.add(-1);
  }
  shard.entries.emplace_front();
  Entry& entry = shard.entries.front();
  entry.key = std::move(key);
  shard.by_key.emplace(entry.key, shard.entries.begin());
  entries_gauge_.add(1);
  return entry;
}

Throttle::Verdict Throttle::take(const Rule& rule, std::string key, std::int64_t now_ns) {
  if (!counts(rule)) return {};
  Shard& shard = shard_of(key);
  std::lock_guard lock(shard.mutex);
  Entry& entry = touch(shard, std::move(key), now_ns);
  if (entry.locked_until_ns > now_ns) return {seconds(entry.locked_until_ns - now_ns), true};
  if (rule.rate.limited() && !entry.bucket.take(rule.rate, 1, now_ns))
    return {seconds(entry.bucket.next_in_ns(rule.rate, now_ns)), true};
  const auto at_once = static_cast<double>(entry.bucket.full_in_ns(now_ns));
  return {0, entry.failures > 0 || at_once > kAtOnceMax * rule.rate.ns_per_unit};
}

void Throttle::count_failure(const Rule& rule, std::string key, std::int64_t now_ns) {
  if (!counts(rule)) return;
  Shard& shard = shard_of(key);
  std::lock_guard lock(shard.mutex);
  Entry& entry = touch(shard, std::move(key), now_ns);
  entry.failed_ns = now_ns;
  ++entry.failures;
  // What was under way when the lock came does not make it longer.
  if (rule.failures_max == 0 || entry.locked_until_ns > now_ns) return;
  if (entry.failures < rule.failures_max) return;
  const std::int64_t doubled = lock_ns_ << std::min(entry.locks, kDoublingsMax);
  entry.locked_until_ns = now_ns + std::min(doubled, lock_max_ns_);
  entry.failures = 1;  // still a suspect
  ++entry.locks;
  rule.lockouts.add();
}

void Throttle::forgive(const Rule& rule, std::string key, std::uint32_t divisor,
                       std::int64_t now_ns) {
  if (!counts(rule)) return;
  Shard& shard = shard_of(key);
  std::lock_guard lock(shard.mutex);
  const auto it = shard.by_key.find(key);
  if (it == shard.by_key.end()) return;
  Entry& entry = touch(shard, std::move(key), now_ns);
  entry.failures /= divisor;
  if (entry.failures == 0) entry.locks = 0;
}

Throttle::Verdict Throttle::take_address(const net::Address& address, std::int64_t now_ns) {
  return take(address_, key_of(address), now_ns);
}

Throttle::Verdict Throttle::take_account(std::string_view name, std::int64_t now_ns) {
  return take(account_, key_of(name), now_ns);
}

void Throttle::give_back_address(const net::Address& address) {
  if (!address_.rate.limited()) return;
  const std::string key = key_of(address);
  Shard& shard = shard_of(key);
  std::lock_guard lock(shard.mutex);
  const auto it = shard.by_key.find(key);
  if (it != shard.by_key.end()) it->second->bucket.give_back(address_.rate, 1);
}

void Throttle::failed(const net::Address& address, std::string_view name, std::int64_t now_ns) {
  count_failure(address_, key_of(address), now_ns);
  count_failure(account_, key_of(name), now_ns);
}

void Throttle::succeeded(const net::Address& address, std::string_view name,
                         std::int64_t now_ns) {
  constexpr std::uint32_t kAll = UINT32_MAX;
  forgive(address_, key_of(address), 2, now_ns);
  forgive(account_, key_of(name), kAll, now_ns);
}

}  // namespace gatehouse::login
