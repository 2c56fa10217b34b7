// A listening TCP port, or a Unix socket (net/unix_socket.hpp), which one worker has. For this
// layer; others ask Network::listen().
//
// Each worker
// accepts on a socket of its own (SO_REUSEPORT), so that the kernel spreads connections and no
// worker hands any over. While a worker is stuck another one accepts on its socket, too, so that
// those who wait there, and those who come, are served.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "net/address.hpp"
#include "net/network.hpp"
#include "net/socket.hpp"
#include "net/uv_network.hpp"

namespace gatehouse::net {

class UvListener final : public Listener {
 public:
  // Network::listen().
  [[nodiscard]] static Result<std::unique_ptr<Listener>> open(UvNetwork& network,
                                                              const Endpoint& endpoint,
                                                              const ListenOptions& options,
                                                              AcceptHandler on_accept);
  ~UvListener() override;

  void stop() override;
  // Has others accept for the workers that are stuck now, and for nobody else. Any thread.
  void rearrange();

 private:
  struct Shared;
  struct Port;
  struct Seat;
  class Acceptor;

  explicit UvListener(UvNetwork& network) : network_(network) {}
  [[nodiscard]] Result<> open_ports(const Address& wanted, const ListenOptions& options);
  [[nodiscard]] Result<> open_unix(const std::string& host, const ListenOptions& options);
  void start_accepting();
  std::shared_ptr<Seat> seat_acceptor(const std::shared_ptr<Port>& port, std::uint16_t worker);
  static void end_acceptor(actor::Worker& worker, std::shared_ptr<Seat> seat);

  UvNetwork& network_;
  std::mutex mutex_;
  std::string unix_path_;  // removed by stop(); empty: a port
  std::shared_ptr<Shared> shared_;
  std::vector<std::shared_ptr<Port>> ports_;
};

}  // namespace gatehouse::net
