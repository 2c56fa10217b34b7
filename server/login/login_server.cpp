#include "login/login_server.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

#include "base/assert.hpp"
#include "base/log.hpp"
#include "crypto/x25519.hpp"
#include "login/listener_suites.hpp"
#include "login/login_context.hpp"
#include "login/login_worker.hpp"
#include "protocol/login_answer.hpp"

namespace gatehouse::login {

// What comes with time: positions in the waiting rooms, kept places, turns, rows of the audit. Done
// by the first worker whose clock is due: one may be stuck.
class LoginServer::Upkeep {
 public:
  Upkeep(LoginContext& context, actor::System& system) : context_(context) {
    for (std::uint16_t i = 0; i < system.worker_count(); ++i) {
      clocks_.push_back(std::make_unique<Clock>(*this, system.worker(i)));
    }
  }
  // Any thread.
  void start() {
    for (const auto& clock : clocks_) clock->start();
  }

 private:
  static constexpr MonotonicMs kBusyMs = 200;
  static constexpr MonotonicMs kQuietMs = 1'000;
  static constexpr MonotonicMs kLateMs = 50;  // how much later than the first the others look

  class Clock final : public actor::Timer {
   public:
    Clock(Upkeep& upkeep, actor::Worker& worker) : upkeep_(upkeep), worker_(worker) {}
    void start() {
      worker_.post([this] { fire(); });
    }

   private:
    // On the worker.
    void fire() override {
      const MonotonicMs due = upkeep_.work(worker_.clock().monotonic_ms());
      worker_.timers().add(*this, due + (worker_.index() == 0 ? 0 : kLateMs));
    }

    Upkeep& upkeep_;
    actor::Worker& worker_;
  };

  // Works if it is due; returns when it is due next.
  MonotonicMs work(MonotonicMs now) {
    MonotonicMs due = due_.load();
    if (now < due || !due_.compare_exchange_strong(due, now + kQuietMs)) return due_.load();
    const bool hash = context_.authenticator.update_room(now);
    const bool server = context_.rooms.update(now);
    context_.authenticator.survey(now);
    context_.audit.flush();
    due_.store(now + (hash || server ? kBusyMs : kQuietMs));
    return due_.load();
  }

  LoginContext& context_;
  std::atomic<MonotonicMs> due_{0};
  std::vector<std::unique_ptr<Clock>> clocks_;
};

namespace {

// "x25519, plain", and what they are worth.
std::string suites_of(const ListenerOptions& listener) {
  std::string text;
  const auto add = [&text](bool allowed, protocol::Suite suite) {
    if (allowed) text += fmt::format("{}{}", text.empty() ? "" : ", ", name(suite));
  };
  add(listener.x25519, protocol::Suite::kX25519);
  add(listener.plain, protocol::Suite::kPlain);
  add(listener.skynet, protocol::Suite::kSkynet);
  if (listener.plain && listener.skynet)
    text += " (plain and skynet hide nothing from who listens)";
  return text;
}

}  // namespace

// What is behind one listener.
class LoginServer::Door final : public edge::Host {
 public:
  Door(LoginServer& server, const ListenerOptions& listener, const Secret& identity_key)
      : suites(listener, identity_key),
        server_(server),
        says_lines_(edge::takes_stream(listener.transport, false)) {}

  [[nodiscard]] tl::expected<std::unique_ptr<edge::Guest>, std::string> admit(
      net::TransportSet& set, const net::Address& peer) override {
    auto admitted = server_.workers_[set.worker().index()]->admit(peer, suites);
    // Nobody reads a line who waits for an answer of TLS or HTTP.
    if (!admitted && !says_lines_) return tl::unexpected(std::string());
    return admitted;
  }

  const ListenerSuites suites;

 private:
  LoginServer& server_;
  const bool says_lines_;
};

LoginServer::LoginServer(const LoginDependencies& dependencies, const Limits& limits,
                         LoginOptions options)
    : dependencies_(dependencies), options_(std::move(options)) {
  const LoginDependencies& d = dependencies_;
  context_ = std::make_unique<LoginContext>(d, limits, options_);
  upkeep_ = std::make_unique<Upkeep>(*context_, d.system);
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
  GATEHOUSE_ASSERT(entrances_.empty());
  for (const ListenerOptions& options : options_.listeners) {
    const std::string place = options.address.to_string();
    if (!options.plain && !options.skynet && !options.x25519)
      return fail(Errc::kInvalid, fmt::format("login listener {} allows no suite", place));
    if (options.x25519 && options_.identity_key.size() != crypto::kEd25519KeyBytes)
      return fail(Errc::kInvalid, fmt::format("login listener {}: x25519 needs a key", place));
    doors_.push_back(std::make_unique<Door>(*this, options, options_.identity_key));
  }
  for (std::size_t i = 0; i < doors_.size(); ++i) {
    if (auto opened = open(options_.listeners[i], *doors_[i]); !opened) {
      stop_accepting();
      return opened;
    }
  }
  upkeep_->start();
  return {};
}

Result<> LoginServer::open(const ListenerOptions& listener, Door& door) {
  edge::EntranceOptions entrance;
  entrance.where = "login";
  entrance.name = "login " + listener.address.to_string();
  entrance.listen = listener.address;
  entrance.transport = listener.transport;
  entrance.server_speaks_first = true;
  entrance.sniff_ms = options_.sniff_ms;
  entrance.proxy_header_timeout_ms = context_->limits.login_handshake_timeout_ms;
  protocol::append_line(entrance.plain_refusal,
                        protocol::format_login_refusal(protocol::kLoginUpgradeRequired));
  protocol::append_line(entrance.bad_request,
                        protocol::format_login_refusal(protocol::kLoginBadRequest));
  auto made = std::make_unique<edge::Entrance>(std::move(entrance), dependencies_.surroundings,
                                               door, dependencies_.metrics);
  if (auto started = made->start(dependencies_.network, dependencies_.system); !started)
    return started;
  log::info({}, "login: listening on {} ({}), suites {}", made->address().to_string(),
            name(listener.transport), suites_of(listener));
  entrances_.push_back(std::move(made));
  return {};
}

std::vector<net::Address> LoginServer::addresses() const {
  std::vector<net::Address> addresses;
  for (const auto& entrance : entrances_) addresses.push_back(entrance->address());
  return addresses;
}

void LoginServer::set_keys(AuthKeys keys) {
  context_->authenticator.set_keys(std::move(keys));
}

void LoginServer::set_game_servers(const std::vector<store::GameServer>& servers) {
  context_->rooms.set_game_servers(servers);
}

void LoginServer::stop_accepting() {
  for (const auto& entrance : entrances_) entrance->stop();
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

std::vector<edge::Census::Line> LoginServer::census() const {
  return context_->census.lines();
}

}  // namespace gatehouse::login
