#include "net/uv_listener.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <shared_mutex>
#include <utility>

#include "actor/timer_wheel.hpp"
#include "base/assert.hpp"
#include "base/log.hpp"
#include "base/refused_metric.hpp"
#include "net/tcp_transport.hpp"
#include "net/unix_socket.hpp"
#include "net/uv.hpp"

namespace gatehouse::net {
namespace {

constexpr int kAcceptsPerEvent = 64;    // then the connections accepted get their turn
constexpr std::int64_t kRetryMs = 100;  // pause of a listener that the system starves
constexpr MonotonicMs kLogPeriodMs = 1'000;

int open_reserve() {
  return ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

tl::unexpected<Error> listen_error(const Address& address, int error) {
  Errc code = Errc::kIo;
  std::string_view why = std::strerror(error);
  if (error == EADDRINUSE) {
    code = Errc::kExists;
    why = "address already in use";
  } else if (error == EACCES) {
    code = Errc::kDenied;
  } else if (error == EADDRNOTAVAIL) {
    code = Errc::kInvalid;
  }
  return fail(code, fmt::format("cannot listen on {}: {}", address.to_string(), why));
}

Result<Address> look_up(const Endpoint& endpoint) {
  if (auto numeric = Address::from(endpoint.host, endpoint.port)) return numeric;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* list = nullptr;
  const int status =
      getaddrinfo(endpoint.host.c_str(), std::to_string(endpoint.port).c_str(), &hints, &list);
  if (status != 0) {
    return fail(Errc::kInvalid,
                fmt::format("cannot listen on {}: {}", endpoint.to_string(), gai_strerror(status)));
  }
  const Address address = Address::from(*list->ai_addr);
  freeaddrinfo(list);
  return address;
}

// A bound socket with the options that accepted sockets inherit from it.
Result<Socket> bind_port(const Address& address, bool reuse_port, std::uint32_t keepalive_idle_s) {
  sockaddr_storage storage;
  const socklen_t size = address.to_sockaddr(storage);
  Socket socket(::socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
                address);
  if (!socket.is_open()) return listen_error(address, errno);
  const int on = 1;
  const int idle_s = static_cast<int>(keepalive_idle_s);
  setsockopt(socket.descriptor(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(socket.descriptor(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  setsockopt(socket.descriptor(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(socket.descriptor(), IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
  if (reuse_port &&
      setsockopt(socket.descriptor(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) != 0) {
    return listen_error(address, errno);
  }
  if (::bind(socket.descriptor(), reinterpret_cast<const sockaddr*>(&storage), size) != 0) {
    return listen_error(address, errno);
  }
  return socket;
}

Address local_address(int descriptor) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  getsockname(descriptor, reinterpret_cast<sockaddr*>(&storage), &size);
  return Address::from(reinterpret_cast<const sockaddr&>(storage));
}

}  // namespace

// What all workers have in common.
struct UvListener::Shared {
  std::shared_mutex* accept_mutex = nullptr;  // the Network's
  AcceptHandler on_accept;
  std::atomic<bool> stopped{false};
  std::atomic<MonotonicMs> logged_at{-kLogPeriodMs};  // the last complaint about descriptors
};

// Where the acceptor of a port on one worker is found, on that worker's thread.
struct UvListener::Seat {
  Acceptor* acceptor = nullptr;
};

// One listening descriptor, open while the listener or an acceptor refers to it.
struct UvListener::Port {
  Socket socket;
  actor::Worker* worker = nullptr;
  std::shared_ptr<Seat> seat;
  // Another worker that accepts here while the first is stuck; the listener's mutex.
  actor::Worker* helper = nullptr;
  std::shared_ptr<Seat> helper_seat;
};

// Polls a port on its worker; owned by its libuv handle.
class UvListener::Acceptor final : public HandleOwner, private actor::Timer {
 public:
  static void start(UvLoop& loop, std::shared_ptr<Shared> shared, std::shared_ptr<Port> port,
                    std::shared_ptr<Seat> seat) {
    auto acceptor = std::unique_ptr<Acceptor>(
        new Acceptor(loop, std::move(shared), std::move(port), std::move(seat)));
    const int status =
        uv_poll_init(loop.uv(), &acceptor->poll_, acceptor->port_->socket.descriptor());
    GATEHOUSE_ASSERT(status == 0);
    acceptor->poll_.data = static_cast<HandleOwner*>(acceptor.get());
    acceptor->seat_->acceptor = acceptor.get();
    acceptor.release()->watch();
  }
  ~Acceptor() override {
    if (reserve_ >= 0) ::close(reserve_);
  }

  void close() {
    seat_->acceptor = nullptr;
    cancel();
    uv_close(as_handle(&poll_), [](uv_handle_t* handle) {
      delete static_cast<Acceptor*>(static_cast<HandleOwner*>(handle->data));
    });
  }

 private:
  Acceptor(UvLoop& loop, std::shared_ptr<Shared> shared, std::shared_ptr<Port> port,
           std::shared_ptr<Seat> seat)
      : loop_(loop),
        shared_(std::move(shared)),
        port_(std::move(port)),
        seat_(std::move(seat)),
        accepted_(loop.metrics().counter("connections_accepted", "", "Connections accepted")),
        refused_(refused_metric(loop.metrics(), "listener", "descriptors")),
        reserve_(open_reserve()) {}

  void on_loop_end() override { close(); }
  void fire() override { watch(); }

  void watch() {
    uv_poll_start(&poll_, UV_READABLE, [](uv_poll_t* handle, int, int) {
      auto& self = *static_cast<Acceptor*>(static_cast<HandleOwner*>(handle->data));
      self.loop_.enter();
      self.accept_some();
    });
  }
  // Out of descriptors or memory, with connections waiting: poll again later.
  void rest() {
    uv_poll_stop(&poll_);
    loop_.worker().timers().add(*this, loop_.worker().now() + kRetryMs);
  }

  void accept_some() {
    for (int i = 0; i < kAcceptsPerEvent; ++i) {
      if (shared_->stopped.load(std::memory_order_acquire)) return;
      Socket socket;
      int error = 0;
      {
        std::shared_lock lock(*shared_->accept_mutex);
        socket = accept_one();
        error = errno;
      }
      if (!socket.is_open()) {
        if (error == EAGAIN || error == EWOULDBLOCK) return;
        if (error == EMFILE || error == ENFILE) {
          if (!refuse_one()) return;
        } else if (error == ENOBUFS || error == ENOMEM || error == EINVAL) {
          return rest();
        }
        continue;  // the connection broke while it waited
      }
      accepted_.add();
      shared_->on_accept(loop_.transports(), std::make_unique<TcpTransport>(std::move(socket)));
    }
  }
  Socket accept_one() {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    const int descriptor =
        accept4(port_->socket.descriptor(), reinterpret_cast<sockaddr*>(&storage), &size,
                SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor < 0) return {};
    return {descriptor, Address::from(reinterpret_cast<const sockaddr&>(storage))};
  }
  // Gives the reserve descriptor up for a moment to tell one client no. False: rest.
  bool refuse_one() {
    bool refused = false;
    int error = 0;
    {
      std::lock_guard lock(*shared_->accept_mutex);
      if (reserve_ >= 0) ::close(std::exchange(reserve_, -1));
      {
        const Socket socket = accept_one();
        error = errno;
        refused = socket.is_open();
      }
      reserve_ = open_reserve();
    }
    if (refused) {
      refused_.add();
      const MonotonicMs now = loop_.worker().now();
      MonotonicMs last = shared_->logged_at.load();
      if (now - last >= kLogPeriodMs && shared_->logged_at.compare_exchange_strong(last, now)) {
        log::warn({}, "no descriptor left: refusing connections to {}",
                  port_->socket.peer().to_string());
      }
      return true;
    }
    if (error != EAGAIN && error != EWOULDBLOCK) rest();
    return false;
  }

  UvLoop& loop_;
  const std::shared_ptr<Shared> shared_;
  const std::shared_ptr<Port> port_;
  const std::shared_ptr<Seat> seat_;
  Metric& accepted_;
  Metric& refused_;
  int reserve_;
  uv_poll_t poll_{};
};

UvListener::~UvListener() {
  stop();
}

Result<> UvListener::open_ports(const Address& wanted, const ListenOptions& options) {
  const std::uint16_t count = options.worker ? 1 : network_.worker_count();
  if (count > 1 && wanted.port() != 0) {
    // SO_REUSEPORT would let a second server in silently; a bind without it does not.
    auto probe = bind_port(wanted, false, options.keepalive_idle_s);
    if (!probe) return tl::unexpected(probe.error());
  }
  address_ = wanted;
  for (std::uint16_t i = 0; i < count; ++i) {
    auto socket = bind_port(address_, count > 1, options.keepalive_idle_s);
    if (!socket) return tl::unexpected(socket.error());
    address_ = local_address(socket->descriptor());
    if (::listen(socket->descriptor(), options.backlog) != 0) return listen_error(wanted, errno);
    auto port = std::make_shared<Port>();
    port->socket = Socket(socket->release(), address_);
    port->worker = &network_.system().worker(options.worker.value_or(i));
    ports_.push_back(std::move(port));
  }
  return {};
}

Result<> UvListener::open_unix(const std::string& host, const ListenOptions& options) {
  auto socket = bind_unix(host);
  if (!socket) return tl::unexpected(socket.error());
  unix_path_ = host.substr(kUnixPrefix.size());
  if (::listen(socket->descriptor(), options.backlog) != 0)
    return fail(Errc::kIo, fmt::format("{}: {}", host, std::strerror(errno)));
  auto port = std::make_shared<Port>();
  port->socket = std::move(*socket);
  port->worker = &network_.system().worker(options.worker.value_or(0));
  ports_.push_back(std::move(port));
  return {};
}

std::shared_ptr<UvListener::Seat> UvListener::seat_acceptor(const std::shared_ptr<Port>& port,
                                                            std::uint16_t worker) {
  auto seat = std::make_shared<Seat>();
  UvLoop* loop = &network_.loop(worker);
  loop->worker().post([loop, shared = shared_, port, seat] {
    if (!shared->stopped.load() && !loop->ending()) Acceptor::start(*loop, shared, port, seat);
  });
  return seat;
}

void UvListener::end_acceptor(actor::Worker& worker, std::shared_ptr<Seat> seat) {
  worker.post([seat = std::move(seat)] {
    if (seat->acceptor != nullptr) seat->acceptor->close();
  });
}

void UvListener::start_accepting() {
  for (const auto& port : ports_) port->seat = seat_acceptor(port, port->worker->index());
  network_.add_listener(*this);
}

void UvListener::rearrange() {
  std::lock_guard lock(mutex_);
  if (ports_.size() < 2) return;  // on one worker because its owner wants it there
  for (const auto& port : ports_) {
    if (port->helper != nullptr && (!port->worker->stuck() || port->helper->stuck())) {
      end_acceptor(*std::exchange(port->helper, nullptr), std::move(port->helper_seat));
    }
    if (!port->worker->stuck() || port->helper != nullptr) continue;
    const std::uint16_t helper = network_.system().next_worker();
    if (network_.system().worker(helper).stuck()) continue;  // all are
    port->helper = &network_.system().worker(helper);
    port->helper_seat = seat_acceptor(port, helper);
  }
}

void UvListener::stop() {
  if (shared_ == nullptr || shared_->stopped.exchange(true)) return;
  network_.remove_listener(*this);
  std::lock_guard lock(mutex_);
  if (!unix_path_.empty()) ::unlink(unix_path_.c_str());
  for (auto& port : ports_) {
    // At once, whatever the worker is doing; the descriptor itself goes with the acceptor.
    ::shutdown(port->socket.descriptor(), SHUT_RDWR);
    end_acceptor(*port->worker, std::move(port->seat));
    if (port->helper != nullptr) end_acceptor(*port->helper, std::move(port->helper_seat));
  }
  ports_.clear();
}

Result<std::unique_ptr<Listener>> UvListener::open(UvNetwork& network, const Endpoint& endpoint,
                                                   const ListenOptions& options,
                                                   AcceptHandler on_accept) {
  GATEHOUSE_ASSERT(static_cast<bool>(on_accept));
  const bool unix_socket = is_unix(endpoint.host);
  const auto wanted = unix_socket ? Result<Address>(Address()) : look_up(endpoint);
  if (!wanted) return tl::unexpected(wanted.error());
  std::unique_ptr<UvListener> listener(new UvListener(network));
  listener->shared_ = std::make_shared<Shared>();
  listener->shared_->accept_mutex = &network.accept_mutex();
  listener->shared_->on_accept = std::move(on_accept);
  if (auto opened = unix_socket ? listener->open_unix(endpoint.host, options)
                                : listener->open_ports(*wanted, options);
      !opened) {
    listener->shared_.reset();
    return tl::unexpected(opened.error());
  }
  listener->start_accepting();
  return listener;
}

}  // namespace gatehouse::net
