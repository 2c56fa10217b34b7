// Exact admission: so many slots, each held by one connection wherever it goes.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include "base/assert.hpp"

namespace gatehouse::gate {

class ConnectionSlots;

// One slot, given back when it is destroyed. The counter outlives it. Any thread.
class Slot {
 public:
  Slot() = default;
  Slot(Slot&& other) noexcept : counter_(std::exchange(other.counter_, nullptr)) {}
  Slot& operator=(Slot&& other) noexcept;
  ~Slot() { give_back(); }

  explicit operator bool() const { return counter_ != nullptr; }
  void give_back();

 private:
  friend class ConnectionSlots;
  explicit Slot(ConnectionSlots& counter) : counter_(&counter) {}
  ConnectionSlots* counter_ = nullptr;
};

// Any thread.
class ConnectionSlots {
 public:
  explicit ConnectionSlots(std::uint32_t slots) : slots_(slots) {}
  ConnectionSlots(const ConnectionSlots&) = delete;
  ConnectionSlots& operator=(const ConnectionSlots&) = delete;

  // Empty when all are taken.
  [[nodiscard]] Slot try_take() {
    std::uint32_t taken = taken_.load(std::memory_order_relaxed);
    do {
      if (taken >= slots_) return {};
    } while (!taken_.compare_exchange_weak(taken, taken + 1, std::memory_order_acq_rel,
                                           std::memory_order_relaxed));
    return Slot(*this);
  }
  [[nodiscard]] std::uint32_t taken() const { return taken_.load(std::memory_order_acquire); }

 private:
  friend class Slot;
  const std::uint32_t slots_;
  std::atomic<std::uint32_t> taken_{0};
};

inline Slot& Slot::operator=(Slot&& other) noexcept {
  if (this != &other) {
    give_back();
    counter_ = std::exchange(other.counter_, nullptr);
  }
  return *this;
}

inline void Slot::give_back() {
  ConnectionSlots* const counter = std::exchange(counter_, nullptr);
  if (counter == nullptr) return;
  const std::uint32_t before = counter->taken_.fetch_sub(1, std::memory_order_acq_rel);
  GATEHOUSE_ASSERT(before > 0 && before <= counter->slots_);
}

}  // namespace gatehouse::gate
