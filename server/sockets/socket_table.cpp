#include "sockets/socket_table.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace gatehouse::sockets {
namespace {

constexpr std::uint32_t kConnectTimeoutMs = 60'000;
constexpr std::uint32_t kIdMax = INT32_MAX;

// The system's words alone: "Connection refused" (docs/skynet-rules.md 1.3).
std::string connect_error_text(const Error& error, const net::Endpoint& endpoint) {
  if (error.code == Errc::kNotFound) return "Name or service not known";
  if (error.code == Errc::kTimeout) return "Connection timed out";
  const std::string prefix = "cannot connect to " + endpoint.to_string() + ": ";
  return error.message.starts_with(prefix) ? error.message.substr(prefix.size()) : error.message;
}

}  // namespace

SocketTable::SocketTable(actor::System& system, net::Network* network)
    : system_(system), network_(network) {}
SocketTable::~SocketTable() = default;

SocketShard& SocketTable::shard() {
  actor::Worker* worker = actor::Worker::current();
  GATEHOUSE_ASSERT(worker != nullptr && network_ != nullptr);
  auto& shard = shards_[worker->index()];
  if (shard == nullptr) shard = std::make_unique<SocketShard>(*this, *network_, *worker);
  return *shard;
}

// --- The table itself, with the mutex held

Result<std::uint32_t> SocketTable::add(State state, ServiceId owner) {
  if (entries_.size() >= system_.limits().sockets_max) {
    return fail(Errc::kFull, "too many sockets are open");
  }
  do {
    last_id_ = last_id_ == kIdMax ? 1 : last_id_ + 1;
  } while (entries_.contains(last_id_));
  Entry& e = entries_[last_id_];
  GATEHOUSE_ASSERT(last_id_ != 0 && !e.owner);
  e.state = state;
  count_.store(entries_.size(), std::memory_order_relaxed);
  give(last_id_, e, owner);
  return last_id_;
}

SocketTable::Entry* SocketTable::entry(std::uint32_t id) {
  const auto it = entries_.find(id);
  return it == entries_.end() ? nullptr : &it->second;
}

void SocketTable::give(std::uint32_t id, Entry& e, ServiceId owner) {
  if (e.owner) {
    const std::size_t erased = owned_.erase({e.owner.value, id});
    GATEHOUSE_ASSERT(erased == 1);
  }
  e.owner = owner;
  if (!owner) return;
  const bool fresh = owned_.insert({owner.value, id}).second;
  GATEHOUSE_ASSERT(fresh);
}

void SocketTable::erase(std::uint32_t id) {
  if (Entry* e = entry(id)) {
    give(id, *e, {});
    entries_.erase(id);
    count_.store(entries_.size(), std::memory_order_relaxed);
  }
}

void SocketTable::forget(std::uint32_t id) {
  std::lock_guard lock(mutex_);
  erase(id);
}

// --- Listeners

Result<SocketTable::Listening> SocketTable::listen(ServiceId owner, const net::Endpoint& endpoint,
                                                   int backlog) {
  std::uint32_t id = 0;
  {
    std::lock_guard lock(mutex_);
    auto added = add(State::kListening, owner);
    if (!added) return tl::unexpected(added.error());
    id = *added;
  }
  net::ListenOptions options;
  options.backlog = backlog;
  options.worker = actor::Worker::current()->index();
  auto listener = network_->listen(
      endpoint, options, [this, id](net::TransportSet&, std::unique_ptr<net::Transport> transport) {
        on_accept(id, std::move(transport));
      });
  std::lock_guard lock(mutex_);
  if (!listener) {
    erase(id);
    return tl::unexpected(listener.error());
  }
  Entry* e = entry(id);
  if (e == nullptr) return fail(Errc::kClosed, "closed by another service");
  GATEHOUSE_ASSERT(e->state == State::kListening && e->listener == nullptr);
  e->kind = Kind::kListener;
  e->address = (*listener)->address();
  e->listener = std::move(*listener);
  return Listening{id, e->address};
}

void SocketTable::on_accept(std::uint32_t listener_id, std::unique_ptr<net::Transport> transport) {
  ServiceId owner;
  std::uint32_t id = 0;
  bool started = false;
  {
    std::lock_guard lock(mutex_);
    Entry* listener = entry(listener_id);
    if (listener == nullptr) return;
    GATEHOUSE_ASSERT(listener->state == State::kListening);
    owner = listener->owner;
    started = listener->started;
    const auto added = add(State::kParked, owner);
    if (!added) return;  // the table is full: the connection ends
    id = *added;
    Entry& e = *entry(id);
    e.address = transport->peer();
    e.parked.transport = std::move(transport);
    ++listener->accepted;
    listener->counters->read_cs = system_.now_cs();
    if (!started) listener->waiting.push_back(id);
  }
  if (started) announce(owner, listener_id, id);
}

