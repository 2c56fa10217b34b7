// The string and table functions that can be interrupted agree with the stock ones, on generated
// patterns, subjects and tables.
#include <gtest/gtest.h>

#include "script/vm.hpp"
#include "script_system.hpp"
#include "stdlib/standard_libraries.hpp"

namespace gatehouse::modules {
namespace {

// Globals: ours, stock: string libraries; tables.ours, tables.stock.
void open_libraries(lua_State* L) {
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

TEST(Patterns, AgreeWithTheStockLibraries) {
#ifdef __SANITIZE_THREAD__
  // A longjmp leaves its frames on the sanitizer's own stack, which takes 65,536.
  GTEST_SKIP() << "one thread, and a hundred thousand errors";
#endif
  test::ScriptSystem script;
  const std::shared_ptr<script::Vm> vm =
      script::Vm::create(script.runtime(), 0, script.runtime().code.current()).value();
  ASSERT_TRUE(vm->protect([](lua_State* L) { open_libraries(L); }));
  const std::string file = std::string(GATEHOUSE_SOURCE_DIR) + "/tests/lua/pattern_rules.lua";
  for (lua_Integer seed = 1; seed <= 3; ++seed) {
    lua_Integer compared = 0;
    const auto agreed = vm->protect([&file, seed, &compared](lua_State* L) {
      if (luaL_loadfile(L, file.c_str()) != LUA_OK) lua_error(L);
      lua_pushinteger(L, seed);
      lua_call(L, 1, 1);
      compared = lua_tointeger(L, -1);
    });
    ASSERT_TRUE(agreed) << "seed " << seed << ": " << agreed.error().message;
    EXPECT_GT(compared, 100'000);
  }
}

TEST(HookSwitch, IsFoundInThisBuildOfLua) {
  EXPECT_TRUE(script::find_hook_switch());
}

}  // namespace
}  // namespace gatehouse::modules
