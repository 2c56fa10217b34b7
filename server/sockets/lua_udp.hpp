// A UDP socket of a Lua service (docs/skynet-rules.md 1.3): datagrams become messages to its owner.
// Lives in the shard of the owner's worker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "actor/system.hpp"
#include "net/network.hpp"
#include "sockets/socket_counters.hpp"

namespace gatehouse::sockets {

// An address as scripts see it, the `from` of a datagram: 1 for IPv4 or 2 for IPv6, the port and
// the address in network order, 7 or 19 bytes.
[[nodiscard]] std::string pack_udp_address(const net::Address& address);
// kInvalid: "Invalid udp address".
[[nodiscard]] Result<net::Address> unpack_udp_address(std::string_view bytes);

class LuaUdp final : public net::UdpHandler {
 public:
  // Datagrams that the owner has not taken yet, with their headers; those beyond are dropped
  // and counted. So a flood never fills the mailbox that others write to.
  static constexpr std::size_t kPendingBytesMax = 4u << 20;

  LuaUdp(actor::System& system, std::uint32_t id, ServiceId owner,
         std::shared_ptr<SocketCounters> counters);
  ~LuaUdp() override;
  LuaUdp(const LuaUdp&) = delete;
  LuaUdp& operator=(const LuaUdp&) = delete;

  [[nodiscard]] ServiceId owner() const { return owner_; }
  // Errors: as net::Network::open_udp().
  [[nodiscard]] Result<> open(net::Network& network, const net::Address& local);
  [[nodiscard]] net::Address local() const;
  // Where send() without an address goes.
  void set_peer(const net::Address& peer) { peer_ = peer; }
  // False: it has no such peer, or the system refused; then the datagram is counted as dropped.
  bool send(const std::optional<net::Address>& to, std::string_view bytes);
  // The owner has taken a datagram of so many bytes.
  void taken(std::size_t bytes);

  // net::UdpHandler
  void on_datagram(net::UdpSocket& socket, const net::Address& from,
                   std::string_view bytes) override;
  void on_udp_closed(net::UdpSocket& socket) override;

 private:
  actor::System& system_;
  Metric& dropped_in_;
  Metric& dropped_out_;
  const std::uint32_t id_;
  const ServiceId owner_;
  const std::shared_ptr<SocketCounters> counters_;
  net::UdpSocket* socket_ = nullptr;  // null: not open, or its loop ended
  net::Address peer_;
  std::size_t pending_bytes_ = 0;
};

}  // namespace gatehouse::sockets
