// "skynet.socketdriver": UDP, descriptors and netstat (docs/skynet-rules.md 1.3, 2.12).
#include "modules/modules.hpp"
#include "modules/socketdriver.hpp"
#include "script/bind_util.hpp"

namespace gatehouse::modules {
namespace {

// Arguments `index` and `index + 1` as a numeric host and a port, packed into the 20 bytes of an
// Address, which owns nothing. False: nil and why were pushed.
bool check_address(lua_State* L, int index, net::Address& address) {
  const char* ip = luaL_optstring(L, index, "0.0.0.0");
  const lua_Integer port = luaL_optinteger(L, index + 1, 0);
  luaL_argcheck(L, port >= 0 && port <= 65535, index + 1, "port out of range");
  bool ok = false;
  {
    const auto parsed = net::Address::from(ip, static_cast<std::uint16_t>(port));
    ok = parsed.has_value();
    if (ok) {
      address = *parsed;
    } else {
      push_nil_and(L, parsed.error().message);
    }
  }
  return ok;
}

// Argument `index` as the bytes that name who sent a datagram; raises.
net::Address check_packed(lua_State* L, int index) {
  net::Address address;
  const std::string_view bytes = script::check_view(L, index);
  bool ok = false;
  {
    const auto unpacked = sockets::unpack_udp_address(bytes);
    ok = unpacked.has_value();
    if (ok) address = *unpacked;
  }
  if (!ok) luaL_error(L, "Invalid udp address");
  return address;
}

int push_id_or_why(lua_State* L, const Result<std::uint32_t>& id) {
  if (!id) return push_nil_and(L, id.error().message);
  lua_pushinteger(L, *id);
  return 1;
}

// The address of the same family that a socket without a port of its own binds to.
net::Address any_like(const net::Address& address) {
  return net::Address::from(address.is_v6() ? "::" : "0.0.0.0", 0).value();
}

// udp([ip[, port]]) -> id, or nil and why; also udp_listen(ip, port)
int l_udp(lua_State* L) {
  sockets::SocketTable& table = socket_table_of(L);
  const ServiceId owner = script::current_service(L).id();
  net::Address local;
  if (!check_address(L, 1, local)) return 2;
  return push_id_or_why(L, table.open_udp(owner, local));
}

// udp_dial(ip, port) -> id, or nil and why
int l_udp_dial(lua_State* L) {
  sockets::SocketTable& table = socket_table_of(L);
  const ServiceId owner = script::current_service(L).id();
  net::Address peer;
  if (!check_address(L, 1, peer)) return 2;
  const auto id = table.open_udp(owner, any_like(peer));
  if (id) static_cast<void>(table.connect_udp(*id, owner, peer));  // ours, of one family
  return push_id_or_why(L, id);
}

// udp_connect(id, ip, port) -> true, or nil and why
int l_udp_connect(lua_State* L) {
  const std::uint32_t id = check_socket_id(L, 1);
  sockets::SocketTable& table = socket_table_of(L);
  const ServiceId owner = script::current_service(L).id();
  net::Address peer;
  if (!check_address(L, 2, peer)) return 2;
  const auto connected = table.connect_udp(id, owner, peer);
  if (!connected) return push_nil_and(L, connected.error().message);
  lua_pushboolean(L, 1);
  return 1;
}

// udp_send(id, address, bytes) -> boolean
int l_udp_send(lua_State* L) {
  const std::uint32_t id = check_socket_id(L, 1);
  const std::string_view bytes = script::check_view(L, 3);
  if (bytes.size() > net::UdpSocket::kDatagramBytesMax) {
    return luaL_error(L, "a datagram of %I bytes is too long (%I at most)",
                      static_cast<lua_Integer>(bytes.size()),
                      static_cast<lua_Integer>(net::UdpSocket::kDatagramBytesMax));
  }
  const net::Address to = check_packed(L, 2);
  lua_pushboolean(L, socket_table_of(L).send_udp(id, to, bytes));
  return 1;
}

// udp_address(address) -> ip, port
int l_udp_address(lua_State* L) {
  const net::Address address = check_packed(L, 1);
  bool pushed = false;
  {
    const std::string ip = address.ip();
    pushed = script::push_owned(L, ip);
  }
  if (!pushed) return lua_error(L);
  lua_pushinteger(L, address.port());
  return 2;
}

// bind(descriptor) -> id, or nil and why
int l_bind(lua_State* L) {
  const lua_Integer descriptor = luaL_checkinteger(L, 1);
  luaL_argcheck(L, descriptor >= 0 && descriptor <= INT32_MAX, 1, "not a descriptor");
  sockets::SocketTable& table = socket_table_of(L);
  const ServiceId owner = script::current_service(L).id();
  return push_id_or_why(L, table.bind(owner, static_cast<int>(descriptor)));
}

void set_info_text(lua_State* L, const char* field, std::string_view text) {
  if (text.empty()) return;
  script::push_view(L, text);
  lua_setfield(L, -2, field);
}

template <class Number>
void set_number(lua_State* L, const char* field, Number number) {
  lua_pushinteger(L, static_cast<lua_Integer>(number));
  lua_setfield(L, -2, field);
}

void set_boolean(lua_State* L, const char* field, bool value) {
  lua_pushboolean(L, value);
  lua_setfield(L, -2, field);
}

void push_info(lua_State* L, const sockets::SocketTable::Info& info) {
  static constexpr const char* kTypes[] = {"LISTEN", "TCP", "UDP", "BIND"};
  const sockets::SocketCounters& counters = *info.counters;
  lua_createtable(L, 0, 11);
  lua_pushstring(L, kTypes[static_cast<std::size_t>(info.kind)]);
  lua_setfield(L, -2, "type");
  set_number(L, "id", info.id);
  set_number(L, "address", info.owner.value);
  set_number(L, "rtime", counters.read_cs.load());
  set_info_text(L, "sock", info.local);
  if (info.kind == sockets::SocketTable::Kind::kListener) {
    set_number(L, "accept", info.accepted);
    return;
  }
  set_info_text(L, "peer", info.peer);
  set_number(L, "read", counters.read_bytes.load());
  set_number(L, "write", counters.written_bytes.load());
  set_number(L, "wbuffer", counters.unsent_bytes.load());
  set_number(L, "wtime", counters.written_cs.load());
  set_boolean(L, "reading", counters.reading.load());
  set_boolean(L, "writing", counters.unsent_bytes.load() > 0);
}

// info() -> list of { id=, type=, address=, sock=, peer=, accept=, read= ... }
int l_info(lua_State* L) {
  sockets::SocketTable& table = socket_table_of(L);
  bool pushed = false;
  {
    const auto sockets = table.list();
    pushed = script::push_guarded(L, [&sockets](lua_State* state) {
      lua_newtable(state);
      lua_Integer count = 0;
      for (const sockets::SocketTable::Info& info : sockets) {
        push_info(state, info);
        lua_rawseti(state, -2, ++count);
      }
    });
  }
  return pushed ? 1 : lua_error(L);
}

// header(bytes) -> the integer that 1 to 4 bytes hold, the highest first
int l_header(lua_State* L) {
  const std::string_view bytes = script::check_view(L, 1);
  if (bytes.empty() || bytes.size() > 4) return luaL_error(L, "Invalid read %s", bytes.data());
  lua_Integer number = 0;
  for (const char byte : bytes) number = number << 8 | static_cast<unsigned char>(byte);
  lua_pushinteger(L, number);
  return 1;
}

// str2p(string) -> pointer, size, to be sent or dropped
int l_str2p(lua_State* L) {
  const std::string_view text = script::check_view(L, 1);
  lua_pushlightuserdata(L, actor::make_message(text).release()->data());
  lua_pushinteger(L, static_cast<lua_Integer>(text.size()));
  return 2;
}

// drop(pointer, size): frees what str2p or pack made
int l_drop(lua_State* L) {
  luaL_checktype(L, 1, LUA_TLIGHTUSERDATA);
  luaL_checkinteger(L, 2);
  const actor::MessagePtr dropped = script::take_payload(L, 1);
  return 0;
}

// buffer, push, pop, clear: skynet's own buffers of received bytes.
int l_no_buffer(lua_State* L) {
  return luaL_error(L, "socketdriver has no buffers: bytes wait in the socket for its reader");
}

}  // namespace

int push_datagram(lua_State* L, const sockets::SocketEvent& event, std::string_view text) {
  luaL_argcheck(L, event.value >= 0 && static_cast<std::size_t>(event.value) <= text.size(), 1,
                "not a datagram");
  const std::string_view bytes = text.substr(static_cast<std::size_t>(event.value));
  socket_table_of(L).taken_udp(event.id, script::current_service(L).id(), bytes.size());
  lua_pushinteger(L, static_cast<lua_Integer>(event.type));
  lua_pushinteger(L, event.id);
  lua_pushinteger(L, static_cast<lua_Integer>(bytes.size()));
  script::push_view(L, bytes);
  script::push_view(L, text.substr(0, static_cast<std::size_t>(event.value)));
  return 5;
}

const luaL_Reg kUdpSocketFunctions[] = {
    {"udp", script::bind<l_udp>},           {"udp_listen", script::bind<l_udp>},
    {"udp_dial", script::bind<l_udp_dial>}, {"udp_connect", script::bind<l_udp_connect>},
    {"udp_send", script::bind<l_udp_send>}, {"udp_address", script::bind<l_udp_address>},
    {"bind", script::bind<l_bind>},         {"info", script::bind<l_info>},
    {"header", script::bind<l_header>},     {"str2p", script::bind<l_str2p>},
    {"drop", script::bind<l_drop>},         {"buffer", script::bind<l_no_buffer>},
    {"push", script::bind<l_no_buffer>},    {"pop", script::bind<l_no_buffer>},
    {"clear", script::bind<l_no_buffer>},   {nullptr, nullptr},
};

}  // namespace gatehouse::modules
