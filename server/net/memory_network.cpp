#include "net/memory_network.hpp"

#include <fmt/format.h>

#include <atomic>
#include <utility>

#include "base/assert.hpp"

namespace gatehouse::net {
namespace {

class MemoryLoop final : public actor::Loop {
 public:
  explicit MemoryLoop(TransportSet& set) : set_(set), loop_(actor::make_condvar_loop()) {}
  void run(actor::Worker& worker) override {
    loop_->run(worker);
    set_.end();
  }
  void wake() override { loop_->wake(); }

 private:
  TransportSet& set_;
  const std::unique_ptr<actor::Loop> loop_;
};

}  // namespace

// Where connections are accepted, as long as somebody may come.
struct MemoryNetwork::Accepting {
  std::atomic<bool> stopped{false};
  std::optional<std::uint16_t> worker;  // none: one after the other
  std::atomic<std::uint32_t> accepted{0};
  AcceptHandler on_accept;
};

class MemoryNetwork::Door final : public Listener {
 public:
  Door(MemoryNetwork& network, const Address& address, std::shared_ptr<Accepting> accepting)
      : network_(network), accepting_(std::move(accepting)) {
    address_ = address;
  }
  ~Door() override { stop(); }
  void stop() override {
    if (!accepting_->stopped.exchange(true)) network_.remove(*this);
  }

 private:
  MemoryNetwork& network_;
  const std::shared_ptr<Accepting> accepting_;
};

MemoryNetwork::~MemoryNetwork() {
  GATEHOUSE_ASSERT(listeners_.empty());
}

actor::System::LoopFactory MemoryNetwork::loop_factory() {
  return [this](actor::Worker& worker) -> std::unique_ptr<actor::Loop> {
    add_worker(worker);
    return std::make_unique<MemoryLoop>(*sets_[worker.index()]);
  };
}

void MemoryNetwork::add_worker(actor::Worker& worker) {
  sets_[worker.index()] = std::make_unique<TransportSet>(worker, system_.metrics());
}

TransportSet& MemoryNetwork::transports(std::uint16_t worker) {
  GATEHOUSE_ASSERT(sets_[worker] != nullptr);
  return *sets_[worker];
}

void MemoryNetwork::set_host(const std::string& name, std::vector<std::string> addresses) {
  std::lock_guard lock(mutex_);
  hosts_[name] = std::move(addresses);
}

Result<std::vector<std::string>> MemoryNetwork::look_up(const std::string& host) {
  if (const auto numeric = Address::from(host, 0)) return std::vector{numeric->ip()};
  std::lock_guard lock(mutex_);
  const auto found = hosts_.find(host);
  if (found == hosts_.end() || found->second.empty()) {
    return fail(Errc::kNotFound, fmt::format("cannot resolve \"{}\"", host));
  }
  return found->second;
}

Result<std::unique_ptr<Listener>> MemoryNetwork::listen(const Endpoint& endpoint,
                                                        const ListenOptions& options,
                                                        AcceptHandler on_accept) {
  const auto addresses = look_up(endpoint.host);
  if (!addresses) {
    return fail(Errc::kInvalid, fmt::format("cannot listen on {}", endpoint.to_string()));
  }
  std::lock_guard lock(mutex_);
  std::uint16_t port = endpoint.port;
  auto address = Address::from(addresses->front(), port).value();
  while (port == 0) {
    address = Address::from(addresses->front(), next_port_++).value();
    if (!listeners_.contains(address.to_string())) port = address.port();
  }
  auto accepting = std::make_shared<Accepting>();
  accepting->worker = options.worker;
  accepting->on_accept = std::move(on_accept);
  if (!listeners_.try_emplace(address.to_string(), accepting).second) {
    return fail(Errc::kExists,
                fmt::format("cannot listen on {}: address already in use", address.to_string()));
  }
  return std::make_unique<Door>(*this, address, std::move(accepting));
}

void MemoryNetwork::remove(const Door& door) {
  std::lock_guard lock(mutex_);
  listeners_.erase(door.address().to_string());
}

Result<std::unique_ptr<MemoryTransport>> MemoryNetwork::dial(const Address& source,
                                                             const Address& to) {
  std::shared_ptr<Accepting> accepting;
  {
    std::lock_guard lock(mutex_);
    const auto found = listeners_.find(to.to_string());
    if (found != listeners_.end()) accepting = found->second;
  }
  if (accepting == nullptr) {
    return fail(Errc::kUnavailable,
                fmt::format("cannot connect to {}: Connection refused", to.to_string()));
  }
  auto [client, server] = MemoryTransport::make_pair(source, to);
  if (on_link_) on_link_(Endpoint{to.ip(), to.port()}, client->link());
  const std::uint32_t turn = accepting->accepted.fetch_add(1);
  TransportSet& set = transports(
      accepting->worker.value_or(static_cast<std::uint16_t>(turn % system_.worker_count())));
  set.worker().post([&set, accepting, end = std::move(server)]() mutable {
    if (!accepting->stopped.load()) accepting->on_accept(set, std::move(end));
  });
  return std::move(client);
}

void MemoryNetwork::connect(const Endpoint& endpoint, std::uint32_t, ConnectCallback callback) {
  actor::Worker* worker = actor::Worker::current();
  if (transports(worker->index()).ending()) {
    return callback(fail(Errc::kClosed, "the worker is ending"));
  }
  Result<std::unique_ptr<Transport>> result;
  const auto addresses = look_up(endpoint.host);
  if (addresses) {
    const auto to = Address::from(addresses->front(), endpoint.port).value();
    std::uint16_t port = 0;
    {
      std::lock_guard lock(mutex_);
      port = next_source_port_++;
      if (next_source_port_ == 0) next_source_port_ = 32'768;
    }
    auto dialled = dial(Address::from("127.0.0.1", port).value(), to);
    if (dialled) {
      result = std::move(*dialled);
    } else {
      result = tl::unexpected(dialled.error());
    }
  } else {
    result = tl::unexpected(addresses.error());
  }
  worker->post([callback = std::move(callback), result = std::move(result)]() mutable {
    callback(std::move(result));
  });
}

void MemoryNetwork::resolve(const std::string& host, ResolveCallback callback) {
  actor::Worker* worker = actor::Worker::current();
  if (transports(worker->index()).ending()) {
    return callback(fail(Errc::kClosed, "the worker is ending"));
  }
  worker->post([callback = std::move(callback), result = look_up(host)]() mutable {
    callback(std::move(result));
  });
}

Result<UdpSocket*> MemoryNetwork::open_udp(const Address&, UdpHandler&) {
  return fail(Errc::kUnavailable, "no datagrams in this network");
}

Result<Transport*> MemoryNetwork::open_descriptor(int, TransportHandler&) {
  return fail(Errc::kUnavailable, "no descriptors in this network");
}

}  // namespace gatehouse::net
