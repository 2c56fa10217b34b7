// What scripts know of time and chance comes from the World of their process.
#include <gtest/gtest.h>

#include <string>

#include "actor/system.hpp"
#include "modules/modules.hpp"
#include "mysql/worker.hpp"
#include "script/runtime.hpp"
#include "script/vm.hpp"
#include "simulated_world.hpp"
#include "skynet/boot.hpp"

namespace gatehouse::modules {
namespace {

// The text that a script, run in a VM of its own, returns.
std::string result_of(test::SimulatedWorld& world, const char* script) {
  MetricSet metrics;
  actor::System system(world.world, {.workers = 1, .limits = {}}, metrics);
  mysql::Workers connections(world.world);
  script::Runtime runtime(system);
  add_modules(runtime, connections);
  skynet::set_library_root(runtime, std::string(GATEHOUSE_SOURCE_DIR) + "/lua");
  auto vm = script::Vm::create(runtime, 0, runtime.code.current()).value();
  std::string result;
  const auto done = vm->protect([&result, script](lua_State* L) {
    if (luaL_dostring(L, script) != LUA_OK) lua_error(L);
    std::size_t size = 0;
    const char* text = lua_tolstring(L, -1, &size);
    result.assign(text, size);
  });
  EXPECT_TRUE(done) << done.error().message;
  return result;
}

TEST(VmWorld, TimeIsThatOfTheWorldsClock) {
  test::SimulatedWorld world(1);
  const std::int64_t now_s = world.clock.wall_s();
  EXPECT_EQ(result_of(world, "return tostring(os.time())"), std::to_string(now_s));
  world.clock.advance_ms(86'400'000);
  EXPECT_EQ(result_of(world, "return tostring(os.time(nil))"), std::to_string(now_s + 86'400));
  EXPECT_EQ(result_of(world, "return os.date('!%Y-%m-%d')"),
            result_of(world, "return os.date('!%Y-%m-%d', os.time())"));
  EXPECT_EQ(result_of(world, "return os.date('!%Y-%m-%d')"), "2023-11-15");
  EXPECT_EQ(result_of(world, "return tostring(#os.date() > 0)"), "true");
  // With a time of the script's own they are the library's.
  EXPECT_EQ(result_of(world, "return os.date('!%H:%M', 3600)"), "01:00");
  EXPECT_EQ(result_of(world,
                      "return tostring(os.time({year = 2001, month = 1, day = 2, hour = 3}) "
                      "- os.time({year = 2001, month = 1, day = 1, hour = 3}))"),
            "86400");
  EXPECT_EQ(result_of(world, "return select(2, pcall(os.date, '%Ez', 0)) ~= nil and 'raises'"),
            "raises");
}

TEST(VmWorld, ChanceIsThatOfTheWorldsRandom) {
  const char* const script = "return math.random(0) .. ' ' .. math.random(0)";
  test::SimulatedWorld one(1), same(1), other(2);
  const std::string drawn = result_of(one, script);
  EXPECT_EQ(result_of(same, script), drawn);
  EXPECT_NE(result_of(other, script), drawn);
  EXPECT_NE(result_of(one, script), drawn);  // the next VM draws on
  const char* const key = "return require('skynet.crypt').randomkey()";
  test::SimulatedWorld again(1), twice(1);
  EXPECT_EQ(result_of(again, key).size(), 8u);
  EXPECT_NE(result_of(again, key), result_of(again, key));
  EXPECT_EQ(result_of(twice, "return require('md5').crypt('text', 'key')").size(),
            result_of(again, "return require('md5').crypt('text', 'key')").size());
}

}  // namespace
}  // namespace gatehouse::modules
