// The parts of module "skynet.socketdriver".
#pragma once

#include <lua.hpp>
#include <string_view>

#include "sockets/socket_event.hpp"
#include "sockets/socket_table.hpp"

namespace gatehouse::modules {

// UDP, descriptors and netstat: socketdriver_udp.cpp.
extern const luaL_Reg kUdpSocketFunctions[];

// Raises "no network here".
sockets::SocketTable& socket_table_of(lua_State* L);
// Argument `index` as an id; 0, which no socket has, when it is out of range.
[[nodiscard]] std::uint32_t check_socket_id(lua_State* L, int index);
// nil and the text, which may belong to an owner on the C++ stack.
int push_nil_and(lua_State* L, std::string_view text);
// What unpack returns for a datagram: 6, id, size, datagram, address.
int push_datagram(lua_State* L, const sockets::SocketEvent& event, std::string_view text);

}  // namespace gatehouse::modules
