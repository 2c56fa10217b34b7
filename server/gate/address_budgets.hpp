// What one address (IPv6: a /64) may take of a gate over all its connections and players, so that
// many accounts, or many connections of one, take no more than their address may. What players
// take is told in portions: a budget is exact but for one portion a session.
//
// Invariant: an address without an entry has used nothing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "base/limits.hpp"
#include "base/rate_bucket.hpp"
#include "edge/handshake_clock.hpp"
#include "edge/pass.hpp"
#include "net/address.hpp"
#include "net/network_set.hpp"

namespace gatehouse::gate {

class Connection;

// Any thread. Outlives its HandshakeSlots and PendingLeases.
class AddressBudgets {
 public:
  // Memory for requests is leased by so many bytes; the first of them are nobody's.
  static constexpr std::uint32_t kLeaseBytes = 65'536;

  using Key = net::NetworkBytes;  // net::subscriber_bytes()

  explicit AddressBudgets(const Limits& limits);
  AddressBudgets(const AddressBudgets&) = delete;
  AddressBudgets& operator=(const AddressBudgets&) = delete;

  // A connection beyond maxclient begins its handshake; false: the address has its share of them.
  // leave_reserve() follows what is granted.
  [[nodiscard]] bool enter_reserve(const Key& key, std::int64_t now_ns);
  void leave_reserve(const Key& key);

  // Whether sessions have to tell what they take, and whether that is a portion.
  [[nodiscard]] bool counts() const { return frames_.limited() || bytes_.limited(); }
  [[nodiscard]] bool is_portion(std::uint32_t frames, std::uint32_t bytes) const {
    return frames >= frame_portion_ || bytes >= byte_portion_;
  }
  // Frames and bytes of a player; false: over the rate, nothing is taken.
  [[nodiscard]] bool take(const Key& key, std::uint32_t frames, std::uint32_t bytes,
                          std::int64_t now_ns);

  // Memory for requests that wait; false: there is no more of it.
  [[nodiscard]] bool lease(const Key& key, std::uint32_t bytes, std::int64_t now_ns);
  void give_back(const Key& key, std::uint32_t bytes);

  // Addresses that are remembered.
  [[nodiscard]] std::size_t size() const;

 private:
  struct Used {
    RateBucket frames;
    RateBucket bytes;
    std::uint64_t pending_bytes = 0;
    std::uint32_t beyond = 0;

    [[nodiscard]] bool nothing(std::int64_t now_ns) const {
      return pending_bytes == 0 && beyond == 0 && frames.full_in_ns(now_ns) <= 0 &&
             bytes.full_in_ns(now_ns) <= 0;
    }
  };
  static constexpr std::size_t kShards = 16;
  static constexpr std::size_t kSweepAt = 1'024;
  struct Shard {
    mutable std::mutex mutex;
    std::unordered_map<Key, Used, net::NetworkBytesHash> used;
    std::size_t sweep_at = kSweepAt;
  };
  [[nodiscard]] Shard& shard(const Key& key) {
    return shards_[net::NetworkBytesHash{}(key) % kShards];
  }
  // Under the shard's lock.
  [[nodiscard]] static Used& use(Shard& shard, const Key& key, std::int64_t now_ns);

  const Rate frames_;
  const Rate bytes_;
  const std::uint32_t frames_max_;
  const std::uint32_t bytes_max_;
  const std::uint32_t frame_portion_;
  const std::uint32_t byte_portion_;
  const std::uint64_t pending_bytes_max_;
  const std::uint32_t beyond_max_;
  std::array<Shard, kShards> shards_;
};

// What a connection has while it is in its handshake: its pass, its time, and beyond maxclient the
// place that enter_reserve() granted.
class HandshakeSlot final : private edge::PassHolder {
 public:
  // `budgets`: of one beyond maxclient; else nullptr.
  HandshakeSlot(edge::Pass pass, AddressBudgets* budgets, const AddressBudgets::Key& key,
                edge::HandshakeClock clock)
      : pass_(std::move(pass)), budgets_(budgets), key_(key), clock_(clock) {}
  ~HandshakeSlot() {
    if (budgets_ != nullptr) budgets_->leave_reserve(key_);
  }
  HandshakeSlot(const HandshakeSlot&) = delete;
  HandshakeSlot& operator=(const HandshakeSlot&) = delete;

  [[nodiscard]] edge::Pass& pass() { return pass_; }
  // The connection hears when the pass is taken away, from now on; on its worker's thread.
  void hold(std::uint16_t worker, Connection& connection) {
    connection_ = &connection;
    pass_.hold(worker, *this);
  }
  [[nodiscard]] edge::HandshakeClock& clock() { return clock_; }

 private:
  void on_shed() override;

  Connection* connection_ = nullptr;
  edge::Pass pass_;
  AddressBudgets* const budgets_;
  const AddressBudgets::Key key_;
  edge::HandshakeClock clock_;
};

// The memory that a session's requests have of the address that it first asked from.
class PendingLease {
 public:
  PendingLease(AddressBudgets& budgets, const net::Address& peer)
      : budgets_(budgets), key_(net::subscriber_bytes(peer)) {}
  ~PendingLease() { budgets_.give_back(key_, bytes_); }
  PendingLease(const PendingLease&) = delete;
  PendingLease& operator=(const PendingLease&) = delete;

  [[nodiscard]] std::uint32_t bytes() const { return bytes_; }
  [[nodiscard]] bool grow(std::uint32_t bytes, std::int64_t now_ns) {
    if (!budgets_.lease(key_, bytes, now_ns)) return false;
    bytes_ += bytes;
    return true;
  }

 private:
  AddressBudgets& budgets_;
  const AddressBudgets::Key key_;
  std::uint32_t bytes_ = 0;
};

}  // namespace gatehouse::gate
