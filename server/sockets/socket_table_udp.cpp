// The part of SocketTable that is about UDP and descriptors.
#include "sockets/socket_table.hpp"

namespace gatehouse::sockets {

Result<std::pair<std::uint32_t, std::shared_ptr<SocketCounters>>> SocketTable::add_here(
    State state, Kind kind, ServiceId owner) {
  std::lock_guard lock(mutex_);
  const auto id = add(state, owner);
  if (!id) return tl::unexpected(id.error());
  Entry& e = *entry(*id);
  e.kind = kind;
  e.worker = actor::Worker::current()->index();
  return std::pair(*id, e.counters);
}

Result<std::uint32_t> SocketTable::bind(ServiceId owner, int descriptor) {
  auto added = add_here(State::kOpen, Kind::kBound, owner);
  if (!added) return tl::unexpected(added.error());
  const auto [id, counters] = *added;
  if (auto opened = shard().open_descriptor(id, owner, counters, descriptor); !opened) {
    forget(id);
    return tl::unexpected(opened.error());
  }
  return id;
}

Result<std::uint32_t> SocketTable::open_udp(ServiceId owner, const net::Address& local) {
  auto added = add_here(State::kUdp, Kind::kUdp, owner);
  if (!added) return tl::unexpected(added.error());
  const auto [id, counters] = *added;
  SocketShard& here = shard();
  if (auto opened = here.open_udp(id, owner, counters, local); !opened) {
    forget(id);
    return tl::unexpected(opened.error());
  }
  std::lock_guard lock(mutex_);
  entry(id)->address = here.find_udp(id)->local();  // only this worker ends it
  return id;
}

Result<> SocketTable::connect_udp(std::uint32_t id, ServiceId owner, const net::Address& peer) {
  LuaUdp* udp = shard().find_udp(id);
  if (udp == nullptr || udp->owner() != owner) {
    return fail(Errc::kNotFound, "not a UDP socket of this service");
  }
  if (peer.is_v6() && !udp->local().is_v6()) {
    return fail(Errc::kInvalid, "an IPv4 socket cannot send to an IPv6 address");
  }
  udp->set_peer(peer);
  std::lock_guard lock(mutex_);
  entry(id)->udp_peer = peer;
  return {};
}

bool SocketTable::send_udp(std::uint32_t id, const net::Address& to, std::string_view bytes) {
  if (LuaUdp* udp = shard().find_udp(id)) return udp->send(to, bytes);
  std::lock_guard lock(mutex_);
  Entry* e = entry(id);
  if (e == nullptr || e->state != State::kUdp) return false;
  const std::uint16_t worker = e->worker;
  if (worker == actor::Worker::current()->index()) return false;
  system_.worker(worker).post([this, id, to, text = std::string(bytes)] {
    if (LuaUdp* udp = shard().find_udp(id)) udp->send(to, text);
  });
  return true;
}

void SocketTable::taken_udp(std::uint32_t id, ServiceId owner, std::size_t bytes) {
  LuaUdp* udp = shard().find_udp(id);
  if (udp != nullptr && udp->owner() == owner) udp->taken(bytes);
}

void SocketTable::end_udp(LuaUdp& socket, std::uint32_t id) {
  const ServiceId owner = socket.owner();
  shard().remove_udp(id);
  send_socket_event(system_, owner, {SocketEventType::kClose, id, 0});
}

}  // namespace gatehouse::sockets
