// A stream over a descriptor that came from elsewhere: a pipe, a terminal or a socket.
#pragma once

#include "base/result.hpp"
#include "net/stream.hpp"

namespace gatehouse::net {

// Puts a stream over a copy of `descriptor`, which stays the caller's, and starts reading. The
// copy is made non-blocking; a terminal is opened anew, so that the process' other descriptors
// of it stay as they are. The stream cannot be detached. The handler must live until
// on_closed(). On the loop's thread. kInvalid: not open, or a file that cannot be polled;
// kIo: no descriptor is left; kClosed: the loop is ending.
[[nodiscard]] Result<Stream*> open_descriptor(UvLoop& loop, int descriptor,
                                              StreamHandler& handler);

}  // namespace gatehouse::net
