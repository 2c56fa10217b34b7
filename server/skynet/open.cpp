#include "script/lua_args.hpp"
#include "skynet/core.hpp"

namespace gatehouse::skynet {

int open_core(lua_State* L) {
  lua_newtable(L);
  luaL_setfuncs(L, kCoreFunctions, 0);
  luaL_setfuncs(L, kCoreMessageFunctions, 0);
  luaL_setfuncs(L, kCoreProtocolFunctions, 0);
  luaL_setfuncs(L, kCoreDebugFunctions, 0);
  return 1;
}

void add_modules(std::vector<script::NativeModule>& modules) {
  modules.push_back({"skynet", script::bind<open_skynet>});
  modules.push_back({"skynet.core", script::bind<open_core>});
}

void open(lua_State* L) {
  replace_coroutine_functions(L);
  replace_require(L);
  // Nothing that a script does may skip the players' save.
  lua_getglobal(L, LUA_OSLIBNAME);
  lua_pushliteral(L, "exit");
  lua_pushcfunction(L, script::bind<exit_process>);
  lua_rawset(L, -3);
  lua_pop(L, 1);
}

}  // namespace gatehouse::skynet
