#include "net/uv_udp.hpp"

#include <fmt/format.h>
#include <netinet/in.h>

#include <cstring>
#include <memory>
#include <string>

#include "base/assert.hpp"
#include "net/uv.hpp"
#include "net/uv_loop.hpp"

namespace gatehouse::net {
namespace {

Errc code_of(int status) {
  switch (status) {
    case UV_EADDRINUSE:
      return Errc::kExists;
    case UV_EACCES:
    case UV_EPERM:
      return Errc::kDenied;
    case UV_EADDRNOTAVAIL:
    case UV_EAFNOSUPPORT:
      return Errc::kInvalid;
    default:
      return Errc::kIo;
  }
}

class LoopUdpSocket final : public UdpSocket, private HandleOwner {
 public:
  LoopUdpSocket(UvLoop& loop, UdpHandler& handler) : loop_(loop), handler_(&handler) {
    GATEHOUSE_ASSERT(uv_udp_init(loop.uv(), &udp_) == 0);
    udp_.data = static_cast<HandleOwner*>(this);
  }

  // On failure close() it all the same.
  [[nodiscard]] Result<> start(const Address& local);
  [[nodiscard]] Result<> send(const Address& to, std::string_view bytes) override;
  [[nodiscard]] std::size_t unsent_bytes() const override {
    return uv_udp_get_send_queue_size(&udp_);
  }
  void close() override {
    handler_ = nullptr;
    if (uv_is_closing(as_handle(&udp_)) == 0) uv_close(as_handle(&udp_), on_close);
  }

 private:
  // A datagram that waits for the kernel.
  struct Waiting {
    uv_udp_send_t request{};
    std::string bytes;
  };

  static void on_alloc(uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
    *buffer = uv_buf_init(of(handle).loop_.read_buffer(), UvLoop::kReadBufferBytes);
  }
  // Receiving errors end nothing: they are about datagrams sent earlier.
  static void on_receive(uv_udp_t* handle, ssize_t size, const uv_buf_t* buffer,
                         const sockaddr* from, unsigned) {
    if (size < 0 || from == nullptr) return;
    LoopUdpSocket& self = of(as_handle(handle));
    self.loop_.enter();
    if (self.handler_ == nullptr) return;
    ++self.loop_.mutable_stats().reads;
    self.handler_->on_datagram(self, Address::from(*from),
                               {buffer->base, static_cast<std::size_t>(size)});
  }
  static void on_sent(uv_udp_send_t* request, int) { delete static_cast<Waiting*>(request->data); }
  static void on_close(uv_handle_t* handle) { delete &of(handle); }
  static LoopUdpSocket& of(uv_handle_t* handle) {
    return *static_cast<LoopUdpSocket*>(static_cast<HandleOwner*>(handle->data));
  }

  void on_loop_end() override {
    UdpHandler* handler = handler_;
    close();
    if (handler != nullptr) handler->on_udp_closed(*this);
  }
  // A socket of IPv6 reaches IPv4 through mapped addresses.
  [[nodiscard]] Result<> to_sockaddr(const Address& to, sockaddr_storage& out) const;

  UvLoop& loop_;
  UdpHandler* handler_;  // null: closed
  uv_udp_t udp_{};
};

Result<> LoopUdpSocket::start(const Address& local) {
  sockaddr_storage storage;
  GATEHOUSE_ASSERT(local.to_sockaddr(storage) != 0);
  int status = uv_udp_bind(&udp_, reinterpret_cast<const sockaddr*>(&storage), 0);
  int size = sizeof storage;
  if (status == 0) {
    status = uv_udp_getsockname(&udp_, reinterpret_cast<sockaddr*>(&storage), &size);
  }
  if (status == 0) status = uv_udp_recv_start(&udp_, on_alloc, on_receive);
  if (status != 0) {
    return fail(code_of(status),
                fmt::format("cannot bind to {}: {}", local.to_string(), uv_strerror(status)));
  }
  local_ = Address::from(reinterpret_cast<const sockaddr&>(storage));
  return {};
}

Result<> LoopUdpSocket::to_sockaddr(const Address& to, sockaddr_storage& out) const {
  if (to.to_sockaddr(out) == 0) return fail(Errc::kInvalid, "no address to send to");
  if (!local_.is_v6()) {
    if (to.is_v6()) return fail(Errc::kInvalid, "an IPv4 socket cannot send to an IPv6 address");
  } else if (!to.is_v6()) {
    out = {};
    auto& v6 = reinterpret_cast<sockaddr_in6&>(out);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(to.port());
    std::memcpy(&v6.sin6_addr, to.bytes().data(), to.bytes().size());
  }
  return {};
}

Result<> LoopUdpSocket::send(const Address& to, std::string_view bytes) {
  if (handler_ == nullptr) return fail(Errc::kClosed, "the socket is closed");
  if (bytes.size() > kDatagramBytesMax) {
    return fail(Errc::kInvalid, fmt::format("a datagram of {} bytes is too long ({} at most)",
                                            bytes.size(), kDatagramBytesMax));
  }
  sockaddr_storage storage;
  if (auto checked = to_sockaddr(to, storage); !checked) return checked;
  const auto* address = reinterpret_cast<const sockaddr*>(&storage);
  uv_buf_t buffer =
      uv_buf_init(const_cast<char*>(bytes.data()), static_cast<unsigned>(bytes.size()));
  ++loop_.mutable_stats().writes;
  int status = uv_udp_try_send(&udp_, &buffer, 1, address);
  if (status == UV_EAGAIN) {
    if (unsent_bytes() + bytes.size() > kUnsentBytesMax) {
      return fail(Errc::kFull, "too many datagrams are unsent");
    }
    auto waiting = std::make_unique<Waiting>();
    waiting->bytes = bytes;
    waiting->request.data = waiting.get();
    buffer.base = waiting->bytes.data();
    status = uv_udp_send(&waiting->request, &udp_, &buffer, 1, address, on_sent);
    if (status == 0) static_cast<void>(waiting.release());  // on_sent() frees it
  }
  if (status >= 0) return {};
  return fail(status == UV_EMSGSIZE ? Errc::kInvalid : Errc::kIo,
              fmt::format("cannot send to {}: {}", to.to_string(), uv_strerror(status)));
}

}  // namespace

Result<UdpSocket*> open_udp(UvLoop& loop, const Address& local, UdpHandler& handler) {
  if (loop.ending()) return fail(Errc::kClosed, "the loop is ending");
  GATEHOUSE_ASSERT(actor::Worker::current() == &loop.worker() && local.known());
  auto* socket = new LoopUdpSocket(loop, handler);  // deletes itself when its handle has closed
  if (auto started = socket->start(local); !started) {
    socket->close();
    return tl::unexpected(started.error());
  }
  return socket;
}

}  // namespace gatehouse::net
