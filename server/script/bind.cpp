#include "script/bind.hpp"

#include "script/bind_core.hpp"
#include "script/table_views.hpp"
#include "script/vm.hpp"

namespace gatehouse::script {

void replace_coroutine_functions(lua_State* L);
void replace_require(lua_State* L);

int open_core(lua_State* L) {
  lua_newtable(L);
  luaL_setfuncs(L, kCoreFunctions, 0);
  luaL_setfuncs(L, kCoreMessageFunctions, 0);
  luaL_setfuncs(L, kCoreProtocolFunctions, 0);
  luaL_setfuncs(L, kCoreDebugFunctions, 0);
  return 1;
}

void register_modules(lua_State* L) {
  static const luaL_Reg modules[] = {
      {"skynet", bind<open_skynet>},
      {"skynet.core", bind<open_core>},
      {"skynet.crypt", bind<open_crypt>},
      {"client.crypt", bind<open_crypt>},
      {"md5", bind<open_md5>},
      {"skynet.socketdriver", bind<open_socketdriver>},
      {"skynet.netpack", bind<open_netpack>},
      {"entity", bind<open_entity>},
      {"gatehouse.tls", bind<open_tls>},
      {"ltls.c", bind<open_tls>},
      {"json", bind<open_json>},
      {"gatehouse.agent", bind<open_agent>},
      {"gatehouse.login", bind<open_login>},
      {"gatehouse.mysql", bind<open_mysql>},
      {"gatehouse.tables", bind<open_tables>},
      {"skynet.stm", bind<open_stm>},
  };
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  for (const luaL_Reg& module : modules) {
    lua_pushcfunction(L, module.func);
    lua_setfield(L, -2, module.name);
  }
  lua_pop(L, 1);
  replace_coroutine_functions(L);
  replace_require(L);
  replace_next(L);
}

}  // namespace gatehouse::script
