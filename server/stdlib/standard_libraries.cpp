#include "stdlib/standard_libraries.hpp"

#include "script/bind_util.hpp"
#include "script/vm.hpp"

namespace gatehouse::stdlib {
namespace {

constexpr luaL_Reg kAtOnce[] = {
    {LUA_GNAME, luaopen_base},          {LUA_LOADLIBNAME, luaopen_package},
    {LUA_COLIBNAME, luaopen_coroutine}, {LUA_TABLIBNAME, luaopen_table},
    {LUA_STRLIBNAME, luaopen_string},
};

// The library seeds itself with a time and an address.
int open_math(lua_State* L) {
  luaopen_math(L);
  lua_getfield(L, -1, "randomseed");
  for (int i = 0; i < 2; ++i)
    lua_pushinteger(L, static_cast<lua_Integer>(script::Vm::of(L).world().random.number()));
  lua_call(L, 2, 0);
  return 1;
}

// time([table]) -> seconds; upvalue: the library's, for a table
int l_os_time(lua_State* L) {
  if (lua_isnoneornil(L, 1)) {
    lua_pushinteger(L, script::Vm::of(L).clock().wall_s());
    return 1;
  }
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, 1);
  return 1;
}

// date([format[, time]]) -> text or table; upvalue: the library's, which is given the time
int l_os_date(lua_State* L) {
  lua_settop(L, 2);
  if (lua_isnil(L, 1)) {
    lua_pushliteral(L, "%c");
    lua_replace(L, 1);
  }
  if (lua_isnil(L, 2)) {
    lua_pushinteger(L, script::Vm::of(L).clock().wall_s());
    lua_replace(L, 2);
  }
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, 2, 1);
  return 1;
}

int open_os(lua_State* L) {
  luaopen_os(L);
  lua_getfield(L, -1, "time");
  lua_pushcclosure(L, script::bind<l_os_time>, 1);
  lua_setfield(L, -2, "time");
  lua_getfield(L, -1, "date");
  lua_pushcclosure(L, script::bind<l_os_date>, 1);
  lua_setfield(L, -2, "date");
  return 1;
}

constexpr luaL_Reg kLazyLibraries[] = {
    {LUA_MATHLIBNAME, open_math},    {LUA_IOLIBNAME, luaopen_io},    {LUA_OSLIBNAME, open_os},
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
