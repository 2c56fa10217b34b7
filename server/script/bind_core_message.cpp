// Messages between services (sk 1.1, 2.2, 2.4, 2.8).
#include <cstring>

#include "actor/system.hpp"
#include "script/bind_core.hpp"
#include "script/bind_util.hpp"

namespace gatehouse::script {
namespace {

using actor::MessagePtr;
using actor::MessageType;
using actor::SendResult;

constexpr int kLua = static_cast<int>(MessageType::kLua);

const char kProtocolsKey = 0;  // registry key of the table of message types

// Argument `index` as a message type: its number, or the name of a protocol.
int check_type(lua_State* L, int index) {
  if (lua_type(L, index) != LUA_TSTRING) return static_cast<int>(luaL_checkinteger(L, index));
  lua_rawgetp(L, LUA_REGISTRYINDEX, &kProtocolsKey);
  lua_pushvalue(L, index);
  if (lua_gettable(L, -2) != LUA_TTABLE) {
    luaL_error(L, "unknown message type %s", lua_tostring(L, index));
  }
  lua_getfield(L, -1, "id");
  const auto id = static_cast<int>(lua_tointeger(L, -1));
  lua_pop(L, 3);
  return id;
}

// Finds the type argument and packs the rest of the arguments by its protocol. Pushes nothing
// for "lua"; for others leaves the results of the protocol's pack function on the stack and
// returns the index of the first. Returns the type's number in `id`.
int pack_arguments(lua_State* L, int type_index, int& id) {
  Vm& vm = Vm::of(L);
  if (lua_type(L, type_index) == LUA_TSTRING &&
      std::strcmp(lua_tostring(L, type_index), "lua") == 0) {
    id = kLua;
    pack(L, type_index + 1, vm.pack_buffer());
    return 0;
  }
  lua_rawgetp(L, LUA_REGISTRYINDEX, &kProtocolsKey);
  lua_pushvalue(L, type_index);
  if (lua_gettable(L, -2) != LUA_TTABLE) {
    luaL_error(L, "unknown message type %s", luaL_tolstring(L, type_index, nullptr));
  }
  lua_getfield(L, -1, "id");
  id = static_cast<int>(lua_tointeger(L, -1));
  lua_pop(L, 1);
  if (lua_getfield(L, -1, "pack") == LUA_TNIL) {
    luaL_error(L, "protocol %s has no pack function", luaL_tolstring(L, type_index, nullptr));
  }
  lua_replace(L, -3);
  lua_pop(L, 1);
  // stack: ..., type, args..., pack
  lua_insert(L, type_index + 1);
  lua_call(L, lua_gettop(L) - type_index - 1, LUA_MULTRET);
  lua_settop(L, type_index + 2);
  return type_index + 1;
}

// The message that pack_arguments prepared; after it nothing may raise until it is sent.
MessagePtr packed_message(lua_State* L, int first) {
  return first == 0 ? Vm::of(L).pack_buffer().take() : take_payload(L, first);
}

SendResult send(lua_State* L, MessagePtr message, ServiceId destination, int type,
                std::int32_t session, ServiceId source) {
  message->type = static_cast<MessageType>(type);
  message->session = session;
  message->source = source;
  message->destination = destination;
  return system_of(L).send(std::move(message));
}

// Runs when the reply of a call arrived: its values are the call's results (sk 2.3).
int call_done(lua_State* L, int, lua_KContext type) {
  Vm& vm = Vm::of(L);
  const actor::Message& reply = *vm.scheduler().incoming();
  if (reply.type == MessageType::kError) return luaL_error(L, "call failed");
  if (type == kLua) return unpack(L, reply.data(), reply.size);
  if (type < 0) {  // rawcall
    lua_pushlightuserdata(L, const_cast<char*>(reply.data()));
    lua_pushinteger(L, reply.size);
    return 2;
  }
  const int base = lua_gettop(L);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &kProtocolsKey);
  lua_rawgeti(L, -1, type);
  lua_getfield(L, -1, "unpack");
  lua_replace(L, base + 1);
  lua_settop(L, base + 1);
  lua_pushlightuserdata(L, const_cast<char*>(reply.data()));
  lua_pushinteger(L, reply.size);
  lua_call(L, 2, LUA_MULTRET);
  return lua_gettop(L) - base;
}

// Sends a request and yields until its reply.
int request(lua_State* L, ServiceId destination, int type, int first, lua_KContext context) {
  Vm& vm = Vm::of(L);
  LuaService& service = current_service(L);
  const std::int32_t session = vm.scheduler().new_session(service);
  switch (send(L, packed_message(L, first), destination, type, session, service.id())) {
    case SendResult::kUnknown:
      return invalid_address(L, 1);
    case SendResult::kFull:
      return luaL_error(L, "call failed: the mailbox of the service is full");
    case SendResult::kQueued:
      break;
  }
  vm.scheduler().await_reply(session, destination);
  return lua_yieldk(L, 0, context, call_done);
}

// rawcall(address, type, message[, size]) -> pointer, size, valid until the next yield
int l_rawcall(lua_State* L) {
  current_task(L, "skynet.rawcall");
  const ServiceId destination = to_address(L, 1);
  const int type = check_type(L, 2);
  static_cast<void>(view_payload(L, 3));  // raises for wrong arguments before anything is taken
  if (!destination) return invalid_address(L, 1);
  return request(L, destination, type, 3, -1);
}

int push_send_result(lua_State* L, SendResult result, std::int32_t session) {
  switch (result) {
    case SendResult::kQueued:
      lua_pushinteger(L, session);
      return 1;
    case SendResult::kFull:
      lua_pushboolean(L, 0);
      return 1;
    case SendResult::kUnknown:
      return 0;
  }
  return 0;
}

// send(address, type, ...) -> 0 when queued, nothing for an unknown address, false when full
int l_send(lua_State* L) {
  const ServiceId destination = to_address(L, 1);
  luaL_checkany(L, 2);
  int type = 0;
  const int first = pack_arguments(L, 2, type);
  const ServiceId source = current_service(L).id();
  return push_send_result(L, send(L, packed_message(L, first), destination, type, 0, source), 0);
}

// rawsend(address, type, message[, size])
int l_rawsend(lua_State* L) {
  const ServiceId destination = to_address(L, 1);
  const int type = check_type(L, 2);
  static_cast<void>(view_payload(L, 3));
  const ServiceId source = current_service(L).id();
  return push_send_result(L, send(L, take_payload(L, 3), destination, type, 0, source), 0);
}

// redirect(address, source, type, session, message[, size])
int l_redirect(lua_State* L) {
  const ServiceId destination = to_address(L, 1);
  const lua_Integer source = luaL_optinteger(L, 2, 0);
  const int type = check_type(L, 3);
  const auto session = static_cast<std::int32_t>(luaL_checkinteger(L, 4));
  static_cast<void>(view_payload(L, 5));
  return push_send_result(L,
                          send(L, take_payload(L, 5), destination, type, session,
                               ServiceId{static_cast<std::uint32_t>(source)}),
                          session);
}

// Marks the running task's request as answered and returns it; raises "No session".
Task& take_request(lua_State* L) {
  Task* task = Vm::of(L).scheduler().running();
  if (task == nullptr || !task->has_request || task->answered) luaL_error(L, "No session");
  task->answered = true;
  return *task;
}

// Sends a reply; true when it was delivered.
bool reply(lua_State* L, MessagePtr message, std::int32_t session, ServiceId requester) {
  if (session <= 0) return false;
  const ServiceId self = current_service(L).id();
  return send(L, std::move(message), requester, static_cast<int>(MessageType::kResponse), session,
              self) == SendResult::kQueued;
}

// ret([message[, size]]) -> delivered
int l_ret(lua_State* L) {
  static_cast<void>(view_payload(L, 1));
  const Task& task = take_request(L);
  lua_pushboolean(L, reply(L, take_payload(L, 1), task.request_session, task.request_source));
  return 1;
}

// retpack(...) = ret(pack(...))
int l_retpack(lua_State* L) {
  Vm& vm = Vm::of(L);
  pack(L, 1, vm.pack_buffer());
  const Task& task = take_request(L);
  lua_pushboolean(L,
                  reply(L, vm.pack_buffer().take(), task.request_session, task.request_source));
  return 1;
}

// ignoreret(): the request needs no answer.
int l_ignoreret(lua_State* L) {
  if (Task* task = Vm::of(L).scheduler().running()) task->answered = true;
  return 0;
}

// The closure of response(); upvalues: pack function or nil, ticket, session, source.
int response_closure(lua_State* L) {
  LuaService& service = current_service(L);
  const auto ticket = static_cast<std::uint32_t>(lua_tointeger(L, lua_upvalueindex(2)));
  const auto session = static_cast<std::int32_t>(lua_tointeger(L, lua_upvalueindex(3)));
  const ServiceId source{static_cast<std::uint32_t>(lua_tointeger(L, lua_upvalueindex(4)))};
  if (lua_type(L, 1) == LUA_TSTRING && std::strcmp(lua_tostring(L, 1), "TEST") == 0) {
    lua_pushboolean(L, service.owes(ticket) && system_of(L).registry().live(source));
    return 1;
  }
  if (session == 0) {
    lua_pushboolean(L, 0);
    return 1;
  }
  if (!service.owes(ticket)) return luaL_error(L, "Can't response more than once");
  if (!lua_toboolean(L, 1)) {
    service.take_owed(ticket);
    system_of(L).send_error(source, service.id(), session);
    lua_pushboolean(L, system_of(L).registry().live(source));
    return 1;
  }
  int first = 0;
  if (lua_isnil(L, lua_upvalueindex(1))) {
    pack(L, 2, Vm::of(L).pack_buffer());
  } else {
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_replace(L, 1);
    lua_call(L, lua_gettop(L) - 1, 2);
    first = 1;
    static_cast<void>(view_payload(L, 1));
  }
  service.take_owed(ticket);
  lua_pushboolean(L, reply(L, packed_message(L, first), session, source));
  return 1;
}

int l_pack(lua_State* L);

// response([pack]) -> closure for a late reply
int l_response(lua_State* L) {
  lua_settop(L, 1);
  if (lua_tocfunction(L, 1) == bind<l_pack>) {
    lua_settop(L, 0);
    lua_pushnil(L);
  }
  Task* task = Vm::of(L).scheduler().running();
  if (task == nullptr || !task->has_request || task->answered) {
    return luaL_error(L, "no session");
  }
  LuaService& service = current_service(L);
  task->answered = true;
  std::uint32_t ticket = 0;
  if (task->request_session > 0) {
    ticket = service.owe({task->request_session, task->request_source});
  }
  lua_pushinteger(L, ticket);
  lua_pushinteger(L, task->request_session);
  lua_pushinteger(L, task->request_source.value);
  lua_pushcclosure(L, bind<response_closure>, 4);
  return 1;
}

// context() -> session, source of the running request
int l_context(lua_State* L) {
  const Task* task = Vm::of(L).scheduler().running();
  if (task == nullptr || !task->has_request) return 0;
  lua_pushinteger(L, task->request_session);
  lua_pushinteger(L, task->request_source.value);
  return 2;
}

// pack(...) -> light userdata, size; owned by whoever sends or trashes it
int l_pack(lua_State* L) {
  PackBuffer& buffer = Vm::of(L).pack_buffer();
  pack(L, 1, buffer);
  actor::Message* message = buffer.take().release();
  lua_pushlightuserdata(L, message->data());
  lua_pushinteger(L, message->size);
  return 2;
}

int l_packstring(lua_State* L) {
  PackBuffer& buffer = Vm::of(L).pack_buffer();
  pack(L, 1, buffer);
  if (buffer.size() == 0) {
    lua_pushliteral(L, "");
  } else {
    lua_pushlstring(L, buffer.data(), buffer.size());
  }
  return 1;
}

// unpack(string | pointer, size) -> values
int l_unpack(lua_State* L) {
  const std::string_view payload = view_payload(L, 1);
  lua_settop(L, 1);
  return unpack(L, payload.data(), payload.size());
}

int l_tostring(lua_State* L) {
  const std::string_view payload = view_payload(L, 1);
  push_view(L, payload);
  return 1;
}

int l_trash(lua_State* L) {
  switch (lua_type(L, 1)) {
    case LUA_TSTRING:
      return 0;
    case LUA_TLIGHTUSERDATA:
      luaL_checkinteger(L, 2);
      MessagePtr(actor::message_of_payload(lua_touserdata(L, 1))).reset();
      return 0;
    default:
      return luaL_error(L, "skynet.trash invalid param number");
  }
}

int l_genid(lua_State* L) {
  lua_pushinteger(L, Vm::of(L).scheduler().new_session(current_service(L)));
  return 1;
}

// dispatch_light(type id, f): the handler of the light services of this VM.
int l_dispatch_light(lua_State* L) {
  const lua_Integer type = luaL_checkinteger(L, 1);
  luaL_argcheck(L, type >= 0 && type <= 255, 1, "type out of range");
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_settop(L, 2);
  Vm::Protocol& protocol = Vm::of(L).edit_protocol(true, static_cast<MessageType>(type));
  luaL_unref(L, LUA_REGISTRYINDEX, protocol.dispatch);
  protocol.dispatch = luaL_ref(L, LUA_REGISTRYINDEX);
  return 0;
}

}  // namespace

