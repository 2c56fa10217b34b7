#include "gate/gate.hpp"

#include <utility>

#include "base/log.hpp"
#include "gate/core.hpp"
#include "gate/shard.hpp"

namespace gatehouse::gate {

Gate::Gate(GateOptions options, MetricSet& metrics)
    : core_(std::make_shared<GateCore>(std::move(options), metrics)),
      advertise_(core_->options.advertise) {}

Gate::~Gate() = default;

Result<> Gate::start(net::Network& network, actor::System& system) {
  core_->attach(network, system);
  auto listener = network.listen(
      core_->options.listen, {},
      [core = core_](net::TransportSet& set, std::unique_ptr<net::Transport> transport) {
        core->shard(set.worker()).accept(std::move(transport));
      });
  if (!listener) return tl::unexpected(listener.error());
  std::lock_guard lock(listener_mutex_);
  listener_ = std::move(*listener);
  address_ = listener_->address();
  if (advertise_.empty()) advertise_ = address_.to_string();
  log::info({}, "gate {}: listening on {}", server(), address_.to_string());
  return {};
}

void Gate::stop_accepting() {
  std::lock_guard lock(listener_mutex_);
  listener_.reset();
}

void Gate::set_address_rules(std::shared_ptr<const net::AddressRules> rules) {
  core_->address_rules.set(std::move(rules));
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

std::uint32_t Gate::maxclient() const {
  return core_->options.maxclient;
}

std::uint32_t Gate::connection_count() const {
  return core_->connections.taken();
}

std::uint32_t Gate::open_count() const {
  return core_->connections.taken() + core_->reserve.taken();
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
