// UDP sockets over libuv. For this layer; others ask Network::open_udp().
#pragma once

#include "net/udp.hpp"
#include "net/uv_loop.hpp"

namespace gatehouse::net {

// Network::open_udp() on the worker of `loop`.
[[nodiscard]] Result<UdpSocket*> open_udp(UvLoop& loop, const Address& local, UdpHandler& handler);

}  // namespace gatehouse::net
