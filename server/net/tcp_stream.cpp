#include "net/tcp_stream.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "base/assert.hpp"
#include "net/tcp.hpp"
#include "net/uv_loop.hpp"

namespace gatehouse::net {
namespace {

// A peer that sent its FIN has this long to read what is left for it.
constexpr std::uint32_t kHalfClosedMs = 30'000;
// Input thrown away after our end before the patience ends.
constexpr std::uint32_t kDiscardBytesMax = 1u << 20;

}  // namespace

// A write the kernel took only in part, with the bytes it points into.
struct TcpStream::Write {
  uv_write_t request{};
  std::unique_ptr<std::string> bytes;
};

struct TcpStream::Deadline final : actor::Timer {
  explicit Deadline(TcpStream& s) : stream(s) {}
  void fire() override { stream.give_up(); }
  TcpStream& stream;
};

TcpStream::TcpStream(UvLoop& loop, const Address& peer, StreamHandler* handler)
    : Stream(loop, peer, handler) {}

TcpStream::~TcpStream() { GATEHOUSE_ASSERT(closing_ || !initialised_); }

Result<> TcpStream::start(Socket socket) {
  GATEHOUSE_ASSERT(uv_tcp_init(loop().uv(), &tcp_) == 0);
  initialised_ = true;
  tcp_.data = static_cast<HandleOwner*>(this);
  const int status = uv_tcp_open(&tcp_, socket.descriptor());
  if (status != 0) {
    detached_ = true;
    start_closing();
    return fail(Errc::kIo, fmt::format("cannot open the socket: {}", uv_strerror(status)));
  }
  static_cast<void>(socket.release());
  if (!socket.unsent().empty()) write(socket.unsent());
  start_reading();
  return {};
}

std::size_t TcpStream::unsent_bytes() const {
  std::size_t bytes = output_ == nullptr ? 0 : output_->size();
  if (writing_ != nullptr) {
    bytes += uv_stream_get_write_queue_size(reinterpret_cast<const uv_stream_t*>(&tcp_));
  }
  return bytes;
}

void TcpStream::pause() {
  if (paused_ || ending()) return;
  paused_ = true;
  uv_read_stop(uv_stream());
}

void TcpStream::resume() {
  if (!paused_ || ending()) return;
  paused_ = false;
  if (!eof_) start_reading();
}

void TcpStream::start_reading() {
  // Fails only for a handle that is closing or was never opened.
  GATEHOUSE_ASSERT(uv_read_start(uv_stream(), on_alloc, on_read) == 0);
}

void TcpStream::on_alloc(uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
  auto& self = *static_cast<TcpStream*>(static_cast<HandleOwner*>(handle->data));
  *buffer = uv_buf_init(self.loop().read_buffer(), UvLoop::kReadBufferBytes);
}

void TcpStream::on_read(uv_stream_t* handle, ssize_t size, const uv_buf_t* buffer) {
  auto& self = *static_cast<TcpStream*>(static_cast<HandleOwner*>(handle->data));
  if (size == 0 || self.closing_) return;
  self.loop().enter();
  if (size == UV_EOF) {
    self.on_eof();
  } else if (size < 0) {
    self.close(CloseReason::kPeerReset);
  } else {
    ++self.loop().mutable_stats().reads;
    const auto bytes = static_cast<std::size_t>(size);
    if (self.finishing_) {
      self.discard(bytes);
    } else if (self.handler_ != nullptr) {
      self.handler_->on_data(self, {buffer->base, bytes});
    }
  }
}

// The turn that follows answers what came with the FIN; the flush at its end closes.
void TcpStream::on_eof() {
  eof_ = true;
  uv_read_stop(uv_stream());
  std::uint32_t patience_ms = 0;
  if (!finishing_) {
    reason_ = CloseReason::kPeerClosed;
    if (handler_ != nullptr) patience_ms = handler_->on_end(*this);
    if (closing_) return;
  }
  answering_ = patience_ms > 0;
  if (deadline_ == nullptr) arm_deadline(answering_ ? patience_ms : kHalfClosedMs);
  mark_dirty();
}

void TcpStream::discard(std::size_t bytes) {
  discarded_bytes_ += static_cast<std::uint32_t>(bytes);
  if (discarded_bytes_ > kDiscardBytesMax) give_up();
}

bool TcpStream::send_output() {
  if (writing_ != nullptr || output_ == nullptr || output_->empty()) return true;
  uv_buf_t buffer = uv_buf_init(output_->data(), static_cast<unsigned>(output_->size()));
  // Nothing is queued before it, and send() is the shorter way into the kernel than write().
  ssize_t sent = ::send(descriptor(), buffer.base, buffer.len, MSG_NOSIGNAL);
  ++loop().mutable_stats().writes;
  if (sent < 0) {
    if (errno != EAGAIN && errno != EINTR && errno != ENOBUFS) {
      close(CloseReason::kPeerReset);
      return false;
    }
    sent = 0;
  }
  if (static_cast<std::size_t>(sent) == output_->size()) return true;
  writing_ = std::make_unique<Write>();
  writing_->bytes = std::move(output_);
  writing_->request.data = this;
  buffer.base += sent;
  buffer.len -= static_cast<std::size_t>(sent);
  const int status = uv_write(&writing_->request, uv_stream(), &buffer, 1, on_write);
  if (status == 0) return true;
  writing_.reset();
  close(CloseReason::kPeerReset);
  return false;
}

void TcpStream::flush() {
  if (closing_ || !send_output()) return;
  if (writing_ == nullptr) release_output();
  if (unsent_limit_bytes_ != 0 && unsent_bytes() > unsent_limit_bytes_) {
    close(CloseReason::kSlowReader);
    return;
  }
  finish_when_sent();
}

void TcpStream::on_write(uv_write_t* request, int status) {
  auto& self = *static_cast<TcpStream*>(request->data);
  self.loop().enter();
  self.loop().give_back(std::move(self.writing_->bytes));
  self.writing_.reset();
  if (self.closing_) return;
  if (status < 0) {
    self.close(CloseReason::kPeerReset);
  } else {
    self.mark_dirty();
  }
}

void TcpStream::close(CloseReason reason) {
  if (closing_) return;
  if (!finishing_) reason_ = reason;
  start_closing();
}

void TcpStream::close_after_flush(CloseReason reason, std::uint32_t linger_ms) {
  if (ending()) return;
  reason_ = reason;
  finishing_ = true;
  arm_deadline(linger_ms);
  if (paused_ && !eof_) start_reading();
  mark_dirty();
}

void TcpStream::finish_when_sent() {
  if (!(eof_ || finishing_) || unsent_bytes() != 0) return;
  if (answering_ && !finishing_) return;
  if (eof_) {
    close(CloseReason::kPeerClosed);
  } else if (!shut_) {
    // The peer reads to the end and closes; its FIN, or the deadline, ends the stream. Closing
    // at once would answer input still on its way with a reset, which destroys our last bytes.
    shut_ = true;
    ::shutdown(descriptor(), SHUT_WR);
  }
}

void TcpStream::give_up() {
  if (unsent_bytes() != 0) reason_ = CloseReason::kTimeout;
  start_closing();
}

void TcpStream::arm_deadline(std::uint32_t ms) {
  deadline_ = std::make_unique<Deadline>(*this);
  actor::Worker& worker = loop().worker();
  worker.timers().add(*deadline_, worker.now() + ms);
}

void TcpStream::start_closing() {
  if (closing_) return;
  closing_ = true;
  if (deadline_ != nullptr) deadline_->cancel();
  release_output();
  uv_close(as_handle(&tcp_), on_close);
}

void TcpStream::on_close(uv_handle_t* handle) {
  auto& self = *static_cast<TcpStream*>(static_cast<HandleOwner*>(handle->data));
  UvLoop& loop = self.loop();
  loop.enter();
  if (!self.detached_) {
    loop.count_closed(self.reason_);
    if (self.handler_ != nullptr) self.handler_->on_closed(self, self.reason_);
  }
  loop.destroy(self);
}

void TcpStream::on_loop_end() {
  if (!closing_) close(CloseReason::kShutdown);
}

int TcpStream::descriptor() const {
  uv_os_fd_t descriptor = -1;
  uv_fileno(reinterpret_cast<const uv_handle_t*>(&tcp_), &descriptor);
  return descriptor;
}

Result<Socket> TcpStream::detach() {
  if (ending()) return fail(Errc::kClosed, "the connection is ending");
  // A copy, because libuv closes the descriptor with its handle; the connection stays up.
  const int copy = fcntl(descriptor(), F_DUPFD_CLOEXEC, 3);
  if (copy < 0) {
    return fail(Errc::kIo, fmt::format("cannot copy the descriptor: {}", std::strerror(errno)));
  }
  Socket socket(copy, peer());
  if (writing_ != nullptr) {
    const std::size_t left = uv_stream_get_write_queue_size(uv_stream());
    const std::string& bytes = *writing_->bytes;
    GATEHOUSE_ASSERT(left <= bytes.size());
    socket.unsent().assign(bytes, bytes.size() - left, left);
  }
  if (output_ != nullptr) socket.unsent().append(*output_);
  detached_ = true;
  start_closing();
  return socket;
}

Result<Stream*> open_tcp(UvLoop& loop, Socket socket, StreamHandler& handler) {
  if (loop.ending()) return fail(Errc::kClosed, "the loop is ending");
  GATEHOUSE_ASSERT(UvLoop::current() == &loop);
  auto owned = std::make_unique<TcpStream>(loop, socket.peer(), &handler);
  TcpStream& stream = *owned;
  loop.adopt(std::move(owned));
  auto started = stream.start(std::move(socket));
  if (!started) return tl::unexpected(started.error());
  return &stream;
}

}  // namespace gatehouse::net
