// Timers, addresses and entities: the tables of the runtime.
#include <benchmark/benchmark.h>

#include <random>
#include <string>
#include <vector>

#include "actor/entity_manager.hpp"
#include "actor/registry.hpp"
#include "actor/timer_wheel.hpp"

namespace gatehouse::actor {
namespace {

class CountingTimer final : public Timer {
 public:
  std::uint64_t fired = 0;

 private:
  void fire() override { ++fired; }
};

// Argument: timers, spread over as many milliseconds.
void timer_add_and_fire(benchmark::State& state) {
  MonotonicMs now = 1'000'000;
  TimerWheel wheel(now);
  std::vector<CountingTimer> timers(static_cast<std::size_t>(state.range(0)));
  std::mt19937 random(1);
  std::uniform_int_distribution<MonotonicMs> delay(1, state.range(0));
  for (auto _ : state) {
    for (CountingTimer& timer : timers) wheel.add(timer, now + delay(random));
    for (const MonotonicMs end = now + state.range(0); now < end;) wheel.advance(++now);
  }
  if (timers[0].fired != static_cast<std::uint64_t>(state.iterations())) std::abort();
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(timer_add_and_fire)->ArgName("timers")->Arg(1000);

// A deadline that is set and lifted, while others wait. Argument: others.
void timer_add_and_cancel(benchmark::State& state) {
  TimerWheel wheel(0);
  std::vector<CountingTimer> others(static_cast<std::size_t>(state.range(0)));
  for (std::size_t i = 0; i < others.size(); ++i) {
    wheel.add(others[i], 1 + static_cast<MonotonicMs>(i));
  }
  CountingTimer timer;
  for (auto _ : state) {
    wheel.add(timer, 10'000);
    timer.cancel();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(timer_add_and_cancel)->ArgName("others")->Arg(1)->Arg(10'000);

constexpr std::size_t kResidents = 10'000;

void registry_find(benchmark::State& state) {
  Registry registry;
  std::vector<ServiceId> ids;
  for (std::size_t i = 0; i < kResidents; ++i) ids.push_back(registry.reserve(0).value());
  std::size_t next = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(registry.live(ids[next]));
    if (++next == ids.size()) next = 0;
  }
}
BENCHMARK(registry_find);

void registry_reserve_and_release(benchmark::State& state) {
  Registry registry;
  for (auto _ : state) registry.release(registry.reserve(0).value());
}
BENCHMARK(registry_reserve_and_release);

std::string player(std::size_t i) {
  return "player" + std::to_string(i) + "@sample";
}

void fill(EntityManager& entities) {
  for (std::size_t i = 0; i < kResidents; ++i) {
    const ServiceId actor{static_cast<std::uint32_t>(i + 1)};
    if (!entities.add("player", player(i), actor)) std::abort();
  }
}

void entity_find(benchmark::State& state) {
  EntityManager entities;
  fill(entities);
  std::vector<std::string> names;
  for (std::size_t i = 0; i < kResidents; ++i) names.push_back(player(i * 7919 % kResidents));
  std::size_t next = 0;
  for (auto _ : state) {
    if (!entities.find("player", names[next])) std::abort();
    if (++next == names.size()) next = 0;
  }
}
BENCHMARK(entity_find);

void entity_add_and_remove(benchmark::State& state) {
  EntityManager entities;
  fill(entities);
  const std::string name = player(kResidents);
  const ServiceId actor{kResidents + 1};
  for (auto _ : state) {
    if (!entities.add("player", name, actor) || !entities.remove("player", name)) std::abort();
  }
}
BENCHMARK(entity_add_and_remove);

}  // namespace
}  // namespace gatehouse::actor
