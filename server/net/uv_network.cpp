#include "net/uv_network.hpp"

#include "base/assert.hpp"
#include "base/signals.hpp"
#include "net/connect.hpp"
#include "net/descriptor_transport.hpp"
#include "net/tcp_transport.hpp"
#include "net/uv_listener.hpp"
#include "net/uv_udp.hpp"

namespace gatehouse::net {

UvNetwork::UvNetwork(actor::System& system) : system_(system) {
  ignore_sigpipe();
  system.on_stuck([this](std::uint16_t, bool) {
    std::lock_guard lock(listeners_mutex_);
    for (UvListener* listener : listeners_) listener->rearrange();
  });
}

UvNetwork::~UvNetwork() {
  system_.stop();
}

void UvNetwork::add_listener(UvListener& listener) {
  std::lock_guard lock(listeners_mutex_);
  listeners_.push_back(&listener);
  listener.rearrange();
}

void UvNetwork::remove_listener(UvListener& listener) {
  std::lock_guard lock(listeners_mutex_);
  std::erase(listeners_, &listener);
}

actor::System::LoopFactory UvNetwork::loop_factory() {
  return [this](actor::Worker& worker) -> std::unique_ptr<actor::Loop> {
    auto loop = std::make_unique<UvLoop>(worker, system_.metrics());
    loops_[worker.index()].store(loop.get(), std::memory_order_release);
    return loop;
  };
}

UvLoop& UvNetwork::loop(std::uint16_t worker) const {
  UvLoop* loop = loops_[worker].load(std::memory_order_acquire);
  GATEHOUSE_ASSERT(loop != nullptr);
  return *loop;
}

UvLoop& UvNetwork::here() const {
  const actor::Worker* worker = actor::Worker::current();
  GATEHOUSE_ASSERT(worker != nullptr && &worker->system() == &system_);
  return loop(worker->index());
}

TransportSet& UvNetwork::transports(std::uint16_t worker) {
  return loop(worker).transports();
}

Result<std::unique_ptr<Listener>> UvNetwork::listen(const Endpoint& endpoint,
                                                    const ListenOptions& options,
                                                    AcceptHandler on_accept) {
  return UvListener::open(*this, endpoint, options, std::move(on_accept));
}

void UvNetwork::connect(const Endpoint& endpoint, std::uint32_t timeout_ms,
                        ConnectCallback callback) {
  connect_tcp(here(), endpoint, timeout_ms,
              [callback = std::move(callback)](Result<Socket> socket) mutable {
                if (!socket) return callback(tl::unexpected<Error>(socket.error()));
                callback(std::make_unique<TcpTransport>(std::move(*socket)));
              });
}

void UvNetwork::resolve(const std::string& host, ResolveCallback callback) {
  net::resolve(here(), host, std::move(callback));
}

Result<UdpSocket*> UvNetwork::open_udp(const Address& local, UdpHandler& handler) {
  return net::open_udp(here(), local, handler);
}

Result<Transport*> UvNetwork::open_descriptor(int descriptor, TransportHandler& handler) {
  return net::open_descriptor(here(), descriptor, handler);
}

}  // namespace gatehouse::net
