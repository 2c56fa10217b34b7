// What all parts of one gate share, on every worker.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "actor/system.hpp"
#include "base/metrics.hpp"
#include "base/rate_bucket.hpp"
#include "edge/census.hpp"
#include "edge/guard.hpp"
#include "edge/guest.hpp"
#include "gate/address_budgets.hpp"
#include "gate/connection_slots.hpp"
#include "gate/directory.hpp"
#include "gate/ending.hpp"
#include "gate/gate.hpp"
#include "gate/player_rates.hpp"
#include "net/network.hpp"

namespace gatehouse::gate {

class Shard;

// The numbers of all gates of the process.
struct GateMetrics {
  explicit GateMetrics(MetricSet& set);

  std::array<Metric*, kEndings> closed;
  Metric& connections;
  Metric& sealed_connections;
  Metric& sessions;
  Metric& requests;
  Metric& responses;
  Metric& pushes;
  Metric& oversized_responses;
  Metric& gone_requests;
  Metric& held_back;
};

// Connections on their way between workers keep it alive.
class GateCore final : public edge::Host, public std::enable_shared_from_this<GateCore> {
 public:
  GateCore(GateOptions options, MetricSet& metrics, edge::Guard& guard);
  ~GateCore() override;
  GateCore(const GateCore&) = delete;
  GateCore& operator=(const GateCore&) = delete;

  const GateOptions options;
  const Rate frame_rate;
  const Rate byte_rate;
  GateMetrics metrics;
  edge::Census census;  // of connections that are known
  Directory directory;
  edge::Guard& guard;
  ConnectionSlots connections;  // maxclient
  // Connections beyond maxclient, each for a moment: one whose handshake shows whether it may have
  // the slot of the same player's older connection, and one that ends or has ended.
  ConnectionSlots reserve;
  AddressBudgets addresses;
  SpentRates spent_rates;
  // Sessions that count against the game server's capacity: those that are connected, or have been
  // away for less than limits.gate_seat_keep_ms.
  std::atomic<std::size_t> seats{0};

  // Before any other function below.
  void attach(net::Network& network, actor::System& system);
  [[nodiscard]] bool attached() const { return system_.load() != nullptr; }
  [[nodiscard]] actor::System& system() const { return *system_; }

  [[nodiscard]] tl::expected<std::unique_ptr<edge::Guest>, std::string> admit(
      net::TransportSet& set, const net::Address& peer) override;
  // The gate's part on a worker, made when it is first asked for. On that worker's thread.
  [[nodiscard]] Shard& shard(actor::Worker& worker);
  // Calls each part that there is, on its worker. Any thread.
  void post_to_shards(void (*function)(Shard&));

 private:
  std::atomic<net::Network*> network_{nullptr};
  std::atomic<actor::System*> system_{nullptr};
  std::array<std::atomic<Shard*>, actor::kWorkersMax> shards_{};
};

}  // namespace gatehouse::gate
