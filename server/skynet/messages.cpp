// Messages between services (docs/skynet-rules.md 1.1, 2.2, 2.4, 2.8).
#include <cstring>

#include "actor/system.hpp"
#include "script/bind_util.hpp"
#include "skynet/core.hpp"

namespace gatehouse::skynet {
namespace {

using actor::MessagePtr;
using actor::MessageType;
using actor::SendResult;

constexpr int kLua = static_cast<int>(MessageType::kLua);

// Finds the type argument and packs the rest of the arguments by its protocol. Pushes nothing
// for "lua"; for others leaves the results of the protocol's pack function on the stack and
// returns the index of the first. Returns the type's number in `id`.
int pack_arguments(lua_State* L, int type_index, int& id) {
  script::Vm& vm = script::Vm::of(L);
  if (lua_type(L, type_index) == LUA_TSTRING &&
      std::strcmp(lua_tostring(L, type_index), "lua") == 0) {
    id = kLua;
    pack(L, type_index + 1, vm.pack_buffer());
    return 0;
  }
  push_protocols(L);
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

// Runs when the reply of a call arrived: its values are the call's results
// (docs/skynet-rules.md 2.3).
int call_done(lua_State* L, int, lua_KContext type) {
  script::Vm& vm = script::Vm::of(L);
  const actor::Message& reply = *vm.scheduler().incoming();
  if (reply.type == MessageType::kError) return luaL_error(L, "call failed");
  if (type == kLua) return script::unpack(L, reply);
  if (type < 0) {  // rawcall
    vm.scheduler().lend_reply();
    lua_pushlightuserdata(L, const_cast<char*>(reply.data()));
    lua_pushinteger(L, reply.size);
    return 2;
  }
  const int base = lua_gettop(L);
  push_protocols(L);
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
  script::Vm& vm = script::Vm::of(L);
  script::LuaService& service = script::current_service(L);
  const std::int32_t session = vm.scheduler().new_session(service);
  switch (send_message(L, packed_message(L, first), destination, type, session, service.id())) {
    case SendResult::kUnknown:
      return script::invalid_address(L, 1);
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
  script::current_task(L, "skynet.rawcall");
  const ServiceId destination = script::to_address(L, 1);
  const int type = check_type(L, 2);
  static_cast<void>(
      script::view_payload(L, 3));  // raises for wrong arguments before anything is taken
  if (!destination) return script::invalid_address(L, 1);
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
  const ServiceId destination = script::to_address(L, 1);
  luaL_checkany(L, 2);
  int type = 0;
  const int first = pack_arguments(L, 2, type);
  const ServiceId source = script::current_service(L).id();
  const SendResult result = send_message(L, packed_message(L, first), destination, type, 0, source);
  return push_send_result(L, result, 0);
}

// rawsend(address, type, message[, size])
int l_rawsend(lua_State* L) {
  const ServiceId destination = script::to_address(L, 1);
  const int type = check_type(L, 2);
  static_cast<void>(script::view_payload(L, 3));
  const ServiceId source = script::current_service(L).id();
  const SendResult result =
      send_message(L, script::take_payload(L, 3), destination, type, 0, source);
  return push_send_result(L, result, 0);
}

// redirect(address, source, type, session, message[, size]); source 0 is this service
int l_redirect(lua_State* L) {
  const ServiceId destination = script::to_address(L, 1);
  lua_Integer source = luaL_optinteger(L, 2, 0);
  if (source == 0) source = script::current_service(L).id().value;
  const int type = check_type(L, 3);
  const auto session = static_cast<std::int32_t>(luaL_checkinteger(L, 4));
  static_cast<void>(script::view_payload(L, 5));
  return push_send_result(L,
                          send_message(L, script::take_payload(L, 5), destination, type, session,
                                       ServiceId{static_cast<std::uint32_t>(source)}),
                          session);
}

// pack(...) -> light userdata, size; owned by whoever sends or trashes it
int l_pack(lua_State* L) {
  script::PackBuffer& buffer = script::Vm::of(L).pack_buffer();
  pack(L, 1, buffer);
  actor::Message* message = buffer.take().release();
  lua_pushlightuserdata(L, message->data());
  lua_pushinteger(L, message->size);
  return 2;
}

int l_packstring(lua_State* L) {
  script::PackBuffer& buffer = script::Vm::of(L).pack_buffer();
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
  const std::string_view payload = script::view_payload(L, 1);
  lua_settop(L, 1);
  const actor::Message* incoming = script::Vm::of(L).scheduler().incoming();
  if (incoming != nullptr && lua_type(L, 1) == LUA_TLIGHTUSERDATA &&
      lua_touserdata(L, 1) == incoming->data()) {
    return unpack(
        L, payload,
        incoming->pointers ? script::PointersOf::kThisProcess : script::PointersOf::kNobody);
  }
  return unpack(L, payload, script::PointersOf::kThisVm);
}

// unpack_foreign(string) -> values: of bytes that come from outside, in which nothing is a pointer
int l_unpack_foreign(lua_State* L) {
  const std::string_view payload = script::check_view(L, 1);
  lua_settop(L, 1);
  return script::unpack(L, payload);
}

int l_tostring(lua_State* L) {
  const std::string_view payload = script::view_payload(L, 1);
  script::push_view(L, payload);
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
  lua_pushinteger(L, script::Vm::of(L).scheduler().new_session(script::current_service(L)));
  return 1;
}

// pcall body: (list, value)
int append(lua_State* L) {
  lua_rawseti(L, 1, static_cast<lua_Integer>(lua_rawlen(L, 1)) + 1);
  return 0;
}

// multicast(addresses, source, type id, message) -> how many mailboxes are full, list of those
// addresses where nobody lives. `addresses`: the keys of a table. The message is copied once. On
// return it is in the mailboxes: whoever learns of that cannot send something that overtakes it.
int l_multicast(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  const ServiceId source{static_cast<std::uint32_t>(luaL_checkinteger(L, 2))};
  const auto type = static_cast<MessageType>(luaL_checkinteger(L, 3));
  const std::string_view text = script::check_view(L, 4);
  actor::System& system = script::system_of(L);
  lua_Integer full = 0;
  lua_settop(L, 4);
  lua_newtable(L);
  {
    const actor::SharedPayloadPtr payload = actor::make_shared_payload(text);
    for (lua_pushnil(L); lua_next(L, 1) != 0; lua_pop(L, 1)) {
      MessagePtr message = actor::make_message(*payload);
      message->type = type;
      message->source = source;
      message->destination = ServiceId{static_cast<std::uint32_t>(lua_tointeger(L, -2))};
      const SendResult result = system.send(std::move(message));
      if (result == SendResult::kFull) ++full;
      if (result != SendResult::kUnknown) continue;
      // Who is not listed for want of memory is found dead by the next message.
      lua_pushcfunction(L, append);
      lua_pushvalue(L, 5);
      lua_pushvalue(L, -4);
      if (lua_pcall(L, 2, 0, 0) != LUA_OK) lua_pop(L, 1);
    }
  }
  script::current_service(L).worker().flush_outgoing();
  lua_pushinteger(L, full);
  lua_insert(L, 5);
  return 2;
}

// multicast_unpack(pointer, size) -> channel, pointer and size of the rest
int l_multicast_unpack(lua_State* L) {
  const std::string_view text = script::view_payload(L, 1);
  luaL_argcheck(L, text.size() >= sizeof(std::uint32_t), 1, "too short");
  std::uint32_t channel = 0;
  std::memcpy(&channel, text.data(), sizeof(channel));
  lua_pushinteger(L, channel);
  lua_pushlightuserdata(L, const_cast<char*>(text.data()) + sizeof(channel));
  lua_pushinteger(L, static_cast<lua_Integer>(text.size() - sizeof(channel)));
  return 3;
}

}  // namespace

MessagePtr packed_message(lua_State* L, int first) {
  return first == 0 ? script::Vm::of(L).pack_buffer().take() : script::take_payload(L, first);
}

SendResult send_message(lua_State* L, MessagePtr message, ServiceId destination, int type,
                        std::int32_t session, ServiceId source) {
  message->type = static_cast<MessageType>(type);
  message->session = session;
  message->source = source;
  message->destination = destination;
  return script::system_of(L).send(std::move(message));
}

// call(address, type, ...) -> results
int call(lua_State* L) {
  script::current_task(L, "skynet.call");
  const ServiceId destination = script::to_address(L, 1);
  luaL_checkany(L, 2);
  if (!destination) return script::invalid_address(L, 1);
  int type = 0;
  const int first = pack_arguments(L, 2, type);
  return request(L, destination, type, first, type);
}

// What a native part of the process does for a service ends with a response of the service to
// itself, in a session that nobody else waits for.
int await_answer(lua_State* L) {
  script::current_task(L, "skynet.core.await");
  const lua_Integer session = luaL_checkinteger(L, 1);
  luaL_argcheck(L, session > 0 && session <= INT32_MAX, 1, "not a session");
  script::Vm& vm = script::Vm::of(L);
  const auto number = static_cast<std::int32_t>(session);
  luaL_argcheck(L,
                vm.scheduler().sessions().find(script::current_service(L).id(), number) == nullptr,
                1, "somebody waits for this session");
  vm.scheduler().await_reply(number, ServiceId{});
  return lua_yieldk(L, 0, 0, [](lua_State*, int, lua_KContext) { return 0; });
}

const lua_CFunction* builtin_codec() {
  static const lua_CFunction codec[] = {script::bind<l_pack>, script::bind<l_unpack>};
  return codec;
}

const luaL_Reg kMessageFunctions[] = {
    {"call", script::bind<call>},
    {"rawcall", script::bind<l_rawcall>},
    {"send", script::bind<l_send>},
    {"rawsend", script::bind<l_rawsend>},
    {"redirect", script::bind<l_redirect>},
    {"pack", script::bind<l_pack>},
    {"packstring", script::bind<l_packstring>},
    {"unpack", script::bind<l_unpack>},
    {"tostring", script::bind<l_tostring>},
    {"trash", script::bind<l_trash>},
    {"genid", script::bind<l_genid>},
    {nullptr, nullptr},
};

const luaL_Reg kCoreMessageFunctions[] = {
    {"multicast", script::bind<l_multicast>},
    {"multicast_unpack", script::bind<l_multicast_unpack>},
    {"unpack_foreign", script::bind<l_unpack_foreign>},
    {nullptr, nullptr},
};

}  // namespace gatehouse::skynet
