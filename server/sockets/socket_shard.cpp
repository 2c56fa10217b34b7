#include "sockets/socket_shard.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "sockets/socket_table.hpp"

namespace gatehouse::sockets {

SocketShard::SocketShard(SocketTable& table, net::Network& network, actor::Worker& worker)
    : table_(table), network_(network), worker_(worker) {
  // After the hook of the transports, so that a turn's output has left when on_turn_end() looks.
  worker_.add_turn_end_hook(this);
}

LuaSocket* SocketShard::find(std::uint32_t id) const {
  GATEHOUSE_ASSERT(actor::Worker::current() == &worker_);
  const auto it = sockets_.find(id);
  return it == sockets_.end() ? nullptr : it->second.get();
}

LuaSocket& SocketShard::open(std::uint32_t id, ServiceId owner,
                             std::shared_ptr<SocketCounters> counters, ParkedSocket parked) {
  auto owned = std::make_unique<LuaSocket>(*this, id, owner, std::move(counters));
  LuaSocket& socket = *owned;
  const bool added = sockets_.emplace(id, std::move(owned)).second;
  GATEHOUSE_ASSERT(added);
  net::Transport* transport = nullptr;
  if (parked.transport != nullptr) {
    // A failure leaves a socket at its end.
    net::TransportSet& here = network_.transports(worker_.index());
    if (auto attached = here.attach(std::move(parked.transport), socket)) transport = *attached;
  }
  socket.open(transport, std::move(parked.unread));
  if (!owner) socket.pause();
  return socket;
}

Result<> SocketShard::open_descriptor(std::uint32_t id, ServiceId owner,
                                      std::shared_ptr<SocketCounters> counters, int descriptor) {
  auto socket = std::make_unique<LuaSocket>(*this, id, owner, std::move(counters));
  auto opened = network_.open_descriptor(descriptor, *socket);
  if (!opened) return tl::unexpected(opened.error());
  socket->open(*opened, {});
  const bool added = sockets_.emplace(id, std::move(socket)).second;
  GATEHOUSE_ASSERT(added);
  return {};
}

LuaUdp* SocketShard::find_udp(std::uint32_t id) const {
  const auto it = udp_.find(id);
  return it == udp_.end() ? nullptr : it->second.get();
}

Result<> SocketShard::open_udp(std::uint32_t id, ServiceId owner,
                               std::shared_ptr<SocketCounters> counters,
                               const net::Address& local) {
  auto socket = std::make_unique<LuaUdp>(system(), id, owner, std::move(counters));
  auto opened = socket->open(network_, local);
  if (!opened) return opened;
  const bool added = udp_.emplace(id, std::move(socket)).second;
  GATEHOUSE_ASSERT(added);
  return opened;
}

void SocketShard::remove_udp(std::uint32_t id) {
  const std::size_t erased = udp_.erase(id);
  GATEHOUSE_ASSERT(erased == 1);
  table_.forget(id);
}

void SocketShard::remove(LuaSocket& socket) {
  const std::uint32_t id = socket.id();
  const std::size_t erased = sockets_.erase(id);
  GATEHOUSE_ASSERT(erased == 1);
  table_.forget(id);
}

ParkedSocket SocketShard::take(LuaSocket& socket) {
  ParkedSocket parked = socket.park();
  const std::size_t erased = sockets_.erase(socket.id());
  GATEHOUSE_ASSERT(erased == 1);
  return parked;
}

void SocketShard::watch(LuaSocket& socket) {
  if (watched_.empty() || watched_.back() != socket.id()) watched_.push_back(socket.id());
}

void SocketShard::on_end(LuaSocket& socket) {
  if (!socket.owner() && socket.unread().empty()) remove(socket);
}

void SocketShard::on_turn_end() {
  if (watched_.empty()) return;
  std::sort(watched_.begin(), watched_.end());
  watched_.erase(std::unique(watched_.begin(), watched_.end()), watched_.end());
  std::erase_if(watched_, [this](std::uint32_t id) {
    LuaSocket* socket = find(id);
    if (socket == nullptr) return true;
    const bool done = !socket->on_turn_end();
    if (done && socket->is_closed()) on_end(*socket);
    return done;
  });
}

}  // namespace gatehouse::sockets
