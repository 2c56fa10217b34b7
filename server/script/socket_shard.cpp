#include "script/socket_shard.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "net/descriptor_stream.hpp"
#include "net/tcp.hpp"
#include "net/uv_loop.hpp"
#include "script/socket_table.hpp"

namespace gatehouse::script {

SocketShard::SocketShard(SocketTable& table, actor::Worker& worker)
    : table_(table), worker_(worker) {
  // After the loop's own hook, so that the output of a turn has left when on_turn_end() looks.
  worker_.add_turn_end_hook(this);
}

LuaSocket* SocketShard::find(std::uint32_t id) const {
  const auto it = sockets_.find(id);
  return it == sockets_.end() ? nullptr : it->second.get();
}

LuaSocket& SocketShard::open(std::uint32_t id, ServiceId owner,
                             std::shared_ptr<SocketCounters> counters, ParkedSocket parked) {
  auto owned = std::make_unique<LuaSocket>(*this, id, owner, std::move(counters));
  LuaSocket& socket = *owned;
  const bool added = sockets_.emplace(id, std::move(owned)).second;
  GATEHOUSE_ASSERT(added);
  net::Stream* stream = nullptr;
  net::UvLoop* loop = net::UvLoop::current();
  if (parked.socket.is_open() && loop != nullptr) {
    // A failure leaves a socket at its end.
    if (auto opened = net::open_tcp(*loop, std::move(parked.socket), socket)) stream = *opened;
  }
  socket.open(stream, std::move(parked.unread));
  if (!owner) socket.pause();
  return socket;
}

Result<> SocketShard::open_descriptor(std::uint32_t id, ServiceId owner,
                                      std::shared_ptr<SocketCounters> counters, int descriptor) {
  auto socket = std::make_unique<LuaSocket>(*this, id, owner, std::move(counters));
  auto opened = net::open_descriptor(*net::UvLoop::current(), descriptor, *socket);
  if (!opened) return tl::unexpected(opened.error());
  socket->open(*opened, {});
  sockets_.emplace(id, std::move(socket));
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
  auto opened = socket->open(*net::UvLoop::current(), local);
  if (opened) udp_.emplace(id, std::move(socket));
  return opened;
}

void SocketShard::remove_udp(std::uint32_t id) {
  udp_.erase(id);
  table_.forget(id);
}

void SocketShard::remove(LuaSocket& socket) {
  const std::uint32_t id = socket.id();
  sockets_.erase(id);
  table_.forget(id);
}

ParkedSocket SocketShard::take(LuaSocket& socket) {
  ParkedSocket parked = socket.park();
  sockets_.erase(socket.id());
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

}  // namespace gatehouse::script
