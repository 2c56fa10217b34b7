#include "sockets/lua_udp.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "sockets/socket_event.hpp"

namespace gatehouse::sockets {
namespace {

constexpr char kV4 = 1;
constexpr char kV6 = 2;
// What a datagram costs besides its bytes.
constexpr std::size_t kOverheadBytes = 128;
constexpr const char* kDroppedHelp = "Datagrams of Lua services that were thrown away";

}  // namespace

std::string pack_udp_address(const net::Address& address) {
  std::string text(3, address.is_v6() ? kV6 : kV4);
  store_be16(text.data() + 1, address.port());
  const auto* bytes = reinterpret_cast<const char*>(address.bytes().data());
  text.append(address.is_v6() ? bytes : bytes + 12, address.is_v6() ? 16 : 4);
  return text;
}

Result<net::Address> unpack_udp_address(std::string_view bytes) {
  if (bytes.size() == 7 && bytes[0] == kV4) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(load_be16(bytes.data() + 1));
    std::memcpy(&v4.sin_addr, bytes.data() + 3, 4);
    return net::Address::from(reinterpret_cast<const sockaddr&>(v4));
  }
  if (bytes.size() == 19 && bytes[0] == kV6) {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(load_be16(bytes.data() + 1));
    std::memcpy(&v6.sin6_addr, bytes.data() + 3, 16);
    return net::Address::from(reinterpret_cast<const sockaddr&>(v6));
  }
  return fail(Errc::kInvalid, "Invalid udp address");
}

LuaUdp::LuaUdp(actor::System& system, std::uint32_t id, ServiceId owner,
               std::shared_ptr<SocketCounters> counters)
    : system_(system),
      dropped_in_(system.metrics().counter("udp_dropped", "way=\"in\"", kDroppedHelp)),
      dropped_out_(system.metrics().counter("udp_dropped", "way=\"out\"", kDroppedHelp)),
      id_(id),
      owner_(owner),
      counters_(std::move(counters)) {}

LuaUdp::~LuaUdp() {
  if (socket_ != nullptr) socket_->close();
}

Result<> LuaUdp::open(net::Network& network, const net::Address& local) {
  GATEHOUSE_ASSERT(socket_ == nullptr);
  auto opened = network.open_udp(local, *this);
  if (!opened) return tl::unexpected(opened.error());
  socket_ = *opened;
  counters_->reading = true;
  return {};
}

net::Address LuaUdp::local() const {
  return socket_ == nullptr ? net::Address() : socket_->local();
}

bool LuaUdp::send(const std::optional<net::Address>& to, std::string_view bytes) {
  const net::Address& address = to ? *to : peer_;
  if (socket_ == nullptr || !address.known() || !socket_->send(address, bytes)) {
    dropped_out_.add();
    return false;
  }
  counters_->count_written(bytes.size(), system_.now_cs());
  return true;
}

void LuaUdp::taken(std::size_t bytes) {
  // A script may have made the message itself.
  pending_bytes_ -= std::min(pending_bytes_, bytes + kOverheadBytes);
}

void LuaUdp::on_datagram(net::UdpSocket&, const net::Address& from, std::string_view bytes) {
  const std::size_t cost = bytes.size() + kOverheadBytes;
  if (pending_bytes_ + cost > kPendingBytesMax) {
    dropped_in_.add();
    return;
  }
  const std::string address = pack_udp_address(from);
  const auto sent = send_socket_event(
      system_, owner_, {SocketEventType::kDatagram, id_, static_cast<std::int64_t>(address.size())},
      address, bytes);
  if (sent != actor::SendResult::kQueued) {
    dropped_in_.add();
    return;
  }
  pending_bytes_ += cost;
  GATEHOUSE_ASSERT(pending_bytes_ <= kPendingBytesMax);
  counters_->count_read(bytes.size(), system_.now_cs());
}

void LuaUdp::on_udp_closed(net::UdpSocket&) {
  socket_ = nullptr;
}

}  // namespace gatehouse::sockets
