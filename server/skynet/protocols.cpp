// Message types of skynet (docs/skynet-rules.md 1.1): the table name or id -> {name=, id=, pack=,
// unpack=}, and the handlers of each.
#include <cstring>

#include "script/bind_util.hpp"
#include "skynet/core.hpp"

namespace gatehouse::skynet {
namespace {

const char kProtocolsKey = 0;  // registry key of the table of message types

// The unpack function of a type that has none: such messages can be sent, not received.
int no_unpack(lua_State* L) {
  return luaL_error(L, "protocol %s has no unpack function", lua_tostring(L, lua_upvalueindex(1)));
}

// register_protocol{name=, id=, pack=, unpack=, dispatch=}: adds a message type; name and id must
// be new.
int l_register_protocol(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  push_protocols(L);                                             // 2
  const bool named = lua_getfield(L, 1, "name") == LUA_TSTRING;  // 3
  lua_getfield(L, 1, "id");                                      // 4
  const lua_Integer id = lua_isinteger(L, 4) ? lua_tointeger(L, 4) : -1;
  if (!named || id < 0 || id > 255) {
    return luaL_error(L, "register_protocol: a name and an id of 0 to 255 are needed");
  }
  lua_pushvalue(L, 3);
  const bool name_taken = lua_gettable(L, 2) != LUA_TNIL;
  if (name_taken || lua_rawgeti(L, 2, id) != LUA_TNIL) {
    return luaL_error(L, "protocol name or id is taken: %s", lua_tostring(L, 3));
  }
  lua_settop(L, 3);
  lua_pushvalue(L, 1);
  lua_rawset(L, 2);
  lua_pushvalue(L, 1);
  lua_rawseti(L, 2, id);
  if (lua_getfield(L, 1, "unpack") == LUA_TNIL) {
    lua_getfield(L, 1, "name");
    lua_pushcclosure(L, no_unpack, 1);
  }
  set_unpack(L, static_cast<int>(id));
  lua_settop(L, 1);
  if (lua_getfield(L, 1, "dispatch") != LUA_TNIL) set_dispatch(L, static_cast<int>(id));
  return 0;
}

// dispatch(typename[, f]) -> the handler before, or nil: sets f(session, source, ...) as handler
// of a message type. Without f the current one, nothing for an unknown type.
int l_dispatch(lua_State* L) {
  luaL_checkany(L, 1);
  lua_settop(L, 2);
  push_protocols(L);
  lua_pushvalue(L, 1);
  if (lua_gettable(L, -2) != LUA_TTABLE) {
    if (lua_isnil(L, 2)) return 0;
    return luaL_error(L, "unknown message type %s", luaL_tolstring(L, 1, nullptr));
  }
  lua_getfield(L, -1, "id");
  const int id = static_cast<int>(lua_tointeger(L, -1));
  lua_settop(L, 2);
  if (lua_isnil(L, 2)) return push_dispatch(L, id);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  return set_dispatch(L, id);
}

int unpack_nothing(lua_State* L) {
  return lua_gettop(L);
}

// Adds one of the types that every service has; leaves its description on the stack.
void add_protocol(lua_State* L, const char* type_name, actor::MessageType id) {
  lua_createtable(L, 0, 4);
  lua_pushstring(L, type_name);
  lua_setfield(L, -2, "name");
  lua_pushinteger(L, static_cast<lua_Integer>(id));
  lua_setfield(L, -2, "id");
  push_protocols(L);
  lua_pushvalue(L, -2);
  lua_setfield(L, -2, type_name);
  lua_pushvalue(L, -2);
  lua_rawseti(L, -2, static_cast<lua_Integer>(id));
  lua_pop(L, 1);
}

void set_function(lua_State* L, const char* field, lua_CFunction function) {
  lua_pushcfunction(L, function);
  lua_setfield(L, -2, field);
}

void add_codec_protocol(lua_State* L, const char* type_name, actor::MessageType id) {
  const lua_CFunction* codec = builtin_codec();
  add_protocol(L, type_name, id);
  set_function(L, "pack", codec[0]);
  set_function(L, "unpack", codec[1]);
}

// __index of the table of types: "debug" is there once somebody uses it.
int load_type(lua_State* L) {
  constexpr auto kDebug = actor::MessageType::kDebug;
  const bool debug = lua_type(L, 2) == LUA_TSTRING
                         ? std::strcmp(lua_tostring(L, 2), "debug") == 0
                         : lua_tointeger(L, 2) == static_cast<lua_Integer>(kDebug);
  if (!debug) return 0;
  add_codec_protocol(L, "debug", kDebug);
  return 1;
}

// dispatch_light(type id, f): the handler of the light services of this VM.
int l_dispatch_light(lua_State* L) {
  const lua_Integer type = luaL_checkinteger(L, 1);
  luaL_argcheck(L, type >= 0 && type <= 255, 1, "type out of range");
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_settop(L, 2);
  script::Vm::Protocol& protocol =
      script::Vm::of(L).edit_protocol(true, static_cast<actor::MessageType>(type));
  luaL_unref(L, LUA_REGISTRYINDEX, protocol.dispatch);
  protocol.dispatch = luaL_ref(L, LUA_REGISTRYINDEX);
  return 0;
}

}  // namespace

void push_protocols(lua_State* L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &kProtocolsKey);
}

