// Names to addresses, looked up by libuv's thread pool so that no worker waits. For this layer;
// others ask Network::resolve().
#pragma once

#include <string>

#include "net/network.hpp"
#include "net/uv_loop.hpp"

namespace gatehouse::net {

// Network::resolve() on the worker of `loop`.
void resolve(UvLoop& loop, const std::string& host, ResolveCallback callback);

}  // namespace gatehouse::net
