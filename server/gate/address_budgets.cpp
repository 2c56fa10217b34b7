#include "gate/address_budgets.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace gatehouse::gate {
namespace {

// Of the connections beyond maxclient, for one address.
constexpr std::uint32_t kBeyondShare = 8;
// Portions are the smaller the smaller the budget is.
constexpr std::uint32_t kPortions = 64;
constexpr std::uint32_t kFramePortion = 64;
constexpr std::uint32_t kBytePortion = 65'536;

std::uint32_t portion(std::uint32_t limit, std::uint32_t most) {
  return limit == 0 ? UINT32_MAX : std::clamp(limit / kPortions, 1u, most);
}

}  // namespace

AddressBudgets::AddressBudgets(const Limits& limits)
    : frames_(Rate::per_second(limits.gate_address_frames_per_s_max)),
      bytes_(Rate::per_second(limits.gate_address_bytes_per_s_max)),
      frames_max_(limits.gate_address_frames_per_s_max),
      bytes_max_(limits.gate_address_bytes_per_s_max),
      frame_portion_(portion(frames_max_, kFramePortion)),
      byte_portion_(portion(bytes_max_, kBytePortion)),
      pending_bytes_max_(limits.gate_address_pending_bytes_max),
      beyond_max_(limits.address_connections_max == 0
                      ? UINT32_MAX
                      : std::max(limits.gate_reserve_max / kBeyondShare, 1u)) {}

AddressBudgets::Used& AddressBudgets::use(Shard& shard, const Key& key, std::int64_t now_ns) {
  if (shard.used.size() >= shard.sweep_at) {
    std::erase_if(shard.used, [now_ns](const auto& entry) { return entry.second.nothing(now_ns); });
    shard.sweep_at = std::max(kSweepAt, 2 * shard.used.size());
  }
  return shard.used[key];
}

bool AddressBudgets::enter_reserve(const Key& key, std::int64_t now_ns) {
  Shard& part = shard(key);
  std::lock_guard lock(part.mutex);
  Used& used = use(part, key, now_ns);
  if (used.beyond >= beyond_max_) return false;
  ++used.beyond;
  return true;
}

void AddressBudgets::leave_reserve(const Key& key) {
  Shard& part = shard(key);
  std::lock_guard lock(part.mutex);
  Used& used = part.used[key];
  GATEHOUSE_ASSERT(used.beyond > 0);
  --used.beyond;
}

bool AddressBudgets::take(const Key& key, std::uint32_t frames, std::uint32_t bytes,
                          std::int64_t now_ns) {
  Shard& part = shard(key);
  std::lock_guard lock(part.mutex);
  Used& used = use(part, key, now_ns);
  // A portion that is more than a second's worth counts as that: else it could never be taken.
  frames = std::min(frames, frames_max_);
  bytes = std::min(bytes, bytes_max_);
  if (frames_.limited() && !used.frames.take(frames_, frames, now_ns)) return false;
  if (!bytes_.limited() || used.bytes.take(bytes_, bytes, now_ns)) return true;
  if (frames_.limited()) used.frames.give_back(frames_, frames);
  return false;
}

bool AddressBudgets::lease(const Key& key, std::uint32_t bytes, std::int64_t now_ns) {
  if (pending_bytes_max_ == 0) return true;
  Shard& part = shard(key);
  std::lock_guard lock(part.mutex);
  Used& used = use(part, key, now_ns);
  if (used.pending_bytes + bytes > pending_bytes_max_) return false;
  used.pending_bytes += bytes;
  return true;
}

void AddressBudgets::give_back(const Key& key, std::uint32_t bytes) {
  if (pending_bytes_max_ == 0 || bytes == 0) return;
  Shard& part = shard(key);
  std::lock_guard lock(part.mutex);
  Used& used = part.used[key];
  GATEHOUSE_ASSERT(used.pending_bytes >= bytes);
  used.pending_bytes -= bytes;
}

std::size_t AddressBudgets::size() const {
  std::size_t count = 0;
  for (const Shard& part : shards_) {
    std::lock_guard lock(part.mutex);
    count += part.used.size();
  }
  return count;
}

}  // namespace gatehouse::gate
