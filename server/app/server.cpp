#include "app/server.hpp"

#include <fcntl.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "actor/system.hpp"
#include "app/admin.hpp"
#include "app/capacity.hpp"
#include "app/code_check.hpp"
#include "app/events.hpp"
#include "app/memory_watch.hpp"
#include "app/migrator.hpp"
#include "app/orders.hpp"
#include "app/readiness.hpp"
#include "app/store_probe.hpp"
#include "app/watch.hpp"
#include "base/assert.hpp"
#include "base/durable_file.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "base/printable.hpp"
#include "base/process_output.hpp"
#include "config/identity.hpp"
#include "config/program_root.hpp"
#include "crypto/seal.hpp"
#include "drivers/open.hpp"
#include "drivers/sqlite_guard.hpp"
#include "edge/entrance.hpp"
#include "edge/tls_service.hpp"
#include "game/agent_manager.hpp"
#include "game/login_policy.hpp"
#include "game/modules.hpp"
#include "gate/gate.hpp"
#include "login/login_server.hpp"
#include "modules/modules.hpp"
#include "mysql/worker.hpp"
#include "net/uv_network.hpp"
#include "skynet/boot.hpp"
#include "skynet/config.hpp"
#include "store/store.hpp"

namespace gatehouse::app {
namespace {

// Of shutdown.timeout_ms, for writing what the store does not take to files.
constexpr std::chrono::milliseconds kRescueTime{2'500};
// The part of shutdown.timeout_ms that is kept for what comes after the players have left.
constexpr std::uint32_t kStopShare = 4;
constexpr std::size_t kNamesALine = 20;
constexpr mode_t kReadyFileMode = 0644;

[[noreturn]] void cut_off(std::string_view why) {
  log::error({}, "{}: the process is cut off", why);
  process_output::end_now(kExitFailed);
}

Result<> write_ready_file(const std::string& path, const nlohmann::json& content) {
  // A name that nobody can have put a link at.
  std::string draft = path + ".XXXXXX";
  const int fd = mkostemp(draft.data(), O_CLOEXEC);
  if (fd < 0) return fail(Errc::kIo, path + ": cannot be written");
  const std::string text = content.dump() + "\n";
  const bool written = write_all(fd, text) == 0 && ::fchmod(fd, kReadyFileMode) == 0;
  ::close(fd);
  if (written && std::rename(draft.c_str(), path.c_str()) == 0) return {};
  std::remove(draft.c_str());
  return fail(Errc::kIo, path + ": cannot be written");
}

// A start that fails: the log's file has it, and so has who started the server.
int report(const config::Config& config, std::string_view why) {
  log::error({}, "{}", why);
  if (!config.log.file.empty()) {
    std::fprintf(stderr, "gatehouse does not start: %s\nsee %s\n", printable_lines(why).c_str(),
                 config.log.file.c_str());
  }
  log::flush();
  return kExitFailed;
}

// Makes the server's identity where it is to be made, and says what clients pin.
Result<> take_identity(Random& random, config::Config& config) {
  const auto made = config::make_identity(random, config);
  if (!made) return tl::unexpected<Error>(made.error());
  if (*made)
    log::warn({}, "login.identity_key_file: there was none, {} is made: keep it, clients pin it",
              config.identity_file);
  if (const std::string key = config::identity_public(config); !key.empty())
    log::info({}, "login: clients of the suite x25519 pin the key {}", key);
  return {};
}

// Returns when the process is to end. SIGHUP opens the log anew, and then calls `reload`.
template <class Reload>
void wait_for_stop(Events& events, Reload reload) {
  for (int reloads = 0; events.state().stops == 0;) {
    events.wait([reloads](const Events::State& s) { return s.stops > 0 || s.reloads > reloads; });
    if (events.state().reloads == reloads) continue;
    reloads = events.state().reloads;
    if (auto reopened = log::reopen(); !reopened) log::error({}, "{}", reopened.error().message);
    reload();
  }
}

class Server {
 public:
  Server(const World& world, const config::Config& config)
      : world_(world),
        config_(config),
        store_options_(config.store),
        agent_options_(config.agent),
        guard_(config.limits, metrics_, edge::posting_to(system_)),
        system_(world, {.workers = config.workers, .limits = config.limits}, metrics_),
        network_(system_),
        tls_(world, config.tls.handshakes, metrics_),
        runtime_(system_, &network_) {
    skynet::set_library_root(runtime_, config.program_root + "/lua");
    runtime_.code.current()->read_folder(config.program_root + "/lua");
    agent_options_.node = random_node(world.random);
    for (const gate::GateOptions& options : config.gates) {
      gates_.push_back(std::make_unique<gate::Gate>(options, metrics_, guard_, surroundings_));
    }
  }

  Result<> start() {
    if (auto loaded = tls_.certificates().load(config_.tls); !loaded) return loaded;
    if (auto claimed = claim_store(); !claimed) return claimed;
    auto store = drivers::open_store(world_, store_options_, metrics_);
    if (!store) return tl::unexpected<Error>(store.error());
    store_ = std::move(*store);
    if (auto made = store::make_rescue_folder(config_.agent.rescue); !made) {
      log::warn({}, "agent.rescue_folder: what the store refuses for good cannot be kept: {}",
                made.error().message);
    }
    hash_pool_ = std::make_unique<actor::WorkPool>(
        world_, actor::WorkPoolOptions{.name = "hash",
                                       .threads = config_.limits.hash_threads,
                                       .queue_max = config_.limits.login_queue_max,
                                       .nice = 15});
    std::vector<gate::Gate*> gates;
    for (const auto& gate : gates_) gates.push_back(gate.get());
    system_.on_stuck([this](std::uint16_t worker, bool stuck) {
      if (stuck) agents_->worker_stuck(worker);
    });
    agents_ = std::make_unique<game::AgentManager>(runtime_, *store_, std::move(gates),
                                                   agent_options_, metrics_);
    modules::add_modules(runtime_, mysql_);
    game::add_modules(runtime_, agents_.get());
    set_console();
    system_.start(network_.loop_factory());
    tls_.certificates().start(system_.worker(0));
    skynet::boot_services(runtime_);
    if (!system_.wait_env(skynet::kBooted, kStopTimeout)) {
      return fail(Errc::kTimeout, "the service bootstrap does not get to its end");
    }
    if (auto usable = agents_->check_module(); !usable) return usable;
    migrator_ = std::make_unique<Migrator>(*store_, store_options_.driver, system_.worker(0));
    if (auto migrated = migrator_->start(); !migrated) return migrated;
    for (const auto& gate : gates_) {
      if (auto started = gate->start(network_, system_); !started) return started;
    }
    if (config_.login_role) {
      if (auto made = make_login(); !made) return made;
      set_keys(config_);
    }
    store_probe_ = std::make_unique<StoreProbe>(
        world_.clock, *store_, std::chrono::milliseconds(config_.admin_ready_timeout_ms));
    for (const auto& gate : gates_) gate_list_.push_back(gate.get());
    auto watch = Watch::make({world_, store_options_.driver, *agents_, login_.get(), metrics_,
                              guard_, agent_options_.node},
                             config_.watch);
    if (!watch) return tl::unexpected<Error>(watch.error());
    watch_ = std::move(*watch);
    watch_->start();
    memory_watch_ = std::make_unique<MemoryWatch>(
        MemoryWatch::Parts{system_, guard_, gate_list_, config_.limits.memory_bytes});
    memory_watch_->start();
    return login_ ? login_->start() : Result<>();
  }

  // After start(). No-op without console.listen.
  Result<> await_console() {
    if (!config_.console_listen) return {};
    console_ = system_.wait_env("console_address", kStopTimeout).value_or("");
    if (console_.empty()) return fail(Errc::kIo, "console.listen: the debug console did not start");
    return {};
  }

  // Takes over what a new configuration may change while the server runs.
  void reload(const Result<config::Config>& fresh) {
    watch_->look_now();
    if (!fresh) {
      log::error({}, "SIGHUP: the configuration is not read again, the one before stays: {}",
                 fresh.error().message);
      return;
    }
    set_keys(*fresh);
    reload_certificates(fresh->tls);
    Limits limits = fresh->limits;
    limits.memory_bytes = config_.limits.memory_bytes;
    guard_.set_limits(limits);
    reload_code();
    log::info(
        {},
        "SIGHUP: the log's file is opened anew, keys, bans and game servers are read, and the "
        "limits of connections");
    for (const std::string& key : config::restart_keys(config_.values, fresh->values))
      log::warn({}, "SIGHUP: {} has changed, which takes a restart", key);
  }

  // After start(); `events` outlives stop(). No-op without admin.listen.
  Result<> start_admin(Events& events) {
    if (!config_.admin_listen) return {};
    readiness_ = std::make_unique<Readiness>(
        Readiness::Parts{system_, *store_probe_, *hash_pool_, gate_list_, login_.get(), *watch_,
                         config_.limits.login_queue_max, config_.limits.login_connections_max});
    auto admin =
        Admin::start(*config_.admin_listen, {system_, metrics_, *agents_, *store_, gate_list_,
                                             login_.get(), *readiness_, events, *watch_});
    if (!admin) return tl::unexpected<Error>(admin.error());
    admin_ = std::move(*admin);
    return {};
  }

  [[nodiscard]] nlohmann::json ready() const {
    nlohmann::json content = {
        {"login", nlohmann::json::array()}, {"gate", nlohmann::json::array()}, {"pid", getpid()}};
    if (login_) {
      const std::vector<net::Address> addresses = login_->addresses();
      for (std::size_t i = 0; i < addresses.size(); ++i) {
        content["login"].push_back({{"transport", name(config_.login.listeners[i].transport)},
                                    {"address", addresses[i].to_string()}});
      }
    }
    for (const auto& gate : gates_) {
      content["gate"].push_back({{"transport", name(gate->transport())},
                                 {"address", gate->address().to_string()},
                                 {"server", gate->server()}});
    }
    if (admin_) content["admin"] = admin_->address();
    if (!console_.empty()) content["console"] = console_;
    return content;
  }

  actor::System& system() { return system_; }

  // Tells clients, lets agents save, and returns when all left or the time is over. What a script
  // keeps for itself meanwhile is taken from it.
  void drain(Events& events) {
    log::info({}, "draining: {} players online", agents_ ? agents_->online() : 0);
    const std::uint32_t reserve_ms = config_.shutdown_timeout_ms / kStopShare;
    stop_by_ = world_.clock.monotonic_ms() + config_.shutdown_timeout_ms;
    system_.hurry(std::max(reserve_ms, 1u));
    if (admin_) admin_->set_draining();
    if (login_) login_->stop();
    for (const auto& gate : gates_) {
      gate->stop_accepting();
      gate->drain();
    }
    if (!agents_) return;
    agents_->log_all_out("the server stops");
    const auto all_left = [this](const Events::State&) {
      return connections() == 0 && agents_->online() == 0;
    };
    // What the store has not taken by then goes to files.
    const std::chrono::milliseconds limit(config_.shutdown_timeout_ms - reserve_ms);
    const auto for_rescue = std::min(limit / 4, kRescueTime);
    bool left = events.wait(all_left, limit - for_rescue);
    if (!left) {
      agents_->rescue_all();
      left = events.wait(all_left, for_rescue);
    }
    if (left || agents_->online() == 0) return;
    log::error({}, "{} players are cut off after shutdown.timeout_ms", agents_->online());
    report_unsaved();
  }

  // After drain() it ends before shutdown.timeout_ms is over; a worker that a script keeps for
  // ever is left behind, and the process with it, once the store has all that was given to it.
  void stop() {
    const MonotonicMs now = world_.clock.monotonic_ms();
    const auto limit = std::chrono::milliseconds(
        stop_by_ == 0 ? kStopTimeout.count() : std::max<MonotonicMs>(stop_by_ - now, 1));
    const Watchdog watchdog(limit, "a part of the server does not end");
    if (stop_by_ != 0) system_.hurry(static_cast<std::uint32_t>(limit.count() / 8 + 1));
    admin_.reset();
    watch_.reset();
    for (const auto& gate : gates_) gate->stop_accepting();
    migrator_.reset();
    const bool ended = system_.stop_until(now + limit.count() / 2);
    if (!ended) {
      for (const auto& stuck : system_.stuck_workers()) {
        log::error({}, "worker {} does not come out of :{:08x}", stuck.worker, stuck.service.value);
      }
      if (store_) store_->stop(actor::WorkPool::Stop::kDrain);
      cut_off("a script does not end");
    }
    system_.stop();
    login_.reset();
    if (hash_pool_) hash_pool_->stop(actor::WorkPool::Stop::kDiscard);
    if (store_) store_->stop(actor::WorkPool::Stop::kDrain);
  }

 private:
  // One server at a time has a SQLite file.
  Result<> claim_store() {
    if (config_.store.driver.kind != store::Options::Kind::kSqlite) return {};
    auto guard = drivers::SqliteGuard::claim(world_, config_.store.driver.sqlite.path, metrics_);
    if (!guard) return tl::unexpected<Error>(guard.error());
    store_options_.driver.sqlite.guard = std::move(*guard);
    return {};
  }

  // What bootstrap.lua and debug_console.lua read.
  void set_console() {
    if (!config_.console_listen) return;
    GATEHOUSE_ASSERT(system_.set_env("console_listen", config_.console_listen->to_string()));
    const std::string_view password = config_.console_password.reveal();
    const auto set = [this](const char* key, const std::string& value) {
      GATEHOUSE_ASSERT(system_.set_env(key, value));
    };
    if (!password.empty()) GATEHOUSE_ASSERT(system_.set_env("console_password", password));
    set("console_http", config_.console_http ? "true" : "false");
    set("console_start_timeout_ms", std::to_string(config_.console_start_timeout_ms));
    set("console_idle_timeout_ms", std::to_string(config_.console_idle_timeout_ms));
  }

  // Without keys in the configuration, tickets are good until the process ends.
  void set_keys(const config::Config& config) {
    if (!login_) return;
    login::AuthKeys keys = config.auth_keys;
    if (keys.tickets.empty()) keys.tickets = own_ticket_keys_;
    login_->set_keys(std::move(keys));
  }

  void reload_certificates(const edge::TlsOptions& options) {
    if (auto loaded = tls_.certificates().load(options); !loaded) {
      log::error({}, "SIGHUP: the certificates are not read again, those before stay: {}",
                 loaded.error().message);
    } else if (!options.certificates.empty()) {
      log::info({}, "SIGHUP: the certificates are read again: new connections get them");
    }
  }

  void reload_code() {
    const auto reloaded = agents_->reload_code();
    if (!reloaded) {
      log::error({}, "the game's Lua is not read again, what was loaded goes on: {}",
                 reloaded.error().message);
    } else if (*reloaded) {
      log::info({}, "the game's Lua is read again: players who come from now on get it");
    }
  }

  Result<> make_login() {
    policy_ = std::make_unique<login::Policy>();
    if (!config_.login_policy.empty()) {
      // Half of the connections at most wait for it, so that the others hear why they cannot.
      const std::uint32_t half = std::max(config_.limits.login_connections_max / 2, 1u);
      auto policy = game::LuaPolicy::start(runtime_, *agents_,
                                           {config_.login_policy, config_.login.policy_timeout_ms,
                                            std::min(config_.login_policy_calls_max, half)});
      if (!policy) return tl::unexpected<Error>(policy.error());
      policy_ = std::move(*policy);
    }
    login_ = std::make_unique<login::LoginServer>(
        login::LoginDependencies{system_, network_, *store_, *hash_pool_, *agents_, *policy_,
                                 metrics_, guard_, surroundings_},
        config_.limits, config_.login);
    return {};
  }

  // Names those whose agents have not left.
  void report_unsaved() const {
    const std::vector<std::string> uids = agents_->online_uids();
    for (std::size_t i = 0; i < uids.size(); i += kNamesALine) {
      const auto first = uids.begin() + static_cast<std::ptrdiff_t>(i);
      const auto last =
          uids.begin() + static_cast<std::ptrdiff_t>(std::min(i + kNamesALine, uids.size()));
      log::error({}, "not saved since their last save: {}", fmt::join(first, last, ", "));
    }
  }

  [[nodiscard]] std::size_t connections() const {
    std::size_t n = login_ ? login_->connection_count() : 0;
    for (const auto& gate : gates_) n += gate->open_count();
    return n;
  }

  static crypto::SealRing random_ring(Random& random) {
    std::vector<Secret> keys;
    keys.emplace_back(random.bytes(crypto::kSealKeyBytes));
    return crypto::SealRing::make(std::move(keys)).value();
  }

  // A name for this life of the process, above 0 and below 2^63.
  static std::uint64_t random_node(Random& random) {
    std::uint64_t node = 0;
    for (const char c : random.bytes(sizeof node)) node = node << 8 | static_cast<unsigned char>(c);
    return std::max<std::uint64_t>(node >> 1, 1);
  }

  const World& world_;
  const config::Config& config_;
  store::StoreOptions store_options_;  // the configuration's, with the claim on its file
  game::AgentOptions agent_options_;   // the configuration's, with this life's name
  const crypto::SealRing own_ticket_keys_ = random_ring(world_.random);
  MetricSet metrics_;
  edge::Guard guard_;
  actor::System system_;
  net::UvNetwork network_;
  edge::TlsService tls_;
  const edge::Surroundings surroundings_{
      .trusted_proxies = &config_.trusted_proxies, .tls = &tls_, .websocket = &config_.websocket};
  mysql::Workers mysql_{world_};
  script::Runtime runtime_;
  std::vector<std::unique_ptr<gate::Gate>> gates_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<actor::WorkPool> hash_pool_;
  std::unique_ptr<game::AgentManager> agents_;
  std::unique_ptr<Migrator> migrator_;
  std::unique_ptr<login::Policy> policy_;
  std::unique_ptr<login::LoginServer> login_;
  std::unique_ptr<StoreProbe> store_probe_;
  std::unique_ptr<Watch> watch_;
  std::vector<gate::Gate*> gate_list_;  // gates_
  std::unique_ptr<MemoryWatch> memory_watch_;
  std::unique_ptr<Readiness> readiness_;
  std::unique_ptr<Admin> admin_;
  std::string console_;      // its address
  MonotonicMs stop_by_ = 0;  // after drain()
};

}  // namespace

namespace {

// Everything up to the ready file.
Result<> bring_up(Server& server, Events& events, const std::string& ready_file) {
  if (auto up = server.start(); !up) return up;
  if (auto started = server.start_admin(events); !started) return started;
  if (auto started = server.await_console(); !started) return started;
  if (events.state().stops > 0) return {};  // a signal or a script was faster
  const nlohmann::json ready = server.ready();
  log::info({}, "gatehouse is up: {}", ready.dump());
  return ready_file.empty() ? Result<>() : write_ready_file(ready_file, ready);
}

}  // namespace

int run_server(const World& world, const std::function<Result<config::Config>()>& load,
               const std::string& ready_file) {
  Events events;
  Orders orders(events);
  raise_descriptor_limit();
  Result<config::Config> config = load();
  if (config) {
    auto fits = fit_to_machine(*config, Machine::here());
    if (!fits) config = tl::unexpected<Error>(fits.error());
  }
  if (!config) {
    std::fprintf(stderr, "%s\n", config.error().message.c_str());
    return kExitUsage;
  }
  if (auto usable = check_game_code(*config); !usable) {
    std::fprintf(stderr, "%s\n", usable.error().message.c_str());
    return kExitFailed;
  }
  if (auto started = log::start(config->log); !started) {
    std::fprintf(stderr, "log.file: %s\n", started.error().message.c_str());
    return kExitFailed;
  }
  for (const std::string& warning : config->warnings) log::warn({}, "{}", warning);
  if (auto identity = take_identity(world.random, *config); !identity)
    return report(*config, identity.error().message);
  events.serve();
  Server server(world, *config);
  server.system().on_abort([&events](int exit_code) { events.stop(exit_code); });
  if (auto up = bring_up(server, events, ready_file); !up) {
    // A script that ends the process while it starts says itself with which code.
    const Events::State state = events.state();
    const int failed = report(*config, up.error().message);
    orders.started();
    server.stop();
    return state.stops > 0 ? state.exit_code : failed;
  }
  orders.started();
  wait_for_stop(events, [&] { server.reload(load()); });
  server.drain(events);
  server.stop();
  log::say_left_out(true);
  log::info({}, "gatehouse has stopped");
  log::flush();
  const int code = events.state().exit_code;
  if (code != kExitOk && !config->log.file.empty())
    std::fprintf(stderr, "ended with %d: see %s\n", code, config->log.file.c_str());
  return code;
}

int run_skynet(const World& world, const std::string& file, const std::string& program_folder) {
  Events events;
  Orders orders(events);
  const auto own_files = config::program_root(program_folder);
  const auto settings =
      own_files ? skynet::load_skynet_config(file) : tl::unexpected<Error>(own_files.error());
  if (!settings) {
    std::fprintf(stderr, "%s\n", settings.error().message.c_str());
    return kExitUsage;
  }
  // `logger` names a file, or with logservice = "snlua" a service (docs/skynet-rules.md 7.1).
  const bool own_logger = settings->value("logservice") == "snlua";
  const std::string logger = settings->value("logger");
  if (auto started = log::start({.file = own_logger ? "" : logger}); !started) {
    std::fprintf(stderr, "logger: %s\n", started.error().message.c_str());
    return kExitFailed;
  }
  events.serve();
  MetricSet metrics;
  actor::System system(world, {.workers = settings->workers, .limits = {}}, metrics);
  net::UvNetwork network(system);
  mysql::Workers mysql_connections(world);
  script::Runtime runtime(system, &network);
  skynet::set_library_root(runtime, *own_files + "/lua");
  skynet::apply_skynet_config(*settings, runtime);
  modules::add_modules(runtime, mysql_connections);
  game::add_modules(runtime, nullptr);
  runtime.hidden_services = {"login_policy", "msgagent"};
  system.on_abort([&events](int exit_code) { events.stop(exit_code); });
  if (own_logger) skynet::divert_log(system);
  system.start(network.loop_factory());
  skynet::boot_services(runtime, own_logger ? logger : "");
  orders.started();
  wait_for_stop(events, [&] {
    log::info({}, "SIGHUP: the log's file is opened anew");
    skynet::tell_logger_of_reopening(system);
  });
  const int code = events.state().exit_code;
  const Watchdog watchdog(kStopTimeout, "a service does not end");
  if (own_logger) {
    // What it has not read yet would be lost with it.
    events.wait([&](const Events::State&) { return skynet::logger_is_idle(system); },
                skynet::kLoggerTimeout);
  }
  system.hurry(static_cast<std::uint32_t>(kStopTimeout.count()) / kStopShare);
  system.stop();
  log::divert(nullptr);
  if (code != kExitOk && !own_logger && !logger.empty()) {
    std::fprintf(stderr, "ended with %d: see %s\n", code, logger.c_str());
  }
  log::flush();
  return code;
}

}  // namespace gatehouse::app
