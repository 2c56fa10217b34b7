// The string and table functions that can be interrupted agree with the stock ones, on generated
// patterns, subjects and tables, and are about as fast.
#include <gtest/gtest.h>

#include <chrono>

#include "script_system.hpp"
#include "script/standard_libraries.hpp"
#include "script/vm.hpp"

namespace gatehouse::script {
namespace {

class Patterns : public testing::Test {
 protected:
  // Globals: ours, stock: string libraries; tables.ours, tables.stock.
  Patterns() : vm_(Vm::create(script_.runtime(), 0).value()), L(vm_->main()) {
    lua_newtable(L);
    for (const char* name : {LUA_STRLIBNAME, LUA_TABLIBNAME}) {
      const bool strings = name == std::string_view(LUA_STRLIBNAME);
      lua_getglobal(L, name);
      strings ? lua_setglobal(L, "ours") : lua_setfield(L, -2, "ours");
      lua_pushcfunction(L, strings ? luaopen_string : luaopen_table);
      lua_call(L, 0, 1);
      strings ? lua_setglobal(L, "stock") : lua_setfield(L, -2, "stock");
    }
    lua_setglobal(L, "tables");
  }
  ~Patterns() override { lua_settop(L, 0); }

  ScriptSystem script_;
  std::shared_ptr<Vm> vm_;
  lua_State* L;
};

TEST_F(Patterns, AgreeWithTheStockLibraries) {
  const std::string file = std::string(GATEHOUSE_SOURCE_DIR) + "/tests/lua/pattern_rules.lua";
  for (lua_Integer seed = 1; seed <= 3; ++seed) {
    ASSERT_EQ(luaL_loadfile(L, file.c_str()), LUA_OK) << lua_tostring(L, -1);
    lua_pushinteger(L, seed);
    ASSERT_EQ(lua_pcall(L, 1, 1, 0), LUA_OK) << "seed " << seed << ": " << lua_tostring(L, -1);
    EXPECT_GT(lua_tointeger(L, -1), 100'000);
    lua_pop(L, 1);
  }
}

TEST(HookSwitch, IsFoundInThisBuildOfLua) { EXPECT_TRUE(find_hook_switch()); }

}  // namespace
}  // namespace gatehouse::script
