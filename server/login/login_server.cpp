#include "login/login_server.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "base/log.hpp"
#include "crypto/x25519.hpp"
#include "login/login_context.hpp"
#include "login/login_worker.hpp"

namespace gatehouse::login {

// What comes with time: positions in the waiting rooms, kept places, turns, rows of the audit.
class LoginServer::Upkeep final : public actor::Timer {
 public:
  Upkeep(LoginContext& context, actor::Worker& worker) : context_(context), worker_(worker) {}
  // Any thread.
  void start() {
    worker_.post([this] { fire(); });
  }

 private:
  static constexpr MonotonicMs kBusyMs = 200;
  static constexpr MonotonicMs kQuietMs = 1'000;

  // On the worker.
  void fire() override {
    const MonotonicMs now = monotonic_ms();
    const bool hash = context_.authenticator.update_room(now);
    const bool server = context_.rooms.update(now);
    context_.audit.flush();
    worker_.timers().add(*this, now + (hash || server ? kBusyMs : kQuietMs));
  }

  LoginContext& context_;
  actor::Worker& worker_;
};

LoginServer::LoginServer(const LoginDependencies& dependencies, const Limits& limits,
                         LoginOptions options)
    : dependencies_(dependencies), options_(std::move(options)) {
  const LoginDependencies& d = dependencies_;
  context_ = std::make_unique<LoginContext>(d, limits, options_);
  upkeep_ = std::make_unique<Upkeep>(*context_, d.system.worker(0));
  for (std::uint16_t i = 0; i < d.system.worker_count(); ++i)
    workers_.push_back(std::make_unique<LoginWorker>(*context_, d.system.worker(i)));
}

LoginServer::~LoginServer() {
  stop_accepting();
  close_rooms();
  context_->audit.flush();
}

void LoginServer::close_rooms() {
  context_->authenticator.close_room();
  context_->rooms.close();
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
  upkeep_->start();
  return {};
}

std::vector<net::Address> LoginServer::addresses() const {
  std::vector<net::Address> addresses;
  for (const auto& listener : listeners_) addresses.push_back(listener->address());
  return addresses;
}

void LoginServer::set_keys(AuthKeys keys) {
  context_->authenticator.set_keys(std::move(keys));
}

void LoginServer::set_address_rules(AddressRules rules) {
  context_->address_rules.set(std::move(rules));
}

void LoginServer::set_game_servers(const std::vector<store::GameServer>& servers) {
  context_->rooms.set_game_servers(servers);
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
  close_rooms();
  for (const auto& worker : workers_) {
    LoginWorker* target = worker.get();
    target->worker().post([target] { target->stop(); });
  }
}

std::size_t LoginServer::waiting_count() const {
  const std::int64_t count =
      context_->authenticator.waiting().value() + context_->rooms.waiting().value();
  return static_cast<std::size_t>(std::max<std::int64_t>(count, 0));
}

std::size_t LoginServer::connection_count() const {
  return context_->connections.load();
}

}  // namespace gatehouse::login
