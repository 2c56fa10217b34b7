// Names to addresses, looked up by libuv's pool of threads so that no worker waits, and connections
// over TCP. For this layer; others ask a Network.
#pragma once

#include <cstdint>
#include <string>

#include "net/network.hpp"
#include "net/socket.hpp"
#include "net/uv_loop.hpp"

namespace gatehouse::net {

// Network::connect() on the worker of `loop`, of a socket.
using ConnectedCallback = UniqueFunction<void(Result<Socket>)>;
void connect_tcp(UvLoop& loop, const Endpoint& endpoint, std::uint32_t timeout_ms,
                 ConnectedCallback callback);

// Network::resolve() on the worker of `loop`.
void resolve(UvLoop& loop, const std::string& host, ResolveCallback callback);

}  // namespace gatehouse::net
