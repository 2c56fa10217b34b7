// pcall and xpcall as the stock ones (Lua manual 6.1), but for a task that is over its time: what
// ends it passes through. In a finalizer the hook would not come back by itself once it is caught.
#include "script/vm.hpp"
#include "stdlib/standard_libraries.hpp"

namespace gatehouse::stdlib {
namespace {

int after_protected_call(lua_State* L, int status, lua_KContext results_from) {
  script::Vm::of(L).scheduler().interrupt().check(L);
  if (status == LUA_OK || status == LUA_YIELD) {
    return lua_gettop(L) - static_cast<int>(results_from);
  }
  lua_pushboolean(L, 0);
  lua_pushvalue(L, -2);
  return 2;
}

int protected_call(lua_State* L) {
  luaL_checkany(L, 1);
  lua_pushboolean(L, 1);  // the first result
  lua_insert(L, 1);
  const int arguments = lua_gettop(L) - 2;
  const int status = lua_pcallk(L, arguments, LUA_MULTRET, 0, 0, after_protected_call);
  return after_protected_call(L, status, 0);
}

int protected_call_with_handler(lua_State* L) {
  const int count = lua_gettop(L);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_pushboolean(L, 1);
  lua_pushvalue(L, 1);
  lua_rotate(L, 3, 2);  // 1 function, 2 handler, 3 true, 4 function, arguments
  const int status = lua_pcallk(L, count - 2, LUA_MULTRET, 2, 2, after_protected_call);
  return after_protected_call(L, status, 2);
}

}  // namespace

void replace_base_functions(lua_State* L) {
  lua_pushcfunction(L, protected_call);
  lua_setglobal(L, "pcall");
  lua_pushcfunction(L, protected_call_with_handler);
  lua_setglobal(L, "xpcall");
}

}  // namespace gatehouse::stdlib
