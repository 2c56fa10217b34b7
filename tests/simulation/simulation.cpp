#include "simulation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <typeinfo>
#include <utility>

#include "base/assert.hpp"
#include "base/log.hpp"
#include "device.hpp"
#include "drivers/open.hpp"
#include "game/agent_host.hpp"
#include "game/agent_service.hpp"
#include "game/modules.hpp"
#include "modules/modules.hpp"
#include "skynet/boot.hpp"

namespace gatehouse::simulation {
namespace {

const std::string kRoot = GATEHOUSE_SOURCE_DIR;
constexpr MonotonicMs kLongestMs = 300'000;  // of a run, in simulated time
constexpr crypto::Argon2Cost kCheapCost{.memory_kib = 8, .passes = 1, .lanes = 1};

class SteppedLoop final : public actor::Loop {
 public:
  explicit SteppedLoop(net::TransportSet& set) : set_(set) {}
  void run(actor::Worker&) override { GATEHOUSE_ASSERT(false); }
  bool step(actor::Worker& worker) override {
    const bool has_more = worker.turn();
    if (worker.stopping()) set_.end();
    return has_more;
  }
  void wake() override {}

 private:
  net::TransportSet& set_;
};

actor::System::LoopFactory stepped_loops(net::MemoryNetwork& network) {
  return [&network](actor::Worker& worker) -> std::unique_ptr<actor::Loop> {
    network.add_worker(worker);
    return std::make_unique<SteppedLoop>(network.transports(worker.index()));
  };
}

login::LoginOptions login_options() {
  login::LoginOptions options;
  options.listeners = {{.address = {"127.0.0.1", 0}, .plain = true}};
  options.auth.cost = kCheapCost;
  return options;
}

}  // namespace

Simulation::Simulation(std::uint64_t seed)
    : world_(seed),
      plan_(seed ^ 0x5eed),
      system_(world_.world, {.workers = 2, .limits = {}}, metrics_),
      hash_pool_(world_.world, {.name = "hash", .threads = 2}),
      gate_({.server = kServer, .listen = {"127.0.0.1", 0}, .advertise = "", .limits = {}},
            metrics_, guard_) {
  log::use_clock(&world_.clock);
  log::divert([this](ServiceId source, std::string_view text) {
    note(fmt::format("[:{:08x}] {}", source.value, text));
    return true;
  });
  world_.executor.set_rest([this](const std::string& name) -> std::uint32_t {
    if (!name.starts_with("store") && !name.starts_with("hash")) return 0;
    return plan_.below(3) == 0 ? static_cast<std::uint32_t>(plan_.below(60)) : 0;
  });
  boot();
}

void Simulation::boot() {
  store::StoreOptions options;
  options.driver.sqlite.path = folder_ / "simulated.db";
  options.driver.migrations_dir = kRoot + "/sql";
  operator_ = drivers::open(world_.world, options.driver).value();
  GATEHOUSE_ASSERT(operator_->migrate().has_value());
  StoreFaults& faults = *this;
  store::Drivers drivers;
  drivers.open.push_back(
      std::make_unique<FaultyDriver>(drivers::open(world_.world, options.driver).value(), faults));
  drivers.closed = drivers::open(world_.world, options.driver).value();  // none is left by then
  store_ = store::Store::start(world_.world, options, std::move(drivers), metrics_).value();
  modules::add_modules(runtime_, mysql_);
  skynet::set_library_root(runtime_, kRoot + "/lua");
  game::AgentOptions agents;
  agents.module = kRoot + "/tests/simulation/player.lua";
  agents.afk_timeout_ms = 3'000;
  agents.save_interval_ms = 2'000;
  agents.node = 1;
  agents_ = std::make_unique<game::AgentManager>(runtime_, *store_, std::vector{&gate_}, agents,
                                                 metrics_);
  game::add_modules(runtime_, agents_.get());
  system_.start(stepped_loops(network_));
  outside_.start(stepped_loops(outside_network_));
  network_.on_link([this](const net::Endpoint&, const std::shared_ptr<net::MemoryLink>& link) {
    const auto most = static_cast<std::uint32_t>(1 + plan_.below(80));
    link->set_delay([this, most] { return static_cast<std::uint32_t>(plan_.below(most)); });
  });
  skynet::boot_services(runtime_);
  GATEHOUSE_ASSERT(
      advance_until([this] { return system_.env(skynet::kBooted).has_value(); }, 10'000));
  GATEHOUSE_ASSERT(gate_.start(network_, system_).has_value());
  login_ = std::make_unique<login::LoginServer>(
      login::LoginDependencies{system_, network_, *store_, hash_pool_, *agents_, policy_, metrics_,
                               guard_},
      Limits(), login_options());
  GATEHOUSE_ASSERT(login_->start().has_value());
  settle();
  timers_at_rest_ = timers();
}

// In the order of app/server.cpp.
Simulation::~Simulation() {
  faulty_ = false;
  violation_.clear();
  gate_.stop_accepting();
  login_->stop();
  settle();
  outside_.stop();
  system_.stop();
  login_.reset();
  hash_pool_.stop(actor::WorkPool::Stop::kDiscard);
  store_->stop(actor::WorkPool::Stop::kDrain);
  agents_.reset();
  devices_.clear();
  log::divert(nullptr);
  log::use_clock(nullptr);
}

void Simulation::note(std::string_view text) {
  log_ += fmt::format("{:7} {}\n", world_.clock.monotonic_ms(), text);
}

void Simulation::violated(std::string_view what) {
  if (!violation_.empty()) return;
  violation_ = what;
  note(fmt::format("VIOLATED: {}", what));
}

Result<std::unique_ptr<net::MemoryTransport>> Simulation::dial(const net::Address& to) {
  return network_.dial(net::Address::from("127.0.0.1", next_port_++).value(), to);
}

StoreFaults::Fault Simulation::draw(const char* call) {
  if (!faulty_) return Fault::kNone;
  const std::uint64_t drawn = plan_.below(40);
  const bool ends_group = std::string_view(call) == "end_group";
  if (drawn > 1) return Fault::kNone;
  const Fault fault = drawn == 0 && !ends_group ? Fault::kDown : Fault::kLostAnswer;
  note(fmt::format("store: {} {}", call, fault == Fault::kDown ? "fails" : "loses its answer"));
  return fault;
}

bool Simulation::advance() {
  if (world_.executor.step()) return true;
  std::int64_t next = world_.executor.next_in_ms();
  const auto consider = [&next](std::int64_t ms) {
    if (ms >= 0 && (next < 0 || ms < next)) next = ms;
  };
  for (std::uint16_t i = 0; i < system_.worker_count(); ++i)
    consider(system_.worker(i).next_timer_ms());
  consider(outside_.worker(0).next_timer_ms());
  if (next < 0) return false;
  world_.clock.advance_ms(std::max<std::int64_t>(next, 1));
  return true;
}

bool Simulation::advance_until(const std::function<bool()>& done, MonotonicMs limit_ms) {
  const MonotonicMs until = world_.clock.monotonic_ms() + limit_ms;
  while (!done()) {
    if (!violation_.empty() || world_.clock.monotonic_ms() > until || !advance()) return false;
    check();
  }
  return true;
}

// Everything that can be done now, and what the pools have left to do.
void Simulation::settle() {
  const auto idle = [this] { return !world_.executor.step() && world_.executor.next_in_ms() < 0; };
  GATEHOUSE_ASSERT(advance_until(idle, 10'000));
}

std::map<std::string, int> Simulation::timers() {
  std::map<std::string, int> waiting;
  for (std::uint16_t i = 0; i < system_.worker_count(); ++i) {
    system_.worker(i).timers().each(
        [&waiting](const actor::Timer& timer) { ++waiting[typeid(timer).name()]; });
    system_.worker(i).each_service([&waiting](actor::Service& service) {
      if (dynamic_cast<game::AgentHost*>(&service) == nullptr) return;
      for (auto& [kind, count] : waiting) {
        if (kind.find("SessionTimer") != std::string::npos) --count;
      }
    });
  }
  std::erase_if(waiting, [](const auto& entry) { return entry.second == 0; });
  return waiting;
}

// What must hold at every moment: a player has one live agent at most.
void Simulation::check() {
  std::map<std::string, int> agents;
  for (std::uint16_t i = 0; i < system_.worker_count(); ++i) {
    system_.worker(i).each_service([&agents](actor::Service& service) {
      auto* agent = dynamic_cast<game::AgentService*>(&service);
      if (agent != nullptr && !agent->exiting()) ++agents[agent->uid()];
    });
  }
  for (const auto& [uid, count] : agents) {
    if (count > 1) violated(fmt::format("{} has {} live agents", uid, count));
  }
}

// What must hold when everybody has left: nothing is.
void Simulation::check_end() {
  const auto nobody = [this] {
    return agents_->online() == 0 && gate_.session_count() == 0 && gate_.open_count() == 0 &&
           login_->connection_count() == 0 && store_->queue_length() == 0 &&
           hash_pool_.queue_length() == 0 && timers() == timers_at_rest_;
  };
  if (!advance_until(nobody, 60'000)) {
    for (const auto& [kind, count] : timers()) note(fmt::format("{} timers {}", count, kind));
    violated(fmt::format("left: {} agents, {} sessions, {} and {} connections, {} and {} jobs",
                         agents_->online(), gate_.session_count(), gate_.open_count(),
                         login_->connection_count(), store_->queue_length(),
                         hash_pool_.queue_length()));
    return;
  }
  for (std::uint16_t i = 0; i < system_.worker_count(); ++i) {
    if (const std::size_t open = network_.transports(i).count(); open > 0)
      violated(fmt::format("worker {} has {} transports left", i, open));
    system_.worker(i).each_service([this](actor::Service& service) {
      if (dynamic_cast<game::AgentService*>(&service) != nullptr)
        violated(fmt::format("agent :{:08x} is left", service.id().value));
      if (service.mailbox_length() > 0)
        violated(fmt::format("messages to :{:08x} are left", service.id().value));
    });
  }
  // As the watch of a server does, for what the store did not take.
  if (auto released = agents_->release_again(*operator_); !released)
    violated(released.error().message);
  const auto online = operator_->list_online("", 100).value();
  for (const store::OnlineSession& session : online) violated("a claim of " + session.name);
}

std::string Simulation::run() {
  devices_.push_back(std::make_unique<Device>(*this, "ann-phone", "ann"));
  devices_.push_back(std::make_unique<Device>(*this, "ann-tablet", "ann"));
  devices_.push_back(std::make_unique<Device>(*this, "bob-phone", "bob"));
  faulty_ = true;
  for (const auto& device : devices_) outside().post([&device] { device->start(); });
  const auto all_done = [this] {
    return std::ranges::all_of(devices_, [](const auto& device) { return device->done(); });
  };
  if (!advance_until(all_done, kLongestMs)) violated("the players do not get to their end");
  faulty_ = false;
  if (violation_.empty()) check_end();
  return violation_;
}

}  // namespace gatehouse::simulation
