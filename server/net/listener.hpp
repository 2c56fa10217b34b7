// A place where connections come in: a TCP port, a Unix socket, a name in memory.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/unique_function.hpp"
#include "net/address.hpp"
#include "net/transport_set.hpp"

namespace gatehouse::net {

struct ListenOptions {
  int backlog = 4'096;                     // the kernel cuts it to net.core.somaxconn
  std::optional<std::uint16_t> worker{};   // accept on this worker only; else on every one
  std::uint32_t keepalive_idle_s = 300;    // silence before the kernel asks whether a peer lives
};

// Gets a connection, not attached yet, and the transports of the worker that accepted it. Called
// on that worker's thread, on several at once. Destroyed on any thread after stop().
using AcceptHandler = UniqueFunction<void(TransportSet& set, std::unique_ptr<Transport> transport)>;

class Listener {
 public:
  // Stops. Destroy it before the System.
  virtual ~Listener() = default;
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // The address bound, with the real port; unknown for a Unix socket.
  [[nodiscard]] const Address& address() const { return address_; }
  // Refuses connections from now on, those that wait to be accepted included. A handler call that
  // runs on another worker goes on. Any thread; twice is once.
  virtual void stop() = 0;

 protected:
  Listener() = default;

  Address address_;
};

}  // namespace gatehouse::net
