// A listening TCP port, or a Unix socket (net/unix_socket.hpp), which one worker has. Each worker
// accepts on a socket of its own (SO_REUSEPORT), so that the kernel spreads connections and no
// worker hands any over. While a worker is stuck another one accepts on its socket, too, so that
// those who wait there, and those who come, are served.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/unique_function.hpp"
#include "net/address.hpp"
#include "net/network.hpp"
#include "net/socket.hpp"

namespace gatehouse::net {

struct ListenOptions {
  int backlog = 4'096;                     // the kernel cuts it to net.core.somaxconn
  std::optional<std::uint16_t> worker{};   // accept on this worker only; else on every one
  std::uint32_t keepalive_idle_s = 300;    // silence before the kernel asks whether a peer lives
};

// Called on the accepting worker's thread, on several at once. The socket is non-blocking and
// has TCP_NODELAY and SO_KEEPALIVE. Destroyed on any thread after stop().
using AcceptHandler = UniqueFunction<void(UvLoop& loop, Socket socket)>;

class Listener {
 public:
  // Stops. Destroy it before the System.
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // The address bound, with the real port; unknown for a Unix socket.
  [[nodiscard]] const Address& address() const { return address_; }
  // Refuses connections from now on, those in the backlog included. A handler call that runs on
  // another worker goes on. Any thread; twice is once.
  void stop();
  // Has others accept for the workers that are stuck now, and for nobody else. Any thread.
  void rearrange();

 private:
  friend Result<std::unique_ptr<Listener>> listen(Network&, const Endpoint&, const ListenOptions&,
                                                  AcceptHandler);
  struct Shared;
  struct Port;
  struct Seat;
  class Acceptor;

  explicit Listener(Network& network) : network_(network) {}
  [[nodiscard]] Result<> open_ports(const Address& wanted, const ListenOptions& options);
  [[nodiscard]] Result<> open_unix(const std::string& host, const ListenOptions& options);
  void start_accepting();
  std::shared_ptr<Seat> seat_acceptor(const std::shared_ptr<Port>& port, std::uint16_t worker);
  static void end_acceptor(actor::Worker& worker, std::shared_ptr<Seat> seat);

  Network& network_;
  std::mutex mutex_;
  Address address_;
  std::string unix_path_;  // removed by stop(); empty: a port
  std::shared_ptr<Shared> shared_;
  std::vector<std::shared_ptr<Port>> ports_;
};

// Binds and listens before it returns; accepting starts as the workers come by. The System runs.
// A host name is looked up blocking. kExists: somebody listens there already; kDenied: no right
// to the port; kInvalid: not an address of this machine; kIo: anything else.
[[nodiscard]] Result<std::unique_ptr<Listener>> listen(Network& network, const Endpoint& endpoint,
                                                       const ListenOptions& options,
                                                       AcceptHandler on_accept);

}  // namespace gatehouse::net
