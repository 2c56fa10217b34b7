#include "admission/in_progress.hpp"

#include <array>
#include <functional>
#include <mutex>
#include <unordered_set>

#include "base/assert.hpp"

namespace gatehouse::admission {

struct InProgress::Shards {
  struct Shard {
    std::mutex mutex;
    std::unordered_set<std::string> uids;
  };
  static constexpr std::size_t kCount = 16;

  Shard& of(const std::string& uid) { return all[std::hash<std::string>{}(uid) % kCount]; }

  std::array<Shard, kCount> all;
};

InProgress::InProgress() : shards_(std::make_shared<Shards>()) {}

std::optional<InProgress::Entry> InProgress::enter(std::string_view uid) {
  const std::string key(uid);
  Shards::Shard& shard = shards_->of(key);
  {
    std::lock_guard lock(shard.mutex);
    if (!shard.uids.insert(key).second) return std::nullopt;
  }
  return Entry(shards_, uid);
}

InProgress::Entry::~Entry() {
  if (shards_ == nullptr) return;
  Shards::Shard& shard = shards_->of(uid_);
  std::lock_guard lock(shard.mutex);
  const std::size_t erased = shard.uids.erase(uid_);
  GATEHOUSE_ASSERT(erased == 1);
}

}  // namespace gatehouse::admission
