// TCP streams: over an accepted or detached socket, or to a peer.
#pragma once

#include <cstdint>

#include "base/result.hpp"
#include "base/unique_function.hpp"
#include "net/stream.hpp"

namespace gatehouse::net {

// Puts a stream over a socket and starts reading. The handler must live until on_closed(). On
// the loop's thread. kClosed: the loop is ending, the socket is closed; kIo: not a TCP socket.
[[nodiscard]] Result<Stream*> open_tcp(UvLoop& loop, Socket socket, StreamHandler& handler);

using ConnectCallback = UniqueFunction<void(Result<Socket>)>;
// Resolves and connects, trying the addresses in order within `timeout_ms` in all. Calls back
// once, on the loop's thread and not from inside this call (except on an ending loop: kClosed).
// kNotFound: no such name; kUnavailable: nobody answers there; kTimeout.
void connect_tcp(UvLoop& loop, const Endpoint& endpoint, std::uint32_t timeout_ms,
                 ConnectCallback callback);

}  // namespace gatehouse::net
