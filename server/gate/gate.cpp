#include "gate/gate.hpp"

#include <utility>

#include "base/assert.hpp"
#include "base/log.hpp"
#include "gate/core.hpp"
#include "gate/shard.hpp"
#include "protocol/frame.hpp"
#include "protocol/gate_handshake.hpp"

namespace gatehouse::gate {

namespace {

std::string refusal_frame(std::string_view answer) {
  std::string frame;
  GATEHOUSE_ASSERT(protocol::append_frame(frame, answer));
  return frame;
}

}  // namespace

Gate::Gate(GateOptions options, MetricSet& metrics, edge::Guard& guard,
           const edge::Surroundings& surroundings)
    : core_(std::make_shared<GateCore>(std::move(options), metrics, guard)),
      advertise_(core_->options.advertise),
      metrics_(metrics),
      surroundings_(surroundings) {}

Gate::~Gate() = default;

Result<> Gate::start(net::Network& network, actor::System& system) {
  core_->attach(network, system);
  const GateOptions& options = core_->options;
  edge::EntranceOptions entrance;
  entrance.where = "gate";
  entrance.name = "gate " + options.server;
  entrance.listen = options.listen;
  entrance.transport = options.transport;
  entrance.proxy_header_timeout_ms = options.limits.gate_handshake_timeout_ms;
  entrance.first_message_bytes_max = options.limits.gate_handshake_frame_bytes_max;
  entrance.plain_refusal = refusal_frame(protocol::kGateUpgradeRequired);
  entrance.bad_request = refusal_frame(protocol::kGateBadRequest);
  std::lock_guard lock(entrance_mutex_);
  entrance_ =
      std::make_unique<edge::Entrance>(std::move(entrance), surroundings_, *core_, metrics_);
  if (auto started = entrance_->start(network, system); !started) return started;
  address_ = entrance_->address();
  if (advertise_.empty()) advertise_ = address_.to_string();
  log::info({}, "gate {}: listening on {} ({})", server(), address_.to_string(),
            name(options.transport));
  return {};
}

void Gate::stop_accepting() {
  std::lock_guard lock(entrance_mutex_);
  if (entrance_ != nullptr) entrance_->stop();
}

void Gate::end_slow_readers() {
  core_->post_to_shards([](Shard& shard) { shard.end_slow_readers(); });
}

void Gate::drain() {
  core_->post_to_shards([](Shard& shard) { shard.drain(); });
}

Result<std::unique_ptr<Session>> Gate::create_session(SessionSpec spec, actor::Worker& worker,
                                                      Agent& agent) {
  if (!core_->attached()) return fail(Errc::kUnavailable, "the gate has not started");
  auto session = std::make_unique<Session>(core_->shard(worker), std::move(spec), agent);
  if (!core_->directory.add(session->name(), {worker.index(), session.get()}))
    return fail(Errc::kExists, "the name is logged in");
  session->enter();
  return session;
}

const std::string& Gate::server() const {
  return core_->options.server;
}

edge::ListenerTransport Gate::transport() const {
  return core_->options.transport;
}

std::uint32_t Gate::maxclient() const {
  return core_->options.maxclient;
}

std::uint32_t Gate::connection_count() const {
  return core_->connections.taken();
}

std::uint32_t Gate::open_count() const {
  return core_->connections.taken() + core_->reserve.taken();
}

std::vector<edge::Census::Line> Gate::census() const {
  return core_->census.lines();
}

std::size_t Gate::seat_count() const {
  return core_->seats.load();
}

std::size_t Gate::session_count() const {
  return core_->directory.count();
}

const Directory& Gate::directory() const {
  return core_->directory;
}

}  // namespace gatehouse::gate
