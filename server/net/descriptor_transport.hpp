// The transport over a descriptor that came from elsewhere: a pipe, a terminal or a socket. For
// this layer; others ask Network::open_descriptor().
#pragma once

#include "base/result.hpp"
#include "net/uv_loop.hpp"

namespace gatehouse::net {

// Network::open_descriptor() on the worker of `loop`. The copy is made non-blocking; a terminal is
// opened anew, so that the process' other descriptors of it stay as they are.
[[nodiscard]] Result<Transport*> open_descriptor(UvLoop& loop, int descriptor,
                                                 TransportHandler& handler);

}  // namespace gatehouse::net
