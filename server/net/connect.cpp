#include "net/connect.hpp"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

#include "actor/timer_wheel.hpp"
#include "base/assert.hpp"
#include "net/uv.hpp"

namespace gatehouse::net {
namespace {

struct Attempt;

// One call of connect_tcp. Alive while a lookup or an attempt refers to it.
class Connecting final : public actor::Timer, public std::enable_shared_from_this<Connecting> {
 public:
  Connecting(UvLoop& loop, const Endpoint& endpoint, ConnectedCallback callback)
      : loop_(loop), endpoint_(endpoint), callback_(std::move(callback)) {}

  void start(std::uint32_t timeout_ms) {
    // Not worker.now(): this may run in the loop's callbacks or between turns.
    loop_.worker().timers().add(*this, loop_.worker().clock().monotonic_ms() + timeout_ms);
    resolve(loop_, endpoint_.host,
            [self = shared_from_this()](Result<std::vector<std::string>> addresses) {
              self->on_resolved(std::move(addresses));
            });
  }
  // The attempt's descriptor is connected, or failed with `error`.
  void on_attempt_done(Socket socket, int error);
  void end(Result<Socket> result) {
    cancel();
    if (attempt_ != nullptr) drop_attempt();
    if (!callback_) return;
    ConnectedCallback callback = std::move(callback_);
    callback(std::move(result));
  }
  [[nodiscard]] UvLoop& loop() const { return loop_; }
  void drop_attempt();

 private:
  void fire() override {
    // end() drops the attempt, which may hold the last reference.
    const auto self = shared_from_this();
    end(fail(Errc::kTimeout, fmt::format("connecting to {} took too long", endpoint_.to_string())));
  }
  void on_resolved(Result<std::vector<std::string>> addresses) {
    if (!callback_) return;
    if (!addresses) return end(tl::unexpected(addresses.error()));
    addresses_ = std::move(*addresses);
    try_next();
  }
  void try_next();
  // 0, or the errno that ends this attempt at once.
  [[nodiscard]] int attempt(const Address& address);

  UvLoop& loop_;
  const Endpoint endpoint_;
  ConnectedCallback callback_;
  std::vector<std::string> addresses_;
  std::size_t next_ = 0;
  int last_error_ = 0;
  Attempt* attempt_ = nullptr;
};

// A descriptor on its way to being connected.
struct Attempt final : HandleOwner {
  explicit Attempt(std::shared_ptr<Connecting> o) : owner(std::move(o)) {}

  static void on_ready(uv_poll_t* handle, int status, int) {
    auto& self = *static_cast<Attempt*>(static_cast<HandleOwner*>(handle->data));
    const auto owner = self.owner;
    owner->loop().enter();
    int error = -status;
    socklen_t size = sizeof error;
    if (status == 0) {
      getsockopt(self.socket.descriptor(), SOL_SOCKET, SO_ERROR, &error, &size);
    } else {
      // An error condition reads as EBADF here; the socket knows the reason.
      int reason = 0;
      getsockopt(self.socket.descriptor(), SOL_SOCKET, SO_ERROR, &reason, &size);
      if (reason != 0) error = reason;
    }
    Socket socket = self.take();
    owner->on_attempt_done(std::move(socket), error);
  }
  // Closes the handle and frees this in its callback; the descriptor is free to be used.
  Socket take() {
    uv_close(as_handle(&poll), [](uv_handle_t* handle) {
      delete static_cast<Attempt*>(static_cast<HandleOwner*>(handle->data));
    });
    return std::move(socket);
  }
  void on_loop_end() override {
    const auto keep = owner;
    keep->end(fail(Errc::kClosed, "the loop is ending"));
  }

