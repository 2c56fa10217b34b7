#include "admission/throttle_table.hpp"

#include <algorithm>
#include <functional>

#include "base/assert.hpp"

namespace gatehouse::admission {
namespace {

// So many entries are looked at to find the one that remembers least.
constexpr int kLooksMax = 16;

}  // namespace

ThrottleTable::ThrottleTable(std::size_t entries_max, MetricSet& metrics)
    : shard_entries_max_(std::max<std::size_t>(entries_max / kShards, 1)),
      entries_gauge_(metrics.gauge("login_throttle_entries", "",
                                   "Addresses and accounts whose logins are counted")),
      full_(metrics.counter("login_throttle_full", "",
                            "Logins counted together, for want of room in the throttle")) {}

ThrottleTable::Shard& ThrottleTable::shard_of(std::string_view key) {
  return shards_[std::hash<std::string_view>{}(key) % kShards];
}

ThrottleEntry* ThrottleTable::find(Shard& shard, const std::string& key) {
  const auto it = shard.by_key.find(key);
  if (it == shard.by_key.end()) return nullptr;
  shard.entries.splice(shard.entries.begin(), shard.entries, it->second);
  return &*it->second;
}

ThrottleEntry& ThrottleTable::touch(Shard& shard, std::string key, std::int64_t now_ns) {
  if (ThrottleEntry* const entry = find(shard, key)) return *entry;
  if (shard.entries.size() >= shard_entries_max_ && !make_room(shard, now_ns)) {
    full_.add();
    return shard.rest;
  }
  shard.entries.emplace_front();
  ThrottleEntry& entry = shard.entries.front();
  entry.key = std::move(key);
  shard.by_key.emplace(entry.key, shard.entries.begin());
  GATEHOUSE_ASSERT(shard.by_key.size() == shard.entries.size());
  entries_gauge_.add(1);
  return entry;
}

// Those that are spared come to the front, so that the next look meets others.
bool ThrottleTable::make_room(Shard& shard, std::int64_t now_ns) {
  GATEHOUSE_ASSERT(!shard.entries.empty());
  auto least = shard.entries.end();
  for (int looks = 0; looks < kLooksMax; ++looks) {
    const auto oldest = std::prev(shard.entries.end());
    if (oldest == least) break;  // once around
    shard.entries.splice(shard.entries.begin(), shard.entries, oldest);
    oldest->forget_old(now_ns);
    if (oldest->pending > 0 || oldest->locked(now_ns)) continue;
    if (least == shard.entries.end() || oldest->failures < least->failures) least = oldest;
    if (least->failures == 0) break;
  }
  if (least == shard.entries.end()) return false;
  GATEHOUSE_ASSERT(least->pending == 0 && !least->locked(now_ns));
  shard.by_key.erase(least->key);
  shard.entries.erase(least);
  entries_gauge_.add(-1);
  return true;
}

}  // namespace gatehouse::admission