void SocketTable::announce(ServiceId owner, std::uint32_t listener_id, std::uint32_t id) {
  std::string peer;
  {
    std::lock_guard lock(mutex_);
    Entry* e = entry(id);
    if (e == nullptr) return;
    peer = e->address.to_string();
  }
  const auto sent = send_socket_event(
      system_, owner, {SocketEventType::kAccept, listener_id, static_cast<std::int64_t>(id)}, peer);
  // A service that cannot take one more message cannot take one more connection.
  if (sent != actor::SendResult::kQueued) close(id, true);
}

// --- Connections

Result<std::uint32_t> SocketTable::connect(ServiceId owner, const net::Endpoint& endpoint) {
  std::uint32_t id = 0;
  {
    std::lock_guard lock(mutex_);
    auto added = add(State::kConnecting, owner);
    if (!added) return added;
    id = *added;
  }
  network_->connect(endpoint, kConnectTimeoutMs,
                    [this, id, endpoint](Result<std::unique_ptr<net::Transport>> result) {
                      on_connected(id, endpoint, std::move(result));
                    });
  return id;
}

void SocketTable::on_connected(std::uint32_t id, const net::Endpoint& endpoint,
                               Result<std::unique_ptr<net::Transport>> result) {
  ServiceId owner;
  std::shared_ptr<SocketCounters> counters;
  {
    std::lock_guard lock(mutex_);
    Entry* e = entry(id);
    if (e == nullptr) return;  // its service ended
    GATEHOUSE_ASSERT(e->state == State::kConnecting && e->owner);
    owner = e->owner;
    counters = e->counters;
    if (result) {
      e->state = State::kOpen;
      e->worker = actor::Worker::current()->index();
      e->address = (*result)->peer();
    } else {
      erase(id);
    }
  }
  if (result) {
    const std::string peer = (*result)->peer().to_string();
    shard().open(id, owner, std::move(counters), {std::move(*result), {}});
    send_socket_event(system_, owner, {SocketEventType::kOpen, id, 0}, peer);
  } else {
    send_socket_event(system_, owner, {SocketEventType::kError, id, 0},
                      connect_error_text(result.error(), endpoint));
  }
}

Result<SocketTable::Started> SocketTable::start(std::uint32_t id, ServiceId owner) {
  SocketShard& here = shard();
  LuaSocket* socket = here.find(id);
  ParkedSocket parked;
  std::shared_ptr<SocketCounters> counters;
  {
    std::unique_lock lock(mutex_);
    Entry* e = entry(id);
    if (e == nullptr || e->state == State::kConnecting || e->state == State::kUdp) {
      return fail(Errc::kNotFound, "invalid socket");
    }
    if (e->state == State::kListening) {
      std::vector<std::uint32_t> waiting = std::move(e->waiting);
      e->waiting.clear();
      e->started = true;
      give(id, *e, owner);
      lock.unlock();
      for (const std::uint32_t accepted : waiting) announce(owner, id, accepted);
      return Started::kYes;
    }
    if (e->state == State::kOpen) {
      if (e->owner && e->owner != owner) return fail(Errc::kDenied, "socket of another service");
      if (socket == nullptr) {
        const std::uint16_t from = e->worker;
        lock.unlock();
        fetch(id, from, owner);
        return Started::kLater;
      }
    } else {
      parked = std::exchange(e->parked, ParkedSocket{});
      e->state = State::kOpen;
      e->worker = here.worker().index();
    }
    counters = e->counters;
    give(id, *e, owner);
  }
  if (socket == nullptr) {
    here.open(id, owner, std::move(counters), std::move(parked));
  } else {
    socket->set_owner(owner);
    socket->resume();
  }
  return Started::kYes;
}

void SocketTable::fetch(std::uint32_t id, std::uint16_t from, ServiceId for_service) {
  system_.worker(from).post([this, id, for_service] {
    SocketShard& here = shard();
    LuaSocket* socket = here.find(id);
    if (socket != nullptr && !socket->owner()) {
      ParkedSocket parked = here.take(*socket);
      std::lock_guard lock(mutex_);
      Entry* e = entry(id);
      GATEHOUSE_ASSERT(e != nullptr && e->state == State::kOpen && !e->owner);
      e->state = State::kParked;
      e->parked = std::move(parked);
    }
    send_socket_event(system_, for_service, {SocketEventType::kReady, id, 0});
  });
}

void SocketTable::abandon(std::uint32_t id, ServiceId owner) {
  LuaSocket* socket = find(id, owner);
  if (socket == nullptr) return;
  {
    std::lock_guard lock(mutex_);
    if (Entry* e = entry(id)) give(id, *e, {});
  }
  socket->set_owner({});
  socket->wait_for(LuaSocket::Want::kNothing, 0, {});
  socket->pause();
  if (socket->is_closed()) shard().on_end(*socket);
}

