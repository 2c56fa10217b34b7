#include "net/descriptor_transport.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "actor/timer_wheel.hpp"
#include "base/assert.hpp"
#include "net/socket.hpp"
#include "net/uv.hpp"
#include "net/uv_loop.hpp"

namespace gatehouse::net {
namespace {

// States: open; finishing_: what was written leaves first; closing_: uv_close was called and the
// object dies in its callback.
class DescriptorTransport final : public Transport, private HandleOwner, private actor::Timer {
 public:
  DescriptorTransport(UvLoop& loop, Socket socket)
      : Transport(TransportKind::kDescriptor, {}), loop_(loop), socket_(std::move(socket)) {}

  void say_and_end(std::string_view) override {}
  [[nodiscard]] std::size_t unsent_bytes() const override {
    return waiting_.size() + (output_ == nullptr ? 0 : output_->size());
  }
  void close(CloseReason reason) override {
    if (closing_) return;
    if (!finishing_) reason_ = reason;
    closing_ = ending_ = true;
    actor::Timer::cancel();
    release_output();
    uv_close(as_handle(&poll_), on_close);
  }
  void close_after_flush(CloseReason reason, std::uint32_t linger_ms) override {
    if (ending()) return;
    reason_ = reason;
    finishing_ = ending_ = true;
    forget_input();
    watch();
    actor::Worker& worker = loop_.worker();
    worker.timers().add(*this, worker.now() + linger_ms);
    mark_dirty();
  }

 private:
  [[nodiscard]] Result<> join() override {
    const int status = uv_poll_init(loop_.uv(), &poll_, socket_.descriptor());
    if (status != 0) return fail(Errc::kInvalid, uv_strerror(status));
    poll_.data = static_cast<HandleOwner*>(this);
    return {};
  }
  [[nodiscard]] Result<> leave() override {
    return fail(Errc::kIo, "a descriptor stays with its worker");
  }
  void set_reading(bool on) override {
    reading_ = on;
    watch();
  }
  static void on_poll(uv_poll_t* handle, int status, int events) {
    DescriptorTransport& self = of(as_handle(handle));
    self.loop_.enter();
    if (status < 0) {
      self.close(CloseReason::kPeerReset);
      return;
    }
    if ((events & UV_WRITABLE) != 0) self.mark_dirty();
    if ((events & UV_READABLE) != 0) self.read();
  }
  static void on_close(uv_handle_t* handle) {
    DescriptorTransport& self = of(handle);
    self.loop_.enter();
    self.set().count_closed(self.reason_);
    if (self.handler_ != nullptr) self.handler_->on_closed(self, self.reason_);
    self.destroy();
  }
  static DescriptorTransport& of(uv_handle_t* handle) {
    return *static_cast<DescriptorTransport*>(static_cast<HandleOwner*>(handle->data));
  }

  void read() {
    const ssize_t size =
        ::read(socket_.descriptor(), loop_.read_buffer(), UvLoop::kReadBufferBytes);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    ++loop_.mutable_stats().reads;
    if (size == 0) {
      close_after_flush(CloseReason::kPeerClosed, kLingerMs);
    } else if (size < 0) {
      close(CloseReason::kPeerReset);
    } else if (handler_ != nullptr && !finishing_) {
      handler_->on_data(*this, {loop_.read_buffer(), static_cast<std::size_t>(size)});
    }
  }
  void flush() override {
    if (closing_) return;
    if (output_ != nullptr) waiting_.append(*output_);
    release_output();
    while (!waiting_.empty()) {
      const ssize_t sent = ::write(socket_.descriptor(), waiting_.data(), waiting_.size());
      ++loop_.mutable_stats().writes;
      if (sent < 0 && errno == EINTR) continue;
      if (sent < 0 && errno == EAGAIN) break;
      if (sent < 0) {
        close(CloseReason::kPeerReset);
        return;
      }
      waiting_.erase(0, static_cast<std::size_t>(sent));
    }
    if (unsent_limit_bytes_ != 0 && waiting_.size() > unsent_limit_bytes_) {
      close(CloseReason::kSlowReader);
    } else if (finishing_ && waiting_.empty()) {
      close(reason_);
    } else {
      watch();
    }
  }
  // Asks libuv for what is of interest now.
  void watch() {
    if (closing_) return;
    const int events =
        (reading_ && !finishing_ ? UV_READABLE : 0) | (waiting_.empty() ? 0 : UV_WRITABLE);
    if (events == 0) {
      uv_poll_stop(&poll_);
    } else {
      GATEHOUSE_ASSERT(uv_poll_start(&poll_, events, on_poll) == 0);
    }
  }
  // The reader had its time to take our last bytes.
  void fire() override {
    reason_ = CloseReason::kTimeout;
    close(reason_);
  }
  void on_loop_end() override { close(CloseReason::kShutdown); }

  UvLoop& loop_;
  Socket socket_;
  std::string waiting_;  // written, and refused by the kernel
  CloseReason reason_ = CloseReason::kLocal;
  bool reading_ = false;
  bool finishing_ = false;
  bool closing_ = false;
  uv_poll_t poll_{};
};

// The copy that the transport owns, or -1 and errno.
int copy_of(int descriptor) {
  if (isatty(descriptor) != 0) {
    const int mode = fcntl(descriptor, F_GETFL) & O_ACCMODE;
    const auto path = fmt::format("/proc/self/fd/{}", descriptor);
    const int opened = ::open(path.c_str(), mode | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (opened >= 0) return opened;
  }
  return fcntl(descriptor, F_DUPFD_CLOEXEC, 3);
}

}  // namespace

Result<Transport*> open_descriptor(UvLoop& loop, int descriptor, TransportHandler& handler) {
  if (loop.ending()) return fail(Errc::kClosed, "the loop is ending");
  Socket copy(copy_of(descriptor), {});
  if (!copy.is_open()) {
    return fail(errno == EBADF ? Errc::kInvalid : Errc::kIo,
                fmt::format("cannot copy descriptor {}: {}", descriptor, std::strerror(errno)));
  }
  auto attached = loop.transports().attach(
      std::make_unique<DescriptorTransport>(loop, std::move(copy)), handler);
  if (attached) return attached;
  return fail(attached.error().code, fmt::format("descriptor {} cannot be polled: {}", descriptor,
                                                 attached.error().message));
}

}  // namespace gatehouse::net
