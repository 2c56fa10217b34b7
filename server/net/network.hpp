// The world outside of the process, as daemons and services see it. The real one is UvNetwork;
// MemoryNetwork is one without sockets.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/unique_function.hpp"
#include "net/address.hpp"
#include "net/transport_set.hpp"
#include "net/udp.hpp"

namespace gatehouse::net {

struct ListenOptions {
  int backlog = 4'096;                    // the kernel cuts it to net.core.somaxconn
  std::optional<std::uint16_t> worker{};  // accept on this worker only; else on every one
  std::uint32_t keepalive_idle_s = 300;   // silence before the kernel asks whether a peer lives
};

// Gets a connection, not attached yet, and the transports of the worker that accepted it. Called
// on that worker's thread, on several at once. Destroyed on any thread after stop().
using AcceptHandler = UniqueFunction<void(TransportSet& set, std::unique_ptr<Transport> transport)>;

// A place where connections come in: a TCP port, a Unix socket, a name in memory.
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

using ConnectCallback = UniqueFunction<void(Result<std::unique_ptr<Transport>>)>;
using ResolveCallback = UniqueFunction<void(Result<std::vector<std::string>>)>;

// Callbacks come once, on the worker that asked and not from inside the call (except on an ending
// worker: kClosed).
class Network {
 public:
  virtual ~Network() = default;

  // The transports of a started worker; valid until System::stop(). Any thread.
  [[nodiscard]] virtual TransportSet& transports(std::uint16_t worker) = 0;

  // Binds and listens before it returns; accepting starts as the workers come by. The System runs.
  // A host name is looked up blocking. kExists: somebody listens there already; kDenied: no right
  // to the port; kInvalid: not an address of this machine; kIo: anything else. Any thread.
  [[nodiscard]] virtual Result<std::unique_ptr<Listener>> listen(const Endpoint& endpoint,
                                                                 const ListenOptions& options,
                                                                 AcceptHandler on_accept) = 0;

  // --- On a worker's thread, for it ---
  // Resolves and connects, trying the addresses in order within `timeout_ms` in all. kNotFound: no
  // such name; kUnavailable: nobody answers there; kTimeout.
  virtual void connect(const Endpoint& endpoint, std::uint32_t timeout_ms,
                       ConnectCallback callback) = 0;
  // Numeric addresses of `host`, in the order of preference, at least one; a numeric host is its
  // own answer. kNotFound: the name has no address; kUnavailable: the name service does not
  // answer. A worker that ends waits for lookups that already run.
  virtual void resolve(const std::string& host, ResolveCallback callback) = 0;
  // Binds to a numeric address (port 0: any) and begins to receive. The handler must live until
  // close() or on_udp_closed(). kExists: the port is taken; kDenied: no right to it; kInvalid: not
  // an address of this machine; kIo; kClosed: the worker is ending; kUnavailable: none here.
  [[nodiscard]] virtual Result<UdpSocket*> open_udp(const Address& local, UdpHandler& handler) = 0;
  // Attaches a transport over a copy of `descriptor`, which stays the caller's: a pipe, a terminal
  // or a socket. It cannot be detached. kInvalid: not open, or a file that cannot be polled; kIo:
  // no descriptor is left; kClosed: the worker is ending; kUnavailable: none here.
  [[nodiscard]] virtual Result<Transport*> open_descriptor(int descriptor,
                                                           TransportHandler& handler) = 0;
};

}  // namespace gatehouse::net
