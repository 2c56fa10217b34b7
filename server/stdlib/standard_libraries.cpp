#include "stdlib/standard_libraries.hpp"

#include "script/bind_util.hpp"

namespace gatehouse::stdlib {
namespace {

constexpr luaL_Reg kAtOnce[] = {
    {LUA_GNAME, luaopen_base},          {LUA_LOADLIBNAME, luaopen_package},
    {LUA_COLIBNAME, luaopen_coroutine}, {LUA_TABLIBNAME, luaopen_table},
    {LUA_STRLIBNAME, luaopen_string},
};

constexpr luaL_Reg kLazyLibraries[] = {
    {LUA_MATHLIBNAME, luaopen_math}, {LUA_IOLIBNAME, luaopen_io},    {LUA_OSLIBNAME, luaopen_os},
    {LUA_UTF8LIBNAME, luaopen_utf8}, {LUA_DBLIBNAME, luaopen_debug},
};

// Fills the empty library at index 1, which is an ordinary table from then on. The registry
// knows by the table which library it is.
void fill(lua_State* L) {
  lua_pushvalue(L, 1);
  if (lua_rawget(L, LUA_REGISTRYINDEX) != LUA_TLIGHTUSERDATA) {
    lua_pop(L, 1);
    return;  // filled already: a copy of the metatable was kept
  }
  const auto& library = *static_cast<const luaL_Reg*>(lua_touserdata(L, -1));
  lua_pop(L, 1);
  lua_pushcfunction(L, library.func);
  lua_call(L, 0, 1);
  lua_pushnil(L);
  while (lua_next(L, -2) != 0) {
    lua_pushvalue(L, -2);
    if (lua_rawget(L, 1) == LUA_TNIL) {  // else it was replaced
      lua_pushvalue(L, -3);
      lua_pushvalue(L, -3);
      lua_rawset(L, 1);
    }
    lua_pop(L, 2);
  }
  lua_pop(L, 1);
  // Only now: when memory ran out on the way, the next access tries again.
  lua_pushvalue(L, 1);
  lua_pushnil(L);
  lua_rawset(L, LUA_REGISTRYINDEX);
  lua_pushnil(L);
  lua_setmetatable(L, 1);
}

int get(lua_State* L) {
  fill(L);
  lua_settop(L, 2);
  lua_rawget(L, 1);
  return 1;
}

int set(lua_State* L) {
  fill(L);
  lua_settop(L, 3);
  lua_rawset(L, 1);
  return 0;
}

int pairs(lua_State* L) {
  fill(L);
  lua_settop(L, 1);
  lua_getglobal(L, "next");
  lua_insert(L, 1);
  return 2;
}

}  // namespace

void open_standard_libraries(lua_State* L) {
  for (const luaL_Reg& library : kAtOnce) {
    luaL_requiref(L, library.name, library.func, 1);
    lua_pop(L, 1);
  }
  replace_base_functions(L);
  replace_string_functions(L);
  replace_table_functions(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_createtable(L, 0, 4);
  lua_pushcfunction(L, get);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, set);
  lua_setfield(L, -2, "__newindex");
  lua_pushcfunction(L, pairs);
  lua_setfield(L, -2, "__pairs");
  for (const luaL_Reg& library : kLazyLibraries) {
    lua_newtable(L);
    lua_pushvalue(L, -2);
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -1);
    lua_pushlightuserdata(L, const_cast<luaL_Reg*>(&library));
    lua_rawset(L, LUA_REGISTRYINDEX);
    lua_pushvalue(L, -1);
    lua_setglobal(L, library.name);
    lua_setfield(L, -3, library.name);
  }
  lua_pop(L, 2);
}

}  // namespace gatehouse::stdlib