// call(address, type, ...) -> results
int call(lua_State* L) {
  current_task(L, "skynet.call");
  const ServiceId destination = to_address(L, 1);
  luaL_checkany(L, 2);
  if (!destination) return invalid_address(L, 1);
  int type = 0;
  const int first = pack_arguments(L, 2, type);
  return request(L, destination, type, first, type);
}

const lua_CFunction* builtin_codec() {
  static const lua_CFunction codec[] = {bind<l_pack>, bind<l_unpack>};
  return codec;
}

void push_protocols(lua_State* L) { lua_rawgetp(L, LUA_REGISTRYINDEX, &kProtocolsKey); }

void set_protocols(lua_State* L) { lua_rawsetp(L, LUA_REGISTRYINDEX, &kProtocolsKey); }

void set_unpack(lua_State* L, int type) {
  luaL_checktype(L, -1, LUA_TFUNCTION);
  const int unpack = luaL_ref(L, LUA_REGISTRYINDEX);
  for (const bool light : {false, true}) {
    Vm::of(L).edit_protocol(light, static_cast<MessageType>(type)).unpack = unpack;
  }
}

int push_dispatch(lua_State* L, int type) {
  const int handler =
      Vm::of(L).protocol(current_service(L).light(), static_cast<MessageType>(type)).dispatch;
  if (handler == LUA_NOREF) return 0;
  lua_rawgeti(L, LUA_REGISTRYINDEX, handler);
  return 1;
}

