#include "net/tcp_transport.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/assert.hpp"
#include "net/uv.hpp"
#include "net/uv_loop.hpp"

namespace gatehouse::net {

// A write the kernel took only in part, with the bytes it points into.
struct TcpTransport::Write {
  uv_write_t request{};
  std::unique_ptr<std::string> bytes;
};

// libuv's part of an attached transport. It outlives one that was detached, until its close
// callback.
struct TcpTransport::Handle final : HandleOwner {
  Handle(UvLoop& l, TcpTransport& o) : loop(l), owner(&o) {
    GATEHOUSE_ASSERT(uv_tcp_init(loop.uv(), &tcp) == 0);
    tcp.data = static_cast<HandleOwner*>(this);
  }

  static Handle& of(uv_handle_t* handle) {
    return *static_cast<Handle*>(static_cast<HandleOwner*>(handle->data));
  }
  [[nodiscard]] uv_stream_t* stream() { return reinterpret_cast<uv_stream_t*>(&tcp); }
  // Bytes of the write that the kernel has not taken.
  [[nodiscard]] std::size_t waiting() const {
    if (writing == nullptr) return 0;
    return uv_stream_get_write_queue_size(reinterpret_cast<const uv_stream_t*>(&tcp));
  }
  void close() { uv_close(as_handle(&tcp), on_close); }

  static void on_alloc(uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
    *buffer = uv_buf_init(of(handle).loop.read_buffer(), UvLoop::kReadBufferBytes);
  }
  static void on_read(uv_stream_t* stream, ssize_t size, const uv_buf_t* buffer) {
    Handle& self = of(as_handle(stream));
    if (size == 0 || self.owner == nullptr || self.owner->closing()) return;
    self.loop.enter();
    if (size == UV_EOF) {
      self.owner->received_end();
    } else if (size < 0) {
      self.owner->close(CloseReason::kPeerReset);
    } else {
      ++self.loop.mutable_stats().reads;
      self.owner->received({buffer->base, static_cast<std::size_t>(size)});
    }
  }
  static void on_write(uv_write_t* request, int status) {
    auto& self = *static_cast<Handle*>(request->data);
    self.loop.enter();
    self.loop.transports().give_back(std::move(self.writing->bytes));
    self.writing.reset();
    if (self.owner == nullptr || self.owner->closing()) return;
    if (status < 0) {
      self.owner->close(CloseReason::kPeerReset);
    } else {
      self.owner->mark_dirty();
    }
  }
  static void on_close(uv_handle_t* handle) {
    const std::unique_ptr<Handle> self(&of(handle));
    if (self->owner == nullptr) return;
    self->loop.enter();
    self->owner->handle_ = nullptr;
    self->owner->ended();
  }
  void on_loop_end() override {
    if (owner != nullptr) owner->close(CloseReason::kShutdown);
  }

  UvLoop& loop;
  TcpTransport* owner;             // null: detached
  std::unique_ptr<Write> writing;  // the write that libuv holds, one at a time
  uv_tcp_t tcp;
};

TcpTransport::TcpTransport(Socket socket)
    : DuplexTransport(TransportKind::kTcp, socket.peer()), descriptor_(socket.release()) {}

TcpTransport::~TcpTransport() {
  GATEHOUSE_ASSERT(handle_ == nullptr);
  if (descriptor_ >= 0) ::close(descriptor_);
}

void TcpTransport::say_and_end(std::string_view bytes) {
  GATEHOUSE_ASSERT(handle_ == nullptr);
  static_cast<void>(::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
  ::shutdown(descriptor_, SHUT_WR);
}

Result<> TcpTransport::join() {
  UvLoop* loop = set().uv();
  GATEHOUSE_ASSERT(loop != nullptr);
  begin();
  reading_ = false;
  auto* handle = new Handle(*loop, *this);
  if (const int status = uv_tcp_open(&handle->tcp, descriptor_); status != 0) {
    handle->owner = nullptr;
    handle->close();
    return fail(Errc::kIo, fmt::format("cannot open the socket: {}", uv_strerror(status)));
  }
  handle_ = handle;
  return {};
}

Result<> TcpTransport::leave() {
  // A copy, because libuv closes the descriptor with its handle; the connection stays up.
  const int copy = fcntl(descriptor_, F_DUPFD_CLOEXEC, 3);
  if (copy < 0) {
    return fail(Errc::kIo, fmt::format("cannot copy the descriptor: {}", std::strerror(errno)));
  }
  stop_waiting();
  if (const std::size_t left = handle_->waiting(); left != 0) {
    const std::string& bytes = *handle_->writing->bytes;
    GATEHOUSE_ASSERT(left <= bytes.size());
    if (output_ == nullptr) output_ = set().take_buffer();
    output_->insert(0, bytes, bytes.size() - left, left);
  }
  descriptor_ = copy;
  handle_->owner = nullptr;
  std::exchange(handle_, nullptr)->close();
  return {};
}

void TcpTransport::set_reading(bool on) {
  if (closing() || on == reading_ || (on && at_peers_end())) return;
  reading_ = on;
  if (!on) {
    uv_read_stop(handle_->stream());
    return;
  }
  // Fails only for a handle that is closing or was never opened.
  GATEHOUSE_ASSERT(uv_read_start(handle_->stream(), Handle::on_alloc, Handle::on_read) == 0);
}

std::size_t TcpTransport::waiting_bytes() const {
  return handle_ == nullptr ? 0 : handle_->waiting();
}

bool TcpTransport::send_output() {
  if (handle_->writing != nullptr) return true;
  uv_buf_t buffer = uv_buf_init(output_->data(), static_cast<unsigned>(output_->size()));
  // Nothing is queued before it, and send() is the shorter way into the kernel than write().
  ssize_t sent = ::send(descriptor_, buffer.base, buffer.len, MSG_NOSIGNAL);
  ++handle_->loop.mutable_stats().writes;
  if (sent < 0) {
    if (errno != EAGAIN && errno != EINTR && errno != ENOBUFS) return false;
    sent = 0;
  }
  if (static_cast<std::size_t>(sent) == output_->size()) {
    output_->clear();
    return true;
  }
  handle_->writing = std::make_unique<Write>();
  handle_->writing->bytes = std::move(output_);
  handle_->writing->request.data = handle_;
  buffer.base += sent;
  buffer.len -= static_cast<std::size_t>(sent);
  uv_write_t* request = &handle_->writing->request;
  if (uv_write(request, handle_->stream(), &buffer, 1, Handle::on_write) == 0) return true;
  handle_->writing.reset();
  return false;
}

void TcpTransport::send_end() {
  ::shutdown(descriptor_, SHUT_WR);
}

void TcpTransport::end_carrier() {
  descriptor_ = -1;  // libuv closes it with its handle
  handle_->close();
}

}  // namespace gatehouse::net
