#include "script/bind_util.hpp"

#include <cstdlib>

#include "actor/system.hpp"

namespace gatehouse::script {

LuaService& current_service(lua_State* L) {
  LuaService* service = Vm::of(L).scheduler().current();
  if (service == nullptr) luaL_error(L, "no service runs here");
  return *service;
}

Task& current_task(lua_State* L, const char* function) {
  Task* task = Vm::of(L).scheduler().running();
  if (task == nullptr) {
    luaL_error(L, "%s blocks: call it inside skynet.start or a handler, not in the main chunk",
               function);
  } else if (task->thread != L) {
    luaL_error(L, "%s blocks: call it in a skynet coroutine, not inside a plain one", function);
  } else if (!lua_isyieldable(L)) {
    luaL_error(L, "%s blocks: attempt to yield across a C-call boundary", function);
  }
  return *task;
}

actor::System& system_of(lua_State* L) {
  return Vm::of(L).runtime().system;
}

ServiceId to_address(lua_State* L, int index) {
  if (lua_isinteger(L, index)) {
    const lua_Integer value = lua_tointeger(L, index);
    if (value == 0) luaL_error(L, "Invalid service address 0");
    if (value < 0 || value > UINT32_MAX) luaL_error(L, "Invalid service address %I", value);
    return ServiceId{static_cast<std::uint32_t>(value)};
  }
  if (lua_type(L, index) != LUA_TSTRING) {
    luaL_error(L, "dest address type (%s) must be a string or number.", luaL_typename(L, index));
  }
  const std::string_view text = check_view(L, index);
  if (text.starts_with(':')) {
    char* end = nullptr;
    const unsigned long value = std::strtoul(text.data() + 1, &end, 16);
    if (text.size() < 2 || *end != '\0' || value > UINT32_MAX) {
      luaL_error(L, "Invalid service address %s", text.data());
    }
    return ServiceId{static_cast<std::uint32_t>(value)};
  }
  return system_of(L).registry().find_name(text);
}

int invalid_address(lua_State* L, int index) {
  if (lua_isinteger(L, index)) {
    char text[16];
    std::snprintf(text, sizeof(text), ":%08x", static_cast<unsigned>(lua_tointeger(L, index)));
    return luaL_error(L, "call to invalid address %s", text);
  }
  return luaL_error(L, "call to invalid address %s", lua_tostring(L, index));
}

actor::MessagePtr take_payload(lua_State* L, int index) {
  switch (lua_type(L, index)) {
    case LUA_TNONE:
    case LUA_TNIL:
      return actor::make_message(std::size_t{0});
    case LUA_TLIGHTUSERDATA: {
      const lua_Integer size = luaL_checkinteger(L, index + 1);
      actor::MessagePtr message(actor::message_of_payload(lua_touserdata(L, index)));
      message->size = static_cast<std::uint32_t>(size);
      return message;
    }
    default:
      return actor::make_message(check_view(L, index));
  }
}

std::string_view view_payload(lua_State* L, int index) {
  switch (lua_type(L, index)) {
    case LUA_TNONE:
    case LUA_TNIL:
      return {};
    case LUA_TLIGHTUSERDATA: {
      const auto* data = static_cast<const char*>(lua_touserdata(L, index));
      return {data, static_cast<std::size_t>(luaL_checkinteger(L, index + 1))};
    }
    default:
      return check_view(L, index);
  }
}

}  // namespace gatehouse::script