int set_dispatch(lua_State* L, int type) {
  luaL_checktype(L, -1, LUA_TFUNCTION);
  Vm::Protocol& protocol =
      Vm::of(L).edit_protocol(current_service(L).light(), static_cast<MessageType>(type));
  const int previous = protocol.dispatch;
  protocol.dispatch = luaL_ref(L, LUA_REGISTRYINDEX);
  if (previous == LUA_NOREF) return 0;
  lua_rawgeti(L, LUA_REGISTRYINDEX, previous);
  luaL_unref(L, LUA_REGISTRYINDEX, previous);
  return 1;
}

const luaL_Reg kMessageFunctions[] = {
    {"call", bind<call>},
    {"rawcall", bind<l_rawcall>},
    {"send", bind<l_send>},
    {"rawsend", bind<l_rawsend>},
    {"redirect", bind<l_redirect>},
    {"ret", bind<l_ret>},
    {"retpack", bind<l_retpack>},
    {"ignoreret", bind<l_ignoreret>},
    {"response", bind<l_response>},
    {"context", bind<l_context>},
    {"pack", bind<l_pack>},
    {"packstring", bind<l_packstring>},
    {"unpack", bind<l_unpack>},
    {"tostring", bind<l_tostring>},
    {"trash", bind<l_trash>},
    {"genid", bind<l_genid>},
    {nullptr, nullptr},
};

const luaL_Reg kCoreMessageFunctions[] = {
    {"dispatch_light", bind<l_dispatch_light>},
    {nullptr, nullptr},
};

}  // namespace gatehouse::script
