#include "login/login_worker.hpp"

#include <utility>

#include "base/assert.hpp"
#include "protocol/login_answer.hpp"

namespace gatehouse::login {

LoginWorker::LoginWorker(LoginContext& context, actor::Worker& worker)
    : context_(context), worker_(worker), outcomes_(worker, context.metrics) {}

LoginWorker::~LoginWorker() {
  GATEHOUSE_ASSERT(connections_.empty());
}

void LoginWorker::accept(net::TransportSet& set, std::unique_ptr<net::Transport> transport,
                         const protocol::LoginHandshakeOptions& suites) {
  if (stopping_) return;
  const net::Address peer = transport->peer();
  if (context_.address_rules.get()->refuses(peer)) {
    outcomes_.refused(peer, kAddressBanned);
    return transport->say_and_end(protocol::format_login_refusal(kAddressBanned.code) + '\n');
  }
  if (!admit_connection()) return outcomes_.refused(peer, kConnectionsMax);
  const auto attached = set.attach(std::move(transport), *this);
  if (!attached) return release_connection();
  auto connection = std::make_unique<Connection>(*this, **attached, suites);
  Connection& started = *connection;
  const bool fresh = connections_.emplace((*attached)->id(), std::move(connection)).second;
  GATEHOUSE_ASSERT(fresh);
  started.start();
}

void LoginWorker::stop() {
  stopping_ = true;
  for (auto& [id, connection] : connections_) connection->stop();
}

void LoginWorker::on_data(net::Transport& transport, std::string_view bytes) {
  Connection* connection = find(transport.id());
  GATEHOUSE_ASSERT(connection != nullptr);
  connection->on_data(bytes);
}

std::uint32_t LoginWorker::on_end(net::Transport& transport) {
  Connection* connection = find(transport.id());
  GATEHOUSE_ASSERT(connection != nullptr);
  return connection->on_end();
}

void LoginWorker::on_closed(net::Transport& transport, net::CloseReason) {
  const auto it = connections_.find(transport.id());
  GATEHOUSE_ASSERT(it != connections_.end());
  it->second->on_gone();
  connections_.erase(it);
  release_connection();
}

Connection* LoginWorker::find(ConnectionId id) const {
  const auto it = connections_.find(id);
  return it == connections_.end() ? nullptr : it->second.get();
}

Connection* LoginWorker::waiting(ConnectionId id) const {
  Connection* const connection = find(id);
  return connection != nullptr && connection->waits() ? connection : nullptr;
}

bool LoginWorker::admit_connection() {
  const std::uint32_t before = context_.connections.fetch_add(1, std::memory_order_relaxed);
  if (before >= context_.limits.login_connections_max) {
    context_.connections.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  context_.connections_gauge.add(1);
  return true;
}

void LoginWorker::release_connection() {
  context_.connections.fetch_sub(1, std::memory_order_relaxed);
  context_.connections_gauge.add(-1);
}

}  // namespace gatehouse::login
