// The objects of skynet.stm (docs/skynet-rules.md 1.5): one service writes a packed value, others
// read the newest one without a message. A copy of a writer travels as a number and is taken once.
// Any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "actor/message.hpp"

namespace gatehouse::tables {

class SharedCell {
 public:
  using Content = std::shared_ptr<const actor::Message>;

  // Null ends it: the writer is gone, and there will be no other content.
  void write(Content content);
  // The content when there is one and it is not the one that was seen, else null.
  [[nodiscard]] Content read(std::uint64_t& seen) const;

 private:
  std::atomic<std::uint64_t> version_{0};
  mutable std::mutex mutex_;
  Content content_;
};
using SharedCellPtr = std::shared_ptr<SharedCell>;

// Copies on their way from a writer to a reader. Those that nobody took end with the writer.
class SharedCells {
 public:
  [[nodiscard]] std::uint64_t send(SharedCellPtr cell);
  // Null for a copy that was taken, or whose writer is gone.
  [[nodiscard]] SharedCellPtr take(std::uint64_t id);
  void drop(const SharedCellPtr& cell);

 private:
  std::mutex mutex_;
  std::uint64_t last_id_ = 0;
  std::unordered_map<std::uint64_t, SharedCellPtr> sent_;
};

}  // namespace gatehouse::tables