void set_unpack(lua_State* L, int type) {
  luaL_checktype(L, -1, LUA_TFUNCTION);
  const int unpack = luaL_ref(L, LUA_REGISTRYINDEX);
  for (const bool light : {false, true}) {
    script::Vm::of(L).edit_protocol(light, static_cast<actor::MessageType>(type)).unpack = unpack;
  }
}

int push_dispatch(lua_State* L, int type) {
  const auto kind = static_cast<actor::MessageType>(type);
  const int handler = script::Vm::of(L).protocol(script::current_service(L).light(), kind).dispatch;
  if (handler == LUA_NOREF) return 0;
  lua_rawgeti(L, LUA_REGISTRYINDEX, handler);
  return 1;
}

int set_dispatch(lua_State* L, int type) {
  luaL_checktype(L, -1, LUA_TFUNCTION);
  script::Vm::Protocol& protocol = script::Vm::of(L).edit_protocol(
      script::current_service(L).light(), static_cast<actor::MessageType>(type));
  const int previous = protocol.dispatch;
  protocol.dispatch = luaL_ref(L, LUA_REGISTRYINDEX);
  if (previous == LUA_NOREF) return 0;
  lua_rawgeti(L, LUA_REGISTRYINDEX, previous);
  luaL_unref(L, LUA_REGISTRYINDEX, previous);
  return 1;
}

int check_type(lua_State* L, int index) {
  if (lua_type(L, index) == LUA_TNUMBER) {
    const lua_Integer id = luaL_checkinteger(L, index);
    luaL_argcheck(L, id >= 0 && id <= 255, index, "type out of range");
    return static_cast<int>(id);
  }
  push_protocols(L);
  lua_pushvalue(L, index);
  if (lua_isnil(L, -1) || lua_gettable(L, -2) != LUA_TTABLE) {
    luaL_error(L, "unknown message type %s", luaL_tolstring(L, index, nullptr));
  }
  lua_getfield(L, -1, "id");
  const auto id = static_cast<int>(lua_tointeger(L, -1));
  lua_pop(L, 3);
  return id;
}

void add_protocols(lua_State* L) {
  lua_newtable(L);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, script::bind<load_type>);
  lua_setfield(L, -2, "__index");
  lua_setmetatable(L, -2);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &kProtocolsKey);
  add_codec_protocol(L, "lua", actor::MessageType::kLua);
  add_protocol(L, "response", actor::MessageType::kResponse);
  add_protocol(L, "error", actor::MessageType::kError);
  set_function(L, "unpack", unpack_nothing);
  lua_getfield(L, -1, "unpack");
  set_unpack(L, static_cast<int>(actor::MessageType::kError));
  lua_pop(L, 3);
}

const luaL_Reg kProtocolFunctions[] = {
    {"register_protocol", script::bind<l_register_protocol>},
    {"dispatch", script::bind<l_dispatch>},
    {nullptr, nullptr},
};

const luaL_Reg kCoreProtocolFunctions[] = {
    {"dispatch_light", script::bind<l_dispatch_light>},
    {nullptr, nullptr},
};

}  // namespace gatehouse::skynet
