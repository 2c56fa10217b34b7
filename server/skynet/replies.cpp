// Answers to requests (docs/skynet-rules.md 1.1, 2.2).
#include <cstring>

#include "actor/system.hpp"
#include "script/bind_util.hpp"
#include "skynet/core.hpp"

namespace gatehouse::skynet {
namespace {

using actor::MessagePtr;
using actor::MessageType;
using actor::SendResult;

// Marks the running task's request as answered and returns it; raises "No session".
script::Task& take_request(lua_State* L) {
  script::Task* task = script::Vm::of(L).scheduler().running();
  if (task == nullptr || !task->has_request || task->answered) luaL_error(L, "No session");
  task->answered = true;
  return *task;
}

// Sends a reply; true when it was delivered.
bool reply(lua_State* L, MessagePtr message, std::int32_t session, ServiceId requester) {
  if (session <= 0) return false;
  const ServiceId self = script::current_service(L).id();
  constexpr int kResponse = static_cast<int>(MessageType::kResponse);
  return send_message(L, std::move(message), requester, kResponse, session, self) ==
         SendResult::kQueued;
}

// ret([message[, size]]) -> delivered
int l_ret(lua_State* L) {
  static_cast<void>(script::view_payload(L, 1));
  const script::Task& task = take_request(L);
  lua_pushboolean(L,
                  reply(L, script::take_payload(L, 1), task.request_session, task.request_source));
  return 1;
}

// retpack(...) = ret(pack(...))
int l_retpack(lua_State* L) {
  script::Vm& vm = script::Vm::of(L);
  pack(L, 1, vm.pack_buffer());
  const script::Task& task = take_request(L);
  lua_pushboolean(L, reply(L, vm.pack_buffer().take(), task.request_session, task.request_source));
  return 1;
}

// ignoreret(): the request needs no answer.
int l_ignoreret(lua_State* L) {
  if (script::Task* task = script::Vm::of(L).scheduler().running()) task->answered = true;
  return 0;
}

// The closure of response(); upvalues: pack function or nil, ticket, session, source.
int response_closure(lua_State* L) {
  script::LuaService& service = script::current_service(L);
  const auto ticket = static_cast<std::uint32_t>(lua_tointeger(L, lua_upvalueindex(2)));
  const auto session = static_cast<std::int32_t>(lua_tointeger(L, lua_upvalueindex(3)));
  const ServiceId source{static_cast<std::uint32_t>(lua_tointeger(L, lua_upvalueindex(4)))};
  if (lua_type(L, 1) == LUA_TSTRING && std::strcmp(lua_tostring(L, 1), "TEST") == 0) {
    lua_pushboolean(L, service.owes(ticket) && script::system_of(L).registry().live(source));
    return 1;
  }
  if (session == 0) {
    lua_pushboolean(L, 0);
    return 1;
  }
  if (!service.owes(ticket)) return luaL_error(L, "Can't response more than once");
  if (!lua_toboolean(L, 1)) {
    service.take_owed(ticket);
    script::system_of(L).send_error(source, service.id(), session);
    lua_pushboolean(L, script::system_of(L).registry().live(source));
    return 1;
  }
  int first = 0;
  if (lua_isnil(L, lua_upvalueindex(1))) {
    pack(L, 2, script::Vm::of(L).pack_buffer());
  } else {
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_replace(L, 1);
    lua_call(L, lua_gettop(L) - 1, 2);
    first = 1;
    static_cast<void>(script::view_payload(L, 1));
  }
  service.take_owed(ticket);
  lua_pushboolean(L, reply(L, packed_message(L, first), session, source));
  return 1;
}

// response([pack]) -> closure for a late reply
int l_response(lua_State* L) {
  lua_settop(L, 1);
  if (lua_tocfunction(L, 1) == builtin_codec()[0]) {
    lua_settop(L, 0);
    lua_pushnil(L);
  }
  script::Task* task = script::Vm::of(L).scheduler().running();
  if (task == nullptr || !task->has_request || task->answered) {
    return luaL_error(L, "no session");
  }
  script::LuaService& service = script::current_service(L);
  task->answered = true;
  std::uint32_t ticket = 0;
  if (task->request_session > 0) {
    ticket = service.owe({task->request_session, task->request_source});
  }
  lua_pushinteger(L, ticket);
  lua_pushinteger(L, task->request_session);
  lua_pushinteger(L, task->request_source.value);
  lua_pushcclosure(L, script::bind<response_closure>, 4);
  return 1;
}

// context() -> session, source of the running request
int l_context(lua_State* L) {
  const script::Task* task = script::Vm::of(L).scheduler().running();
  if (task == nullptr || !task->has_request) return 0;
  lua_pushinteger(L, task->request_session);
  lua_pushinteger(L, task->request_source.value);
  return 2;
}

}  // namespace

const luaL_Reg kReplyFunctions[] = {
    {"ret", script::bind<l_ret>},
    {"retpack", script::bind<l_retpack>},
    {"ignoreret", script::bind<l_ignoreret>},
    {"response", script::bind<l_response>},
    {"context", script::bind<l_context>},
    {nullptr, nullptr},
};

}  // namespace gatehouse::skynet
