#include "login/login_server.hpp"

#include <utility>

#include "base/assert.hpp"
#include "base/log.hpp"
#include "crypto/x25519.hpp"
#include "login/login_context.hpp"
#include "login/login_worker.hpp"

namespace gatehouse::login {

LoginServer::LoginServer(const LoginDependencies& dependencies, const Limits& limits,
                         LoginOptions options)
    : dependencies_(dependencies), options_(std::move(options)) {
  const LoginDependencies& d = dependencies_;
  context_.reset(new LoginContext{
      .placer = d.placer,
      .policy = d.policy,
      .metrics = d.metrics,
      .limits = limits,
      .answer_timeout_ms = options_.answer_timeout_ms,
      .authenticator{d.store, d.hash_pool, options_.auth},
      .audit{d.store, d.metrics, options_.audit},
      .in_progress{},
      .connections_gauge = d.metrics.gauge("login_connections", "", "Open login connections"),
  });
  for (std::uint16_t i = 0; i < d.system.worker_count(); ++i)
    workers_.push_back(std::make_unique<LoginWorker>(*context_, d.system.worker(i)));
}

LoginServer::~LoginServer() {
  stop_accepting();
}

Result<> LoginServer::start() {
  GATEHOUSE_ASSERT(listeners_.empty());
  for (const ListenerOptions& options : options_.listeners) {
    const std::string place = options.address.to_string();
    if (!options.plain && !options.skynet && !options.x25519)
      return fail(Errc::kInvalid, fmt::format("login listener {} allows no suite", place));
    if (options.x25519 && options_.identity_key.size() != crypto::kEd25519KeyBytes)
      return fail(Errc::kInvalid, fmt::format("login listener {}: x25519 needs a key", place));
    auto suites = std::make_unique<protocol::LoginHandshakeOptions>();
    suites->allow_plain = options.plain;
    suites->allow_skynet = options.skynet;
    suites->allow_x25519 = options.x25519;
    if (options.x25519) suites->identity_key = options_.identity_key;
    suites_.push_back(std::move(suites));
  }
  for (std::size_t i = 0; i < suites_.size(); ++i) {
    auto listener =
        net::listen(dependencies_.network, options_.listeners[i].address, {},
                    [this, suites = suites_[i].get()](net::UvLoop& loop, net::Socket socket) {
                      on_accept(*suites, loop, std::move(socket));
                    });
    if (!listener) {
      stop_accepting();
      return tl::unexpected(listener.error());
    }
    listeners_.push_back(std::move(*listener));
  }
  return {};
}

std::vector<net::Address> LoginServer::addresses() const {
  std::vector<net::Address> addresses;
  for (const auto& listener : listeners_) addresses.push_back(listener->address());
  return addresses;
}

void LoginServer::on_accept(const protocol::LoginHandshakeOptions& suites, net::UvLoop& loop,
                            net::Socket socket) {
  workers_[loop.worker().index()]->accept(loop, std::move(socket), suites);
}

void LoginServer::stop_accepting() {
  for (const auto& listener : listeners_) listener->stop();
}

void LoginServer::stop() {
  stop_accepting();
  for (const auto& worker : workers_) {
    LoginWorker* target = worker.get();
    target->worker().post([target] { target->stop(); });
  }
}

std::size_t LoginServer::connection_count() const {
  return context_->connections.load();
}

}  // namespace gatehouse::login