  std::shared_ptr<Connecting> owner;
  Socket socket;
  uv_poll_t poll{};
};

void Connecting::drop_attempt() {
  std::exchange(attempt_, nullptr)->take().close();
}

void Connecting::on_attempt_done(Socket socket, int error) {
  attempt_ = nullptr;
  if (error == 0) return end(std::move(socket));
  last_error_ = error;
  socket.close();
  try_next();
}

void Connecting::try_next() {
  while (next_ < addresses_.size()) {
    const auto address = Address::from(addresses_[next_++], endpoint_.port);
    GATEHOUSE_ASSERT(address.has_value());
    last_error_ = attempt(*address);
    if (last_error_ == 0) return;
  }
  const bool exhausted = last_error_ == EMFILE || last_error_ == ENFILE;
  end(fail(
      exhausted ? Errc::kIo : Errc::kUnavailable,
      fmt::format("cannot connect to {}: {}", endpoint_.to_string(), std::strerror(last_error_))));
}

int Connecting::attempt(const Address& address) {
  sockaddr_storage storage;
  const socklen_t size = address.to_sockaddr(storage);
  Socket socket(::socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
                address);
  if (!socket.is_open()) return errno;
  const int on = 1;
  setsockopt(socket.descriptor(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(socket.descriptor(), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  if (::connect(socket.descriptor(), reinterpret_cast<const sockaddr*>(&storage), size) != 0 &&
      errno != EINPROGRESS) {
    return errno;
  }
  // Writable at once when connected already.
  auto attempt = std::make_unique<Attempt>(shared_from_this());
  const int status = uv_poll_init(loop_.uv(), &attempt->poll, socket.descriptor());
  if (status != 0) return -status;
  attempt->poll.data = static_cast<HandleOwner*>(attempt.get());
  attempt->socket = std::move(socket);
  GATEHOUSE_ASSERT(uv_poll_start(&attempt->poll, UV_WRITABLE, Attempt::on_ready) == 0);
  attempt_ = attempt.release();
  return 0;
}

}  // namespace

void connect_tcp(UvLoop& loop, const Endpoint& endpoint, std::uint32_t timeout_ms,
                 ConnectedCallback callback) {
  if (loop.ending()) {
    callback(fail(Errc::kClosed, "the loop is ending"));
    return;
  }
  GATEHOUSE_ASSERT(actor::Worker::current() == &loop.worker());
  std::make_shared<Connecting>(loop, endpoint, std::move(callback))->start(timeout_ms);
}

namespace {

struct Lookup {
  uv_getaddrinfo_t request{};
  UvLoop& loop;
  std::string host;
  ResolveCallback callback;
};

Result<std::vector<std::string>> to_result(const std::string& host, int status,
                                           const addrinfo* list) {
  if (status == UV_ECANCELED) return fail(Errc::kClosed, "the loop is ending");
  if (status != 0) {
    const bool unknown = status == UV_EAI_NONAME || status == UV_EAI_NODATA;
    return fail(unknown ? Errc::kNotFound : Errc::kUnavailable,
                fmt::format("cannot resolve \"{}\": {}", host, uv_strerror(status)));
  }
  std::vector<std::string> addresses;
  for (; list != nullptr; list = list->ai_next) {
    const Address address = Address::from(*list->ai_addr);
    if (!address.known()) continue;
    std::string ip = address.ip();
    if (std::find(addresses.begin(), addresses.end(), ip) == addresses.end()) {
      addresses.push_back(std::move(ip));
    }
  }
  if (addresses.empty()) {
    return fail(Errc::kNotFound, fmt::format("\"{}\" has no address", host));
  }
  return addresses;
}

void on_resolved(uv_getaddrinfo_t* request, int status, addrinfo* list) {
  const std::unique_ptr<Lookup> lookup(static_cast<Lookup*>(request->data));
  lookup->loop.remove_request(reinterpret_cast<uv_req_t*>(request));
  lookup->loop.enter();
  auto result = to_result(lookup->host, status, list);
  uv_freeaddrinfo(list);
  lookup->callback(std::move(result));
}

void answer_later(UvLoop& loop, ResolveCallback callback, Result<std::vector<std::string>> result) {
  loop.worker().post([callback = std::move(callback), result = std::move(result)]() mutable {
    callback(std::move(result));
  });
}

}  // namespace

void resolve(UvLoop& loop, const std::string& host, ResolveCallback callback) {
  if (loop.ending()) {
    callback(fail(Errc::kClosed, "the loop is ending"));
    return;
  }
  GATEHOUSE_ASSERT(actor::Worker::current() == &loop.worker());
  if (const auto numeric = Address::from(host, 0)) {
    answer_later(loop, std::move(callback), std::vector<std::string>{numeric->ip()});
    return;
  }
  auto lookup = std::unique_ptr<Lookup>(new Lookup{{}, loop, host, std::move(callback)});
  lookup->request.data = lookup.get();
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  const int status =
      uv_getaddrinfo(loop.uv(), &lookup->request, on_resolved, host.c_str(), nullptr, &hints);
  if (status != 0) {
    answer_later(
        loop, std::move(lookup->callback),
        fail(Errc::kNotFound, fmt::format("cannot resolve \"{}\": {}", host, uv_strerror(status))));
    return;
  }
  loop.add_request(reinterpret_cast<uv_req_t*>(&lookup.release()->request));
}

}  // namespace gatehouse::net
