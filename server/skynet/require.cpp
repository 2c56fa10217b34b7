// The global require (docs/skynet-rules.md 1.0): a module may yield while it loads, as its main
// chunk runs in the coroutine that requires it, and after it the functions that it gave to
// skynet.init. Others that require it meanwhile wait, and fail with it.
#include <cstring>

#include "script/bind_util.hpp"
#include "skynet/core.hpp"

namespace gatehouse::skynet {
namespace {

// Registry key of the modules that are being loaded: name, and the coroutine that loads it ->
// {that coroutine, tokens of those who wait ..., init = functions, outer = entry of the module
// that requires it in the same coroutine}.
const char kLoadingKey = 0;

// Stack of all functions below: 1 name, 2 package.loaded, 3 the modules being loaded.
constexpr int kName = 1;
constexpr int kLoaded = 2;
constexpr int kLoading = 3;

// Sets kLoading[L] to the value on top and pops it.
void set_innermost(lua_State* L) {
  lua_pushthread(L);
  lua_insert(L, -2);
  lua_rawset(L, kLoading);
}

// Forgets that the module is being loaded and wakes who waits for it.
void settle(lua_State* L) {
  lua_pushvalue(L, kName);
  lua_rawget(L, kLoading);
  const int entry = lua_gettop(L);
  const auto count = static_cast<lua_Integer>(lua_rawlen(L, entry));
  for (lua_Integer i = 2; i <= count; ++i) {
    lua_rawgeti(L, entry, i);
    script::Vm::of(L).scheduler().wakeup(L, -1);
    lua_pop(L, 1);
  }
  lua_getfield(L, entry, "outer");
  set_innermost(L);
  lua_pop(L, 1);
  lua_pushvalue(L, kName);
  lua_pushnil(L);
  lua_rawset(L, kLoading);
}

// Keeps what the loader gave, on top of the stack, as the module, or else true.
void store_module(lua_State* L) {
  lua_pushvalue(L, kName);
  if (!lua_isnil(L, -2)) {
    lua_pushvalue(L, -2);
    lua_settable(L, kLoaded);
  } else if (lua_gettable(L, kLoaded) == LUA_TNIL) {
    lua_pushvalue(L, kName);
    lua_pushboolean(L, 1);
    lua_settable(L, kLoaded);
  }
}

// The loader returned, or the init function with this number did. Stack: ..., 4 loader data.
int loaded(lua_State* L, int status, lua_KContext number) {
  if (status == LUA_OK || status == LUA_YIELD) {
    if (number == 0) store_module(L);
    lua_settop(L, 4);
    lua_pushvalue(L, kName);
    lua_rawget(L, kLoading);
    while (lua_getfield(L, 5, "init") == LUA_TTABLE && lua_rawgeti(L, -1, ++number) != LUA_TNIL) {
      status = lua_pcallk(L, 0, 0, 0, number, loaded);
      if (status != LUA_OK) break;
      lua_settop(L, 5);
    }
  }
  if (status != LUA_OK && status != LUA_YIELD) {
    lua_pushvalue(L, kName);
    lua_pushnil(L);
    lua_settable(L, kLoaded);
    settle(L);
    return lua_error(L);
  }
  settle(L);
  lua_settop(L, 4);
  lua_pushvalue(L, kName);
  lua_gettable(L, kLoaded);
  lua_insert(L, 4);
  return 2;
}

// Pushes the loader of the module and its data; raises with all that the searchers say.
void find_loader(lua_State* L) {
  lua_getglobal(L, "package");
  if (lua_getfield(L, -1, "searchers") != LUA_TTABLE) {
    luaL_error(L, "'package.searchers' must be a table");
  }
  lua_remove(L, -2);
  const int searchers = lua_gettop(L);
  lua_pushliteral(L, "");
  for (lua_Integer i = 1; lua_rawgeti(L, searchers, i) != LUA_TNIL; ++i) {
    lua_pushvalue(L, kName);
    lua_call(L, 1, 2);
    if (lua_isfunction(L, -2)) {
      lua_remove(L, searchers + 1);
      lua_remove(L, searchers);
      return;
    }
    lua_pop(L, 1);
    if (lua_isstring(L, -1)) {
      lua_pushliteral(L, "\n\t");
      lua_insert(L, -2);
      lua_concat(L, 3);
    } else {
      lua_pop(L, 1);
    }
  }
  lua_pop(L, 1);
  luaL_error(L, "module '%s' not found:%s", lua_tostring(L, kName), lua_tostring(L, -1));
}

// After waiting for another coroutine's load.
int waited(lua_State* L, int, lua_KContext) {
  lua_pushvalue(L, kName);
  if (lua_gettable(L, kLoaded) == LUA_TNIL) {
    return luaL_error(L, "require %s failed", lua_tostring(L, kName));
  }
  return 1;
}

// Waits until the coroutine that loads the module, whose entry is on top, has done so.
int wait_for(lua_State* L) {
  const int entry = lua_gettop(L);
  lua_rawgeti(L, entry, 1);
  if (lua_tothread(L, -1) == L) {
    return luaL_error(L, "circular dependency: %s", lua_tostring(L, kName));
  }
  script::current_task(L, "require");
  lua_newtable(L);
  lua_pushvalue(L, -1);
  lua_rawseti(L, entry, static_cast<lua_Integer>(lua_rawlen(L, entry)) + 1);
  script::Vm::of(L).scheduler().await_token(L);
  return lua_yieldk(L, 0, 0, waited);
}

// require(name) -> module, loader data
int l_require(lua_State* L) {
  luaL_checkstring(L, 1);
  lua_settop(L, 1);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (lua_getfield(L, kLoaded, lua_tostring(L, kName)); lua_toboolean(L, -1)) return 1;
  lua_settop(L, 2);
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &kLoadingKey) != LUA_TTABLE) {
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &kLoadingKey);
  }
  lua_pushvalue(L, kName);
  if (lua_rawget(L, kLoading) == LUA_TTABLE) return wait_for(L);
  lua_pop(L, 1);
  find_loader(L);    // 4 loader, 5 its data
  lua_insert(L, 4);  // 4 data, 5 loader
  lua_pushvalue(L, kName);
  lua_createtable(L, 1, 1);
  lua_pushthread(L);
  lua_rawseti(L, -2, 1);
  lua_pushthread(L);
  lua_rawget(L, kLoading);
  lua_setfield(L, -2, "outer");
  lua_pushvalue(L, -1);
  set_innermost(L);
  lua_rawset(L, kLoading);
  lua_pushvalue(L, kName);
  lua_pushvalue(L, 4);
  return loaded(L, lua_pcallk(L, 2, 1, 0, 0, loaded), 0);
}

}  // namespace

bool init_after_require(lua_State* L) {
  const int top = lua_gettop(L);
  bool loading = lua_rawgetp(L, LUA_REGISTRYINDEX, &kLoadingKey) == LUA_TTABLE;
  if (loading) {
    lua_pushthread(L);
    loading = lua_rawget(L, -2) == LUA_TTABLE;
  }
  if (loading) {
    luaL_getsubtable(L, -1, "init");
    lua_pushvalue(L, top);
    lua_rawseti(L, -2, static_cast<lua_Integer>(lua_rawlen(L, -2)) + 1);
  }
  lua_settop(L, top);
  return loading;
}

void replace_require(lua_State* L) {
  lua_pushcfunction(L, script::bind<l_require>);
  lua_setglobal(L, "require");
}

}  // namespace gatehouse::skynet
