// "skynet.socketdriver": TCP for lua/lib/skynet/socket.lua (docs/skynet-rules.md 1.3); UDP is in
// socketdriver_udp.cpp. Bytes stay in C++ until a reader takes them; what happens to sockets
// arrives as PTYPE_SOCKET messages, see socket_event.hpp.
#include "modules/socketdriver.hpp"

#include <cstring>

#include "modules/modules.hpp"
#include "net/unix_socket.hpp"
#include "script/bind_util.hpp"
#include "sockets/socket_table.hpp"

namespace gatehouse::modules {

sockets::SocketTable& socket_table_of(lua_State* L) {
  sockets::SocketTable& sockets = script::Vm::of(L).runtime().sockets;
  if (!sockets.has_network()) luaL_error(L, "no network here");
  return sockets;
}

std::uint32_t check_socket_id(lua_State* L, int index) {
  const lua_Integer id = luaL_checkinteger(L, index);
  return id < 0 || id > INT32_MAX ? 0 : static_cast<std::uint32_t>(id);
}

int push_nil_and(lua_State* L, std::string_view text) {
  lua_pushnil(L);
  script::push_owned(L, text);
  return 2;
}

namespace {

using Want = sockets::LuaSocket::Want;

constexpr int kBacklog = 32;

// The running service's open connection named by argument 1, or nullptr.
sockets::LuaSocket* own_socket(lua_State* L) {
  const std::uint32_t id = check_socket_id(L, 1);
  return socket_table_of(L).find(id, script::current_service(L).id());
}

// Argument 1 as "host:port"; false when that does not parse.
bool parse_endpoint(lua_State* L, net::Endpoint& endpoint) {
  auto parsed = net::Endpoint::parse(lua_tostring(L, 1));
  if (!parsed) return false;
  endpoint = std::move(*parsed);
  return true;
}

// Checks the host and port of listen and connect, so that nothing raises afterwards. Returns
// the port, -1 when the host has it; raises "Invalid port".
lua_Integer check_host_port(lua_State* L, lua_Integer port_min) {
  luaL_checkstring(L, 1);
  if (lua_isnoneornil(L, 2)) return -1;
  const lua_Integer port = luaL_checkinteger(L, 2);
  if (port < port_min || port > 65535) luaL_error(L, "Invalid port %I", port);
  return port;
}

// Returns id, ip, port, or nil and why.
int listen(lua_State* L) {
  sockets::SocketTable& table = socket_table_of(L);
  const lua_Integer port = check_host_port(L, 0);
  const auto backlog = static_cast<int>(luaL_optinteger(L, 3, kBacklog));
  const ServiceId owner = script::current_service(L).id();
  net::Endpoint endpoint;
  if (net::is_unix(lua_tostring(L, 1))) {
    endpoint = {lua_tostring(L, 1), 0};
  } else if (port < 0) {
    if (!parse_endpoint(L, endpoint)) return push_nil_and(L, "not an address with a port");
  } else {
    endpoint = {lua_tostring(L, 1), static_cast<std::uint16_t>(port)};
  }
  const auto listening = table.listen(owner, endpoint, backlog);
  if (!listening) return push_nil_and(L, listening.error().message);
  lua_pushinteger(L, listening->id);
  if (!script::push_owned(L, listening->address.ip())) {
    table.close(listening->id, true);
    lua_pushnil(L);
    lua_insert(L, -2);
    return 2;
  }
  lua_pushinteger(L, listening->address.port());
  sockets::send_socket_event(
      table.system(), owner,
      {sockets::SocketEventType::kOpen, listening->id, listening->address.port()},
      listening->address.ip());
  return 3;
}

// listen(host[, port[, backlog]]) -> id, ip, port; of "unix:PATH" "" and 0. An event says the
// same. Raises.
int l_listen(lua_State* L) {
  const int results = listen(L);
  if (results == 2) return luaL_error(L, "Listen error: %s", lua_tostring(L, -1));
  return results;
}

// connect(host[, port]) -> id, or nil and why; an event follows
int l_connect(lua_State* L) {
  sockets::SocketTable& table = socket_table_of(L);
  const lua_Integer port = check_host_port(L, 1);
  const ServiceId owner = script::current_service(L).id();
  net::Endpoint endpoint;
  if (port < 0) {
    if (!parse_endpoint(L, endpoint)) return push_nil_and(L, "not an address with a port");
  } else {
    endpoint = {lua_tostring(L, 1), static_cast<std::uint16_t>(port)};
  }
  const auto id = table.connect(owner, endpoint);
  if (!id) return push_nil_and(L, id.error().message);
  lua_pushinteger(L, *id);
  return 1;
}

// start(id[, quiet]) -> true; false: wait for the ready event and try again; or nil and why.
// Unless `quiet`, the service reads frames by skynet.netpack and is told of them.
int l_socket_start(lua_State* L) {
  const std::uint32_t id = check_socket_id(L, 1);
  const bool quiet = lua_toboolean(L, 2) != 0;
  sockets::SocketTable& table = socket_table_of(L);
  const auto started = table.start(id, script::current_service(L).id());
  if (!started) return push_nil_and(L, started.error().message);
  if (sockets::LuaSocket* socket = quiet ? nullptr : own_socket(L)) socket->want_frames();
  lua_pushboolean(L, *started == sockets::SocketTable::Started::kYes);
  return 1;
}

// What a reader gets: the bytes; or false and the rest at the end; or nil when it has to wait.
int read(lua_State* L, Want want, std::size_t size, std::string_view separator) {
  sockets::LuaSocket* socket = own_socket(L);
  if (socket == nullptr) {
    lua_pushboolean(L, 0);
    lua_pushliteral(L, "");
    return 2;
  }
  const sockets::LuaSocket::Chunk chunk = socket->find(want, size, separator);
  if (chunk.found) {
    script::push_view(L, chunk.bytes);
    socket->consume(chunk.consumed);
    return 1;
  }
  if (socket->at_end()) {
    socket->end_is_read();
    lua_pushboolean(L, 0);
    script::push_view(L, socket->unread());
    socket->consume(socket->unread().size());
    return 2;
  }
  socket->wait_for(want, size, separator);
  lua_pushnil(L);
  return 1;
}

// read(id[, size])
int l_read(lua_State* L) {
  if (lua_isnoneornil(L, 2)) return read(L, Want::kSome, 0, {});
  const lua_Integer size = luaL_checkinteger(L, 2);
  luaL_argcheck(L, size >= 0 && size <= sockets::LuaSocket::kBufferBytesMax, 2,
                "size out of range");
  return read(L, Want::kSize, static_cast<std::size_t>(size), {});
}

// readline(id, separator)
int l_readline(lua_State* L) {
  const std::string_view separator = script::check_view(L, 2);
  luaL_argcheck(L, !separator.empty(), 2, "a separator is not empty");
  return read(L, Want::kLine, 0, separator);
}

int l_readall(lua_State* L) {
  return read(L, Want::kEnd, 0, {});
}

// block(id) -> true when bytes wait, false at the end, nil: wait
int l_block(lua_State* L) {
  sockets::LuaSocket* socket = own_socket(L);
  if (socket != nullptr && !socket->unread().empty()) {
    lua_pushboolean(L, 1);
  } else if (socket == nullptr || socket->at_end()) {
    if (socket != nullptr) socket->end_is_read();
    lua_pushboolean(L, 0);
  } else {
    socket->wait_for(Want::kSome, 0, {});
    lua_pushnil(L);
  }
  return 1;
}

// send(id, string | pointer, size) -> boolean
template <bool low>
int send(lua_State* L) {
  const std::uint32_t id = check_socket_id(L, 1);
  sockets::SocketTable& table = socket_table_of(L);
  if (lua_type(L, 2) != LUA_TLIGHTUSERDATA) {
    lua_pushboolean(L, table.write(id, script::check_view(L, 2), low));
    return 1;
  }
  luaL_checkinteger(L, 3);
  bool written = false;
  {
    const actor::MessagePtr payload = script::take_payload(L, 2);  // ours to free
    written = table.write(id, payload->view(), low);
  }
  lua_pushboolean(L, written);
  return 1;
}

// close(id) -> true: the close event follows
int l_socket_close(lua_State* L) {
  const std::uint32_t id = check_socket_id(L, 1);
  sockets::SocketTable& table = socket_table_of(L);
  if (sockets::LuaSocket* socket = table.find(id, script::current_service(L).id())) {
    lua_pushboolean(L, socket->close());
  } else {
    table.close(id, false);
    lua_pushboolean(L, 0);
  }
  return 1;
}

// release(id): forgets a closed socket of the running service
int l_release(lua_State* L) {
  const std::uint32_t id = check_socket_id(L, 1);
  socket_table_of(L).release(id, script::current_service(L).id());
  return 0;
}

int l_shutdown(lua_State* L) {
  const std::uint32_t id = check_socket_id(L, 1);
  lua_pushboolean(L, socket_table_of(L).close(id, true));
  return 1;
}

int l_socket_abandon(lua_State* L) {
  const std::uint32_t id = check_socket_id(L, 1);
  socket_table_of(L).abandon(id, script::current_service(L).id());
  return 0;
}

// limit(id, bytes): 0 for no limit
int l_socket_limit(lua_State* L) {
  const lua_Integer bytes = luaL_checkinteger(L, 2);
  luaL_argcheck(L, bytes >= 0, 2, "bytes out of range");
  if (sockets::LuaSocket* socket = own_socket(L))
    socket->set_limit(static_cast<std::size_t>(bytes));
  return 0;
}

int l_socket_pause(lua_State* L) {
  if (sockets::LuaSocket* socket = own_socket(L)) socket->pause();
  return 0;
}

// nodelay(id): every connection is made without delay.
int l_nodelay(lua_State* L) {
  static_cast<void>(check_socket_id(L, 1));
  return 0;
}

// resolve(host) -> number of the event that follows
int l_resolve(lua_State* L) {
  sockets::SocketTable& table = socket_table_of(L);
  const char* host = luaL_checkstring(L, 1);
  lua_pushinteger(L, table.resolve(script::current_service(L).id(), host));
  return 1;
}

// unpack(message, size) -> type, id, value, text[, address of a datagram]
int l_socket_unpack(lua_State* L) {
  const std::string_view payload = script::view_payload(L, 1);
  sockets::SocketEvent event;
  luaL_argcheck(L, payload.size() >= sizeof event, 1, "not a socket event");
  std::memcpy(&event, payload.data(), sizeof event);
  const std::string_view text = payload.substr(sizeof event);
  if (event.type == sockets::SocketEventType::kDatagram) return push_datagram(L, event, text);
  lua_pushinteger(L, static_cast<lua_Integer>(event.type));
  lua_pushinteger(L, event.id);
  lua_pushinteger(L, event.value);
  script::push_view(L, text);
  return 4;
}

const luaL_Reg kSocketFunctions[] = {
    {"listen", script::bind<l_listen>},
    {"connect", script::bind<l_connect>},
    {"start", script::bind<l_socket_start>},
    {"read", script::bind<l_read>},
    {"readline", script::bind<l_readline>},
    {"readall", script::bind<l_readall>},
    {"block", script::bind<l_block>},
    {"send", script::bind<send<false>>},
    {"lsend", script::bind<send<true>>},
    {"close", script::bind<l_socket_close>},
    {"release", script::bind<l_release>},
    {"shutdown", script::bind<l_shutdown>},
    {"abandon", script::bind<l_socket_abandon>},
    {"limit", script::bind<l_socket_limit>},
    {"pause", script::bind<l_socket_pause>},
    {"nodelay", script::bind<l_nodelay>},
    {"resolve", script::bind<l_resolve>},
    {"unpack", script::bind<l_socket_unpack>},
    {nullptr, nullptr},
};

}  // namespace

int open_socketdriver(lua_State* L) {
  luaL_newlib(L, kSocketFunctions);
  luaL_setfuncs(L, kUdpSocketFunctions, 0);
  return 1;
}

}  // namespace gatehouse::modules
