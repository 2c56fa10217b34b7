// Which task waits for which reply: (service, session) -> task, for all services of a VM. Open
// addressing with linear probing and backward-shift deletion (Knuth, TAOCP 3, 6.4, algorithm R):
// one flat array, no allocation in steady state.
#pragma once

#include <cstdint>
#include <vector>

#include "base/assert.hpp"
#include "base/ids.hpp"

namespace gatehouse::script {

struct Task;

class SessionMap {
 public:
  // Nobody waits for it yet.
  void insert(ServiceId service, std::int32_t session, Task* task) {
    GATEHOUSE_ASSERT(task != nullptr);
    if ((count_ + 1) * 2 > slots_.size()) rehash();
    put(key(service, session), task);
    ++count_;
  }

  [[nodiscard]] Task* find(ServiceId service, std::int32_t session) const {
    const std::size_t at = locate(key(service, session));
    return at == kNone ? nullptr : slots_[at].task;
  }

  // Removes and returns; nullptr when nobody waits.
  Task* take(ServiceId service, std::int32_t session) {
    std::size_t hole = locate(key(service, session));
    if (hole == kNone) return nullptr;
    Task* task = slots_[hole].task;
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t i = (hole + 1) & mask; slots_[i].task != nullptr; i = (i + 1) & mask) {
      const std::size_t home = hash(slots_[i].key) & mask;
      if (((i - home) & mask) >= ((i - hole) & mask)) {
        slots_[hole] = slots_[i];
        hole = i;
      }
    }
    slots_[hole] = Slot{};
    GATEHOUSE_ASSERT(count_ > 0);
    --count_;
    return task;
  }

  [[nodiscard]] std::size_t size() const { return count_; }

 private:
  struct Slot {
    std::uint64_t key = 0;
    Task* task = nullptr;
  };
  static constexpr std::size_t kNone = SIZE_MAX;

  static std::uint64_t key(ServiceId service, std::int32_t session) {
    return std::uint64_t{service.value} << 32 | static_cast<std::uint32_t>(session);
  }
  static std::size_t hash(std::uint64_t k) {
    return static_cast<std::size_t>((k * 0x9e3779b97f4a7c15ull) >> 32);
  }
  [[nodiscard]] std::size_t locate(std::uint64_t k) const {
    if (count_ == 0) return kNone;
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t i = hash(k) & mask; slots_[i].task != nullptr; i = (i + 1) & mask) {
      if (slots_[i].key == k) return i;
    }
    return kNone;
  }
  void put(std::uint64_t k, Task* task) {
    GATEHOUSE_ASSERT(count_ < slots_.size());  // or a search would not end
    const std::size_t mask = slots_.size() - 1;
    std::size_t i = hash(k) & mask;
    while (slots_[i].task != nullptr) i = (i + 1) & mask;
    slots_[i] = Slot{k, task};
  }
  void rehash() {
    std::vector<Slot> old(slots_.empty() ? 16 : slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.task != nullptr) put(slot.key, slot.task);
    }
  }

  std::vector<Slot> slots_;
  std::size_t count_ = 0;
};

}  // namespace gatehouse::script
