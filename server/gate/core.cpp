#include "gate/core.hpp"

#include <fmt/format.h>

#include <utility>

#include "base/assert.hpp"
#include "base/refused_metric.hpp"
#include "gate/shard.hpp"

namespace gatehouse::gate {
namespace {

std::array<Metric*, kEndings> closed_counters(MetricSet& set) {
  std::array<Metric*, kEndings> counters{};
  for (std::size_t i = 0; i < kEndings; ++i) {
    const auto ending = static_cast<Ending>(i);
    const auto label = fmt::format("reason=\"{}\"", name(ending));
    counters[i] = is_refusal(ending)
                      ? &refused_metric(set, edge::name(edge::Door::kGate), name(ending))
                      : &set.counter("gate_closed", label, "Gate connections that ended");
  }
  return counters;
}

}  // namespace

GateMetrics::GateMetrics(MetricSet& set)
    : closed(closed_counters(set)),
      connections(set.gauge("gate_connections", "",
                            "Open gate connections, those beyond maxclient not counted")),
      sealed_connections(set.gauge("gate_connections_sealed", "",
                                   "Open gate connections whose frames are sealed")),
      sessions(set.gauge("gate_sessions", "", "Players logged in")),
      requests(set.counter("gate_requests", "", "Requests handed to agents")),
      responses(set.counter("gate_responses", "", "Responses sent, pings included")),
      pushes(set.counter("gate_pushes", "", "Push frames sent")),
      oversized_responses(set.counter("gate_responses_oversized", "",
                                      "Responses too long for a frame, answered as errors")),
      gone_requests(set.counter("gate_requests_gone", "",
                                "Requests refused because their number is forgotten, or ran")),
      held_back(set.counter("gate_connections_held_back", "",
                            "Times a connection was not read until requests were answered")) {}

GateCore::GateCore(GateOptions gate_options, MetricSet& set, edge::Guard& process_guard)
    : options(std::move(gate_options)),
      frame_rate(Rate::per_second(options.limits.gate_frames_per_s_max)),
      byte_rate(Rate::per_second(options.limits.gate_bytes_per_s_max)),
      metrics(set),
      census("gate", set),
      guard(process_guard),
      connections(options.maxclient),
      reserve(options.limits.gate_reserve_max),
      addresses(options.limits) {}

GateCore::~GateCore() {
  for (std::atomic<Shard*>& shard : shards_) delete shard.load();
}

void GateCore::attach(net::Network& network, actor::System& system) {
  GATEHOUSE_ASSERT(!attached());
  network_ = &network;
  system_ = &system;
}

tl::expected<std::unique_ptr<edge::Guest>, std::string> GateCore::admit(net::TransportSet& set,
                                                                        const net::Address& peer) {
  return shard(set.worker()).admit(peer);
}

Shard& GateCore::shard(actor::Worker& worker) {
  GATEHOUSE_ASSERT(actor::Worker::current() == &worker && attached());
  std::atomic<Shard*>& slot = shards_[worker.index()];
  Shard* shard = slot.load(std::memory_order_relaxed);
  if (shard == nullptr) {
    shard = new Shard(*this, network_.load()->transports(worker.index()));
    slot.store(shard, std::memory_order_release);
  }
  return *shard;
}

void GateCore::post_to_shards(void (*function)(Shard&)) {
  for (std::atomic<Shard*>& slot : shards_) {
    if (Shard* shard = slot.load(std::memory_order_acquire)) {
      // The shard lives as long as its core.
      shard->worker().post([core = shared_from_this(), shard, function] { function(*shard); });
    }
  }
}

}  // namespace gatehouse::gate
