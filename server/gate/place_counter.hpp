// Exact admission: so many places, each held by one connection wherever it goes.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace gatehouse::gate {

class PlaceCounter;

// One place, given back when it is destroyed. The counter outlives it. Any thread.
class Place {
 public:
  Place() = default;
  Place(Place&& other) noexcept : counter_(std::exchange(other.counter_, nullptr)) {}
  Place& operator=(Place&& other) noexcept;
  ~Place() { give_back(); }

  explicit operator bool() const { return counter_ != nullptr; }
  void give_back();

 private:
  friend class PlaceCounter;
  explicit Place(PlaceCounter& counter) : counter_(&counter) {}
  PlaceCounter* counter_ = nullptr;
};

// Any thread.
class PlaceCounter {
 public:
  explicit PlaceCounter(std::uint32_t places) : places_(places) {}
  PlaceCounter(const PlaceCounter&) = delete;
  PlaceCounter& operator=(const PlaceCounter&) = delete;

  // Empty when all are taken.
  [[nodiscard]] Place try_take() {
    std::uint32_t taken = taken_.load(std::memory_order_relaxed);
    do {
      if (taken >= places_) return {};
    } while (!taken_.compare_exchange_weak(taken, taken + 1, std::memory_order_acq_rel,
                                           std::memory_order_relaxed));
    return Place(*this);
  }
  [[nodiscard]] std::uint32_t taken() const { return taken_.load(std::memory_order_acquire); }

 private:
  friend class Place;
  const std::uint32_t places_;
  std::atomic<std::uint32_t> taken_{0};
};

inline Place& Place::operator=(Place&& other) noexcept {
  if (this != &other) {
    give_back();
    counter_ = std::exchange(other.counter_, nullptr);
  }
  return *this;
}

inline void Place::give_back() {
  if (PlaceCounter* counter = std::exchange(counter_, nullptr))
    counter->taken_.fetch_sub(1, std::memory_order_acq_rel);
}

}  // namespace gatehouse::gate
