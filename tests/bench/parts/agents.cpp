// Light agents: how fast players' agents are made, by their session at the gate, and what one
// takes of memory. No login, no database: what is measured is the agent.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <string>

#include "base/log.hpp"
#include "game/agent_manager.hpp"
#include "game/modules.hpp"
#include "gate/gate.hpp"
#include "modules/modules.hpp"
#include "mysql/worker.hpp"
#include "net/uv_network.hpp"
#include "script/agent_manager.hpp"
#include "script/boot.hpp"
#include "skynet/boot.hpp"
#include "temp_folder.hpp"
#include "test_world.hpp"

namespace gatehouse::script {
namespace {

double resident_kib() {
  std::ifstream file("/proc/self/statm");
  double pages = 0, resident = 0;
  file >> pages >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1024;
}

store::StoreOptions store_options(const test::TempFolder& folder) {
  store::StoreOptions options;
  options.driver.sqlite.path = folder / "agents.db";
  options.driver.migrations_dir = GATEHOUSE_SOURCE_DIR "/sql";
  return options;
}

// One worker with a gate and agents, as app/server.cpp builds them.
struct Fixture {
  Fixture()
      : store(drivers::open_store(test_world(), store_options(folder), metrics).value()),
        network(system),
        runtime(system, &network),
        gate({.server = "sample",
              .listen = {"127.0.0.1", 0},
              .advertise = "",
              .limits = system.limits()},
             metrics, guard),
        agents(runtime, *store, {&gate},
               {.module = GATEHOUSE_SOURCE_DIR "/tests/bench/echo.lua", .save_interval_ms = 0},
               metrics) {
    skynet::set_library_root(runtime, GATEHOUSE_SOURCE_DIR "/lua");
    modules::add_modules(runtime, mysql);
    game::add_modules(runtime, &agents);
    static_cast<void>(log::start({.level = log::Level::kError, .file = ""}));
    system.start(network.loop_factory());
    if (!gate.start(network, system)) std::abort();
  }
  ~Fixture() {
    store->stop(actor::WorkPool::Stop::kDiscard);
    gate.stop_accepting();
    system.stop();
  }

  // On the worker.
  void make_agents(std::int64_t from, std::int64_t count) {
    for (std::int64_t i = from; i < from + count; ++i) {
      auto spec = std::make_unique<game::AgentSpec>();
      spec->grant.account = AccountId{static_cast<std::uint64_t>(i)};
      spec->grant.uid = "player" + std::to_string(i);
      spec->grant.server = "sample";
      spec->grant.secret = Secret(std::string("12345678"));
      spec->grant.suite = protocol::Suite::kSkynet;
      spec->done = [this](Result<login::Placement> placed) { ready += placed.has_value(); };
      spec->gate = &gate;
      spec->fence = {1, 1};
      spec->subid = "1";
      agents.spawn(system.worker(0), std::move(spec));
    }
  }

  test::TempFolder folder;
  MetricSet metrics;
  edge::Guard guard{Limits(), metrics, edge::posting_to(system)};
  actor::System system{test_world(), {.workers = 1, .limits = {}}, metrics};
  std::unique_ptr<store::Store> store;
  net::UvNetwork network;
  mysql::Workers mysql{test_world()};
  script::Runtime runtime;
  gate::Gate gate;
  game::AgentManager agents;
  std::int64_t ready = 0;
};

void agent_launch(benchmark::State& state) {
  Fixture fixture;
  const std::int64_t count = state.range(0);
  std::int64_t made = 0;
  const double before_kib = resident_kib();
  for (auto _ : state) {
    std::promise<double> seconds;
    fixture.system.worker(0).post([&] {
      const std::int64_t start = monotonic_ns();
      fixture.make_agents(made, count);
      seconds.set_value(static_cast<double>(monotonic_ns() - start) * 1e-9);
    });
    state.SetIterationTime(seconds.get_future().get());
    made += count;
  }
  std::promise<std::int64_t> ready;
  fixture.system.worker(0).post([&] { ready.set_value(fixture.ready); });
  if (ready.get_future().get() != made) state.SkipWithError("not every agent started");
  state.SetItemsProcessed(made);
  state.counters["KiB_each"] = (resident_kib() - before_kib) / static_cast<double>(made);
}
BENCHMARK(agent_launch)->Arg(100'000)->Iterations(1)->Repetitions(3)->UseManualTime();

}  // namespace
}  // namespace gatehouse::script
