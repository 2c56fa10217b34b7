// Connecting over TCP. For this layer; others ask Network::connect().
#pragma once

#include <cstdint>

#include "net/network.hpp"
#include "net/uv_loop.hpp"

namespace gatehouse::net {

// Network::connect() on the worker of `loop`.
void connect_tcp(UvLoop& loop, const Endpoint& endpoint, std::uint32_t timeout_ms,
                 ConnectCallback callback);

}  // namespace gatehouse::net
