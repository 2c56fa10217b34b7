// The shared tables of the process: name -> the version of now. A version is immutable and lives
// as long as the store or a VM holds it. Three name spaces, one for each Lua library on top
// (docs/skynet-rules.md 1.5 ). Any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.hpp"
#include "tables/shared_tree.hpp"

namespace gatehouse::actor {
class Worker;
}

namespace gatehouse::tables {

// Holds tables that follow changes.
class Follower {
 public:
  virtual ~Follower() = default;
  // Moves them to the newest versions. On its worker, between two messages.
  virtual void refresh() = 0;
};

enum class SharedFace : std::uint8_t { kSharedata, kSharetable, kDatasheet };
inline constexpr std::size_t kSharedFaces = 3;

class SharedTables {
 public:
  static constexpr std::size_t kNamesMax = 65'536;  // a face
  static constexpr std::size_t kNameBytesMax = 4'096;

  struct Current {
    SharedTreePtr tree;         // null: no such name
    std::uint64_t lineage = 0;  // another one after a name was removed and made again
  };
  enum class Mode : std::uint8_t { kNew, kReplace, kSet };  // kExists; kNotFound; either

  [[nodiscard]] Result<> publish(SharedFace face, std::string_view name, SharedTreePtr tree,
                                 Mode mode);
  [[nodiscard]] bool remove(SharedFace face, std::string_view name);
  [[nodiscard]] Current find(SharedFace face, std::string_view name) const;
  [[nodiscard]] std::vector<std::string> names(SharedFace face) const;

  // Grows with every change; a VM that has seen this one need not look.
  [[nodiscard]] std::uint64_t epoch() const { return epoch_.load(std::memory_order_acquire); }
  // It is told of each change, so that one that sleeps lets go of the versions before.
  void add_follower(std::weak_ptr<Follower> follower, actor::Worker& worker);

 private:
  struct Following {
    std::weak_ptr<Follower> follower;
    actor::Worker* worker;
  };
  struct NameHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view name) const {
      return std::hash<std::string_view>{}(name);
    }
  };
  using Names = std::unordered_map<std::string, Current, NameHash, std::equal_to<>>;

  void announce();
  [[nodiscard]] Names& of(SharedFace face) { return names_[static_cast<std::size_t>(face)]; }

  mutable std::mutex mutex_;
  Names names_[kSharedFaces];
  std::uint64_t last_lineage_ = 0;
  std::vector<Following> followers_;
  std::size_t followers_limit_ = 64;  // length at which VMs that ended are looked for
  std::atomic<std::uint64_t> epoch_{1};
};

}  // namespace gatehouse::tables
