// Addresses: which worker a service lives on, and whether it lives. Lookup is lock-free from
// every thread; birth and death take a mutex.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"

namespace gatehouse::actor {

class Service;

class Registry {
 public:
  struct Slot {
    std::atomic<bool> live{false};
    std::atomic<std::uint16_t> worker{0};
    // Bytes on their way from other threads, until the service takes them from its mailbox.
    std::atomic<std::int64_t> remote_bytes{0};
    Service* service = nullptr;  // owner worker's thread only
  };

  Registry();
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  // A fresh address on a worker, live at once: messages may be sent before the service object
  // exists. Fails with kFull when 2^24-1 are in use. Any thread.
  [[nodiscard]] Result<ServiceId> reserve(std::uint16_t worker);
  // Ends an address. It is given out again only after kQuarantine others ended.
  void release(ServiceId id);

  // The slot of a local address that was ever given out, else nullptr. Any thread.
  [[nodiscard]] Slot* find(ServiceId id) const {
    if (id.value == 0 || (id.value >> 24) != 0) return nullptr;
    Slot* page = pages_[id.value >> kPageBits].load(std::memory_order_acquire);
    return page == nullptr ? nullptr : page + (id.value & (kPageSlots - 1));
  }
  [[nodiscard]] bool live(ServiceId id) const {
    const Slot* slot = find(id);
    return slot != nullptr && slot->live.load(std::memory_order_acquire);
  }
  // Live services.
  [[nodiscard]] std::size_t count() const { return count_.load(std::memory_order_relaxed); }
  // For tests.
  [[nodiscard]] std::vector<ServiceId> list() const;

  // Names, without the leading dot for local ones (docs/skynet-rules.md 2.9). The first
  // registration wins: kExists. Names vanish with the service. Any thread.
  [[nodiscard]] Result<> set_name(std::string_view name, ServiceId id);
  [[nodiscard]] ServiceId find_name(std::string_view name) const;

 private:
  static constexpr std::uint32_t kPageBits = 12;
  static constexpr std::uint32_t kPageSlots = 1u << kPageBits;
  static constexpr std::uint32_t kIdMax = 0xffffff;
  static constexpr std::size_t kQuarantine = 65'536;

  std::array<std::atomic<Slot*>, (kIdMax + 1) / kPageSlots> pages_{};
  mutable std::mutex mutex_;
  std::uint32_t next_id_ = 1;
  std::deque<std::uint32_t> freed_;
  std::atomic<std::size_t> count_{0};

  mutable std::shared_mutex names_mutex_;
  std::unordered_map<std::string, ServiceId> names_;
  std::unordered_multimap<std::uint32_t, std::string> names_of_;
};

}  // namespace gatehouse::actor
