// EntityMgr: which actor represents which entity, e.g. ("player", "test1@cocos1"). Readable
// from every thread without a message. An id is registered once; entries vanish when their
// actor dies, however it dies.
#pragma once

#include <array>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"

namespace gatehouse::actor {

class EntityManager {
 public:
  // kExists when the id is registered already, to whichever actor. Any thread, as all here.
  [[nodiscard]] Result<> add(std::string_view kind, std::string_view id, ServiceId actor);
  // kNotFound when it is not registered.
  [[nodiscard]] Result<> remove(std::string_view kind, std::string_view id);
  // Address 0 when there is none.
  [[nodiscard]] ServiceId find(std::string_view kind, std::string_view id) const;
  [[nodiscard]] std::size_t count(std::string_view kind) const;
  struct Entry {
    std::string id;
    ServiceId actor;
  };
  // A copy of the entries of a kind, in no order.
  [[nodiscard]] std::vector<Entry> list(std::string_view kind) const;
  // Drops all entries of an actor. Called when it dies.
  void remove_all(ServiceId actor);

 private:
  static constexpr std::size_t kShards = 16;
  struct Shard {
    mutable std::mutex mutex;
    std::unordered_map<std::string, ServiceId> entries;  // key: kind, NUL, id
  };
  struct OwnerShard {
    std::mutex mutex;
    std::unordered_multimap<std::uint32_t, std::string> keys;  // by actor
  };

  [[nodiscard]] static std::string key(std::string_view kind, std::string_view id);
  [[nodiscard]] Shard& shard(const std::string& key) const;
  [[nodiscard]] OwnerShard& owner(ServiceId actor);

  mutable std::array<Shard, kShards> shards_;
  std::array<OwnerShard, kShards> owners_;
};

}  // namespace gatehouse::actor
