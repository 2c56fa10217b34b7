// Lua states and the codec, without services.
#include <benchmark/benchmark.h>

#include <string>

#include "actor/system.hpp"
#include "modules/modules.hpp"
#include "mysql/worker.hpp"
#include "script/runtime.hpp"
#include "script/vm.hpp"
#include "skynet/boot.hpp"
#include "test_world.hpp"

namespace gatehouse::script {
namespace {

// A runtime whose workers never start.
struct Still {
  MetricSet metrics;
  actor::System system{test_world(), {.workers = 1, .limits = {}}, metrics};
  mysql::Workers mysql{test_world()};
  Runtime runtime{system};

  Still() {
    modules::add_modules(runtime, mysql);
    skynet::set_library_root(runtime, GATEHOUSE_SOURCE_DIR "/lua");
  }
  std::shared_ptr<Vm> make_vm() { return Vm::create(runtime, 0, runtime.code.current()).value(); }
};

// The record of tests/bench/services/bench_rows.lua.
constexpr const char* kRecord = R"lua(
local bag = {}
for i = 1, 2 do
  bag[i] = { item = 1000 + i, count = i, bound = i % 2 == 0 }
end
return {
  uid = 100000001, name = "a player of a game", level = 42, experience = 1234567, gold = 99999,
  online = true, position = { map = "forest", x = 12.5, y = -3.25, z = 0.0 }, bag = bag,
  friends = { 100000002, 100000003, 100000004 },
}
)lua";

void push_record(lua_State* L) {
  if (luaL_dostring(L, kRecord) != LUA_OK) std::abort();
}

template <class Work>
void run(Vm& vm, Work work) {
  if (!vm.protect(work)) std::abort();
}

void codec_pack(benchmark::State& state) {
  Still still;
  const std::shared_ptr<Vm> vm = still.make_vm();
  run(*vm, [&state, &vm](lua_State* L) {
    push_record(L);
    for (auto _ : state) {
      vm->pack_buffer().reset();
      pack(L, 1, vm->pack_buffer());
      benchmark::DoNotOptimize(vm->pack_buffer().data());
    }
  });
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(vm->pack_buffer().size()));
}
BENCHMARK(codec_pack);

// With the garbage collection of what it makes.
void codec_unpack(benchmark::State& state) {
  Still still;
  const std::shared_ptr<Vm> vm = still.make_vm();
  run(*vm, [&state, &vm](lua_State* L) {
    push_record(L);
    vm->pack_buffer().reset();
    pack(L, 1, vm->pack_buffer());
    for (auto _ : state) {
      if (unpack(L, vm->pack_buffer().data(), vm->pack_buffer().size()) != 1) std::abort();
      lua_settop(L, 0);
    }
  });
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(vm->pack_buffer().size()));
}
BENCHMARK(codec_unpack);

void vm_create_and_close(benchmark::State& state) {
  Still still;
  for (auto _ : state) benchmark::DoNotOptimize(still.make_vm());
}
BENCHMARK(vm_create_and_close)->Unit(benchmark::kMicrosecond);

// A chunk that is in the cache already: what `require "skynet"` of a new VM loads.
void bytecode_load_skynet(benchmark::State& state) {
  Still still;
  const std::shared_ptr<Vm> vm = still.make_vm();
  const std::string path = GATEHOUSE_SOURCE_DIR "/lua/lib/skynet.lua";
  run(*vm, [&state, &vm, &path](lua_State* L) {
    for (auto _ : state) {
      if (vm->code()->load(L, path) != LUA_OK) std::abort();
      lua_settop(L, 0);
    }
  });
}
BENCHMARK(bytecode_load_skynet)->Unit(benchmark::kMicrosecond);

// The same and running it.
void vm_require_skynet(benchmark::State& state) {
  Still still;
  for (auto _ : state) {
    const std::shared_ptr<Vm> vm = still.make_vm();
    run(*vm, [](lua_State* L) {
      if (luaL_dostring(L, "require 'skynet'") != LUA_OK) std::abort();
    });
  }
}
BENCHMARK(vm_require_skynet)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace gatehouse::script