bool SocketTable::write(std::uint32_t id, std::string_view bytes, bool low) {
  SocketShard& here = shard();
  if (LuaSocket* socket = here.find(id)) {
    return low ? socket->write_low(bytes) : socket->write(bytes);
  }
  if (LuaUdp* udp = here.find_udp(id)) return udp->send({}, bytes);
  ParkedSocket parked;
  std::shared_ptr<SocketCounters> counters;
  {
    std::lock_guard lock(mutex_);
    Entry* e = entry(id);
    if (e == nullptr) return false;
    if (e->state == State::kOpen || e->state == State::kUdp) {
      // From the start there: the connection may move on before the job runs.
      system_.worker(e->worker).post(
          [this, id, low, text = std::string(bytes)] { write(id, text, low); });
      return true;
    }
    if (e->state != State::kParked) return false;
    parked = std::exchange(e->parked, ParkedSocket{});
    e->state = State::kOpen;
    e->worker = here.worker().index();
    counters = e->counters;
    give(id, *e, {});
  }
  return here.open(id, {}, std::move(counters), std::move(parked)).write(bytes);
}

bool SocketTable::close(std::uint32_t id, bool at_once) {
  SocketShard& here = shard();
  if (LuaSocket* socket = here.find(id)) {
    if (!socket->owner()) {
      socket->release(at_once);
      here.remove(*socket);
    } else if (at_once) {
      socket->shutdown();
    } else {
      socket->close();
    }
    return true;
  }
  if (LuaUdp* udp = here.find_udp(id)) {
    end_udp(*udp, id);
    return true;
  }
  std::vector<Entry> closing;  // destroyed without the mutex
  std::unique_lock lock(mutex_);
  Entry* e = entry(id);
  if (e == nullptr) return false;
  if (e->state == State::kOpen || e->state == State::kUdp) {
    system_.worker(e->worker).post([this, id, at_once] { close(id, at_once); });
    return true;
  }
  const ServiceId owner = e->state == State::kConnecting ? ServiceId{} : e->owner;
  give(id, *e, {});
  for (const std::uint32_t waiting : e->waiting) {
    if (Entry* accepted = entry(waiting)) {
      closing.push_back(std::move(*accepted));
      give(waiting, *accepted, {});
      entries_.erase(waiting);
    }
  }
  closing.push_back(std::move(*e));
  entries_.erase(id);
  count_.store(entries_.size(), std::memory_order_relaxed);
  lock.unlock();
  if (owner) send_socket_event(system_, owner, {SocketEventType::kClose, id, 0});
  return true;
}

void SocketTable::release(std::uint32_t id, ServiceId owner) {
  if (LuaSocket* socket = find(id, owner)) {
    socket->release(false);
    shard().remove(*socket);
  }
}

LuaSocket* SocketTable::find(std::uint32_t id, ServiceId owner) {
  LuaSocket* socket = shard().find(id);
  return socket != nullptr && socket->owner() == owner ? socket : nullptr;
}

void SocketTable::drop_service(ServiceId service) {
  if (count() == 0) return;
  std::vector<std::uint32_t> ids;
  {
    std::lock_guard lock(mutex_);
    for (auto it = owned_.lower_bound({service.value, 0});
         it != owned_.end() && it->first == service.value; ++it) {
      ids.push_back(it->second);
    }
  }
  for (const std::uint32_t id : ids) {
    if (find(id, service) != nullptr) {
      release(id, service);
    } else if (shard().find_udp(id) != nullptr) {
      shard().remove_udp(id);
    } else {
      close(id, true);
    }
  }
}

std::uint32_t SocketTable::resolve(ServiceId caller, const std::string& host) {
  std::uint32_t id = 0;
  {
    std::lock_guard lock(mutex_);
    id = last_id_ = last_id_ == kIdMax ? 1 : last_id_ + 1;
  }
  network_->resolve(host, [this, id, caller](Result<std::vector<std::string>> result) {
    std::string text;
    if (result) {
      for (const std::string& ip : *result) text += ip + "\n";
    } else {
      text = result.error().message;
    }
    const auto type = result ? SocketEventType::kResolved : SocketEventType::kError;
    send_socket_event(system_, caller, {type, id, 0}, text);
  });
  return id;
}

std::vector<SocketTable::Info> SocketTable::list() const {
  std::lock_guard lock(mutex_);
  std::vector<Info> list;
  for (const auto& [id, e] : entries_) {
    const bool at_local = e.kind == Kind::kListener || e.kind == Kind::kUdp;
    const net::Address& peer = e.kind == Kind::kUdp ? e.udp_peer : e.address;
    list.push_back({id, e.kind, e.owner, at_local ? e.address.to_string() : std::string(),
                    e.kind == Kind::kListener ? std::string() : peer.to_string(), e.accepted,
                    e.counters});
  }
  std::sort(list.begin(), list.end(), [](const Info& a, const Info& b) { return a.id < b.id; });
  return list;
}

}  // namespace gatehouse::sockets
