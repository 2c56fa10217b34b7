// What sockets tell their owners: PTYPE_SOCKET messages, a header and some text. Bytes that
// arrived by TCP are not in them: they wait in the socket until they are read.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "actor/system.hpp"

namespace gatehouse::sockets {

// The numbers that lua/lib/skynet/socket.lua knows; up to kWarning they are skynet's.
enum class SocketEventType : std::uint32_t {
  kData = 1,      // what the reader waits for is there
  kOpen = 2,      // connected; the text is the peer's address
  kClose = 3,     // the connection ended; no more bytes will come
  kAccept = 4,    // the value is the new socket, the text its peer
  kError = 5,     // not connected, or no such host; the text says why
  kDatagram = 6,  // the text is the sender's address, of so many bytes as the value says, and
                  // the datagram
  kWarning = 7,   // the value is the unsent output in KiB; 0: it has left
  kReady = 8,     // start() may be tried again
  kResolved = 9,  // the text is addresses, one a line
};

struct SocketEvent {
  SocketEventType type = SocketEventType::kData;
  std::uint32_t id = 0;
  std::int64_t value = 0;
};

// Any thread; kUnknown and kFull as for every message.
inline actor::SendResult send_socket_event(actor::System& system, ServiceId to,
                                           const SocketEvent& event, std::string_view text = {},
                                           std::string_view more = {}) {
  actor::MessagePtr message = actor::make_message(sizeof event + text.size() + more.size());
  char* end = message->data();
  std::memcpy(end, &event, sizeof event);
  end += sizeof event;
  if (!text.empty()) std::memcpy(end, text.data(), text.size());
  if (!more.empty()) std::memcpy(end + text.size(), more.data(), more.size());
  message->type = actor::MessageType::kSocket;
  message->destination = to;
  return system.send(std::move(message));
}

}  // namespace gatehouse::sockets
