// UDP sockets of one worker: datagrams in, datagrams out, IPv4 or IPv6.
//
// A socket belongs to one worker (Network::open_udp()) and is used on that worker's thread only. A
// UdpSocket* is valid until close(), or until on_udp_closed() returned.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/result.hpp"
#include "net/address.hpp"

namespace gatehouse::net {

class UdpSocket;

// What the owner of a socket implements. Called by the loop, never from inside a call on the
// socket.
class UdpHandler {
 public:
  virtual ~UdpHandler() = default;
  // `bytes` lie in the loop's shared read buffer and are gone after the call; they may be none.
  // The handler may call anything on the socket, close() included.
  virtual void on_datagram(UdpSocket& socket, const Address& from, std::string_view bytes) = 0;
  // The loop ends, and the socket with it. Not called after close().
  virtual void on_udp_closed(UdpSocket& socket) = 0;
};

class UdpSocket {
 public:
  // What an IPv4 packet can carry (RFC 768, RFC 791); the same bound holds for IPv6 here.
  static constexpr std::size_t kDatagramBytesMax = 65'507;
  // Output that the kernel has no room for waits, no more than this.
  static constexpr std::size_t kUnsentBytesMax = 1u << 20;

  UdpSocket(const UdpSocket&) = delete;
  UdpSocket& operator=(const UdpSocket&) = delete;

  // The address bound, with the real port.
  [[nodiscard]] const Address& local() const { return local_; }
  // Sends one datagram. Whether it arrives nobody knows. kInvalid: too long, or an address of
  // the other family; kFull: too much is unsent; kIo: the system refused.
  [[nodiscard]] virtual Result<> send(const Address& to, std::string_view bytes) = 0;
  [[nodiscard]] virtual std::size_t unsent_bytes() const = 0;
  // No call of the handler follows; what is unsent is dropped.
  virtual void close() = 0;

 protected:
  UdpSocket() = default;
  virtual ~UdpSocket() = default;

  Address local_;
};

}  // namespace gatehouse::net
