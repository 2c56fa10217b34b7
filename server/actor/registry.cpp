#include "actor/registry.hpp"

#include "base/assert.hpp"

namespace gatehouse::actor {

Registry::Registry() = default;

Registry::~Registry() {
  for (auto& page : pages_) delete[] page.load();
}

Result<ServiceId> Registry::reserve(std::uint16_t worker) {
  std::lock_guard lock(mutex_);
  std::uint32_t id = 0;
  if (freed_.size() > kQuarantine || (next_id_ > kIdMax && !freed_.empty())) {
    id = freed_.front();
    freed_.pop_front();
  } else if (next_id_ <= kIdMax) {
    id = next_id_++;
    auto& page = pages_[id >> kPageBits];
    if (page.load(std::memory_order_relaxed) == nullptr) {
      page.store(new Slot[kPageSlots], std::memory_order_release);
    }
  } else {
    return fail(Errc::kFull, "all 16777215 service addresses are in use");
  }
  GATEHOUSE_ASSERT(id != 0 && id < next_id_ && next_id_ <= kIdMax + 1);
  Slot* slot = find(ServiceId{id});
  GATEHOUSE_ASSERT(slot != nullptr && !slot->live.load() && slot->service == nullptr);
  slot->worker.store(worker, std::memory_order_relaxed);
  slot->live.store(true, std::memory_order_release);
  count_.fetch_add(1, std::memory_order_relaxed);
  return ServiceId{id};
}

void Registry::release(ServiceId id) {
  Slot* slot = find(id);
  GATEHOUSE_ASSERT(slot != nullptr && slot->live.load());
  slot->service = nullptr;
  // Dead before its names go: set_name(), which looks under the same lock, adds none after that.
  slot->live.store(false, std::memory_order_release);
  {
    std::unique_lock lock(names_mutex_);
    const auto [first, last] = names_of_.equal_range(id.value);
    for (auto it = first; it != last; ++it) {
      const std::size_t erased = names_.erase(it->second);
      GATEHOUSE_ASSERT(erased == 1);  // both tables tell the same
    }
    names_of_.erase(first, last);
    GATEHOUSE_ASSERT(names_.size() == names_of_.size());
  }
  std::lock_guard lock(mutex_);
  GATEHOUSE_ASSERT(id.value < next_id_ && freed_.size() < next_id_);
  freed_.push_back(id.value);
  const std::size_t before = count_.fetch_sub(1, std::memory_order_relaxed);
  GATEHOUSE_ASSERT(before > 0);
}

std::vector<ServiceId> Registry::list() const {
  std::lock_guard lock(mutex_);
  std::vector<ServiceId> ids;
  for (std::uint32_t id = 1; id < next_id_; ++id) {
    if (live(ServiceId{id})) ids.push_back(ServiceId{id});
  }
  return ids;
}

Result<> Registry::set_name(std::string_view name, ServiceId id) {
  std::unique_lock lock(names_mutex_);
  if (!live(id)) return fail(Errc::kNotFound, "the service has ended");
  const auto [it, added] = names_.try_emplace(std::string(name), id);
  if (!added) return fail(Errc::kExists, "the name is taken");
  names_of_.emplace(id.value, it->first);
  GATEHOUSE_ASSERT(names_.size() == names_of_.size());
  return {};
}

ServiceId Registry::find_name(std::string_view name) const {
  std::shared_lock lock(names_mutex_);
  const auto it = names_.find(std::string(name));
  return it == names_.end() ? ServiceId{} : it->second;
}

}  // namespace gatehouse::actor
