// Who may come in while nobody has proved who he is: one count for the login port and the gates
// together (docs/limits.md).
//
//   1  A banned address comes in nowhere; an allowed one is under no limit of an address.
//   2  An address (IPv6: a /64) has so many connections that have not logged in, and so many new
//      ones a second.
//   3  All together begin so many a second.
//   4  All together are so many. One more than that takes the place of another: the oldest of the
//      address that has the most, so that the one who floods pays.
//   5  Over limits.memory_bytes no login begins; further on nobody comes in, and who has not
//      logged in leaves.
//
// What is refused is counted (base/refused_metric.hpp) and logged, so many lines a second.
//
// Invariant: unauthenticated() is the number of passes that are neither authenticated nor shed,
// and each of them is in its address's list.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>
#include <tl/expected.hpp>
#include <unordered_map>
#include <vector>

#include "actor/system.hpp"
#include "base/clock.hpp"
#include "base/limits.hpp"
#include "base/log_limit.hpp"
#include "base/metrics.hpp"
#include "base/published.hpp"
#include "base/rate_bucket.hpp"
#include "base/unique_function.hpp"
#include "edge/pass.hpp"
#include "net/address.hpp"
#include "net/address_rules.hpp"
#include "net/network_set.hpp"

namespace gatehouse::edge {

// Where a connection comes in: the label `where`.
enum class Door : std::uint8_t { kLogin, kGate };
inline constexpr std::size_t kDoors = 2;
[[nodiscard]] std::string_view name(Door door);

// Why it does not come in, or has to leave: the label `reason`.
enum class Refused : std::uint8_t {
  kAddressBanned,         // by its row in address_ban
  kAddressConnections,    // limits.address_connections_max
  kAddressRate,           // limits.address_connections_per_s
  kRate,                  // limits.connections_per_s
  kUnauthenticatedLimit,  // limits.unauthenticated_max: another one has its place
  kMemory,                // limits.memory_bytes
};
inline constexpr std::size_t kRefusals = 6;
[[nodiscard]] std::string_view name(Refused reason);

// How much of limits.memory_bytes is in use.
enum class MemoryLevel : std::uint8_t {
  kFine,
  kTight,     // no login begins
  kShort,     // a sixteenth over it: nobody comes in who has not logged in
  kCritical,  // an eighth over it: players who do not read leave
};

// Any thread. Outlives its passes, and the jobs that it gave to `post`.
class Guard {
 public:
  // Runs a job on a worker, soon. Called by any thread that calls the guard.
  using Post = std::function<void(std::uint16_t worker, UniqueFunction<void()> job)>;

  Guard(const Limits& limits, MetricSet& metrics, Post post);
  ~Guard();
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

  // A connection begins. The unknown address stands for one whose client is not known yet (behind
  // a proxy): it is under no limit of an address, and is admitted again when its client is known.
  [[nodiscard]] tl::expected<Pass, Refused> admit(Door door, const net::Address& peer,
                                                  std::int64_t now_ns);

  // Counts and logs what a door refuses by itself. `reason` has static storage.
  void note(Door door, std::string_view reason, const net::Address& peer, std::int64_t now_ns);

  void set_address_rules(std::shared_ptr<const net::AddressRules> rules);
  [[nodiscard]] std::shared_ptr<const net::AddressRules> address_rules() const {
    return address_rules_.get();
  }
  // What a reload changes; who is in stays in.
  void set_limits(const Limits& limits);

  // What the process uses, told again and again; makes room where it is too much.
  void set_memory(std::uint64_t used_bytes, std::int64_t now_ns);
  [[nodiscard]] MemoryLevel memory() const { return memory_.load(std::memory_order_relaxed); }

  // For tests: passes that are counted.
  [[nodiscard]] std::size_t unauthenticated() const;
  // For tests: addresses that are remembered.
  [[nodiscard]] std::size_t addresses() const;

 private:
  friend class Pass;
  friend class PassRef;
  friend struct PassNode;
  using Key = net::NetworkBytes;  // net::subscriber_bytes()
  struct Source;
  struct SourceList {
    Source* first = nullptr;
    Source* last = nullptr;
  };
  // Passes whose holders are to be told, outside of the lock.
  using Told = std::vector<PassRef>;

  // --- Under mutex_ ---
  [[nodiscard]] Source& source(const Key& key, std::int64_t now_ns);
  void add(Source& source, PassNode& node);
  void remove(PassNode& node);
  // Moves a source to the list of those with as many connections as it has now.
  void relist(Source& source, std::uint32_t before);
  void shed_one(Refused why, Told& told);

  void tell(PassRef node);
  void deliver(PassNode& node, std::uint16_t worker);
  void log(Door door, std::string_view reason, const net::Address& peer, std::int64_t now_ns);
  [[nodiscard]] tl::unexpected<Refused> refuse(Door door, Refused why, const net::Address& peer,
                                               std::int64_t now_ns);
  void report(const Told& told, std::int64_t now_ns);

  const Post post_;
  MetricSet& metrics_;
  Metric& gauge_;
  Metric* refused_[kDoors][kRefusals];
  LogLimit log_limit_;
  Published<net::AddressRules> address_rules_;
  std::atomic<MemoryLevel> memory_{MemoryLevel::kFine};

  mutable std::mutex mutex_;
  Limits limits_;
  Rate address_rate_;
  Rate rate_;
  RateBucket connects_;
  std::unordered_map<Key, std::unique_ptr<Source>, net::NetworkBytesHash> sources_;
  std::size_t sweep_at_;
  std::vector<SourceList> by_count_;  // sources by how many connections they have
  std::uint32_t most_ = 0;            // no source has more
  std::size_t unauthenticated_ = 0;
  std::unordered_map<std::string_view, Metric*> noted_[kDoors];
};

// Posts to the workers of a system, which may be built later than the guard.
[[nodiscard]] Guard::Post posting_to(actor::System& system);

}  // namespace gatehouse::edge
