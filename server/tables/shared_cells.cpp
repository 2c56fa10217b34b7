#include "tables/shared_cells.hpp"

#include <utility>

namespace gatehouse::tables {

void SharedCell::write(Content content) {
  const std::lock_guard lock(mutex_);
  content_.swap(content);
  version_.fetch_add(1, std::memory_order_release);
}

SharedCell::Content SharedCell::read(std::uint64_t& seen) const {
  if (version_.load(std::memory_order_acquire) == seen) return nullptr;
  const std::lock_guard lock(mutex_);
  seen = version_.load(std::memory_order_relaxed);
  return content_;
}

std::uint64_t SharedCells::send(SharedCellPtr cell) {
  const std::lock_guard lock(mutex_);
  sent_.emplace(++last_id_, std::move(cell));
  return last_id_;
}

SharedCellPtr SharedCells::take(std::uint64_t id) {
  const std::lock_guard lock(mutex_);
  const auto it = sent_.find(id);
  if (it == sent_.end()) return nullptr;
  SharedCellPtr cell = std::move(it->second);
  sent_.erase(it);
  return cell;
}

void SharedCells::drop(const SharedCellPtr& cell) {
  const std::lock_guard lock(mutex_);
  std::erase_if(sent_, [&cell](const auto& entry) { return entry.second == cell; });
}

}  // namespace gatehouse::tables
