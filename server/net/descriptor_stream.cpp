#include "net/descriptor_stream.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "actor/timer_wheel.hpp"
#include "base/assert.hpp"
#include "net/uv.hpp"
#include "net/uv_loop.hpp"

namespace gatehouse::net {
namespace {

// States: open; finishing_: what was written leaves first; closing_: uv_close was called and the
// object dies in its callback.
class DescriptorStream final : public Stream, private HandleOwner, private actor::Timer {
 public:
  DescriptorStream(UvLoop& loop, Socket socket, StreamHandler* handler)
      : Stream(loop, {}, handler), socket_(std::move(socket)) {}
  ~DescriptorStream() override { GATEHOUSE_ASSERT(closing_ || !initialised_); }

  // 0, or libuv's error; then nothing is open.
  [[nodiscard]] int start() {
    const int status = uv_poll_init(loop().uv(), &poll_, socket_.descriptor());
    if (status != 0) return status;
    initialised_ = true;
    poll_.data = static_cast<HandleOwner*>(this);
    watch();
    return 0;
  }

  [[nodiscard]] std::size_t unsent_bytes() const override {
    return waiting_.size() + (output_ == nullptr ? 0 : output_->size());
  }
  void pause() override {
    paused_ = true;
    watch();
  }
  void resume() override {
    paused_ = false;
    watch();
  }
  void close(CloseReason reason) override {
    if (closing_) return;
    if (!finishing_) reason_ = reason;
    closing_ = true;
    actor::Timer::cancel();
    release_output();
    uv_close(as_handle(&poll_), on_close);
  }
  void close_after_flush(CloseReason reason, std::uint32_t linger_ms) override {
    if (ending()) return;
    reason_ = reason;
    finishing_ = true;
    watch();
    actor::Worker& worker = loop().worker();
    worker.timers().add(*this, worker.now() + linger_ms);
    mark_dirty();
  }
  [[nodiscard]] bool ending() const override { return closing_ || finishing_; }
  [[nodiscard]] Result<Socket> detach() override {
    return fail(Errc::kIo, "a descriptor stays with its worker");
  }

 private:
  static void on_poll(uv_poll_t* handle, int status, int events) {
    DescriptorStream& self = of(as_handle(handle));
    self.loop().enter();
    if (status < 0) {
      self.close(CloseReason::kPeerReset);
      return;
    }
    if ((events & UV_WRITABLE) != 0) self.mark_dirty();
    if ((events & UV_READABLE) != 0) self.read();
  }
  static void on_close(uv_handle_t* handle) {
    DescriptorStream& self = of(handle);
    UvLoop& loop = self.loop();
    loop.enter();
    loop.count_closed(self.reason_);
    if (self.handler_ != nullptr) self.handler_->on_closed(self, self.reason_);
    loop.destroy(self);
  }
  static DescriptorStream& of(uv_handle_t* handle) {
    return *static_cast<DescriptorStream*>(static_cast<HandleOwner*>(handle->data));
  }

  void read() {
    const ssize_t size = ::read(socket_.descriptor(), loop().read_buffer(),
                                UvLoop::kReadBufferBytes);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    ++loop().mutable_stats().reads;
    if (size == 0) {
      close_after_flush(CloseReason::kPeerClosed, kLingerMs);
    } else if (size < 0) {
      close(CloseReason::kPeerReset);
    } else if (handler_ != nullptr && !finishing_) {
      handler_->on_data(*this, {loop().read_buffer(), static_cast<std::size_t>(size)});
    }
  }
  void flush() override {
    if (closing_) return;
    if (output_ != nullptr) waiting_.append(*output_);
    release_output();
    while (!waiting_.empty()) {
      const ssize_t sent = ::write(socket_.descriptor(), waiting_.data(), waiting_.size());
      ++loop().mutable_stats().writes;
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
    const int events = (paused_ || finishing_ ? 0 : UV_READABLE) |
                       (waiting_.empty() ? 0 : UV_WRITABLE);
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

  Socket socket_;
  std::string waiting_;  // written, and refused by the kernel
  CloseReason reason_ = CloseReason::kLocal;
  bool initialised_ = false;
  bool paused_ = false;
  bool finishing_ = false;
  bool closing_ = false;
  uv_poll_t poll_{};
};

// The copy that the stream owns, or -1 and errno.
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

Result<Stream*> open_descriptor(UvLoop& loop, int descriptor, StreamHandler& handler) {
  if (loop.ending()) return fail(Errc::kClosed, "the loop is ending");
  GATEHOUSE_ASSERT(UvLoop::current() == &loop);
  Socket copy(copy_of(descriptor), {});
  if (!copy.is_open()) {
    return fail(errno == EBADF ? Errc::kInvalid : Errc::kIo,
                fmt::format("cannot copy descriptor {}: {}", descriptor, std::strerror(errno)));
  }
  auto owned = std::make_unique<DescriptorStream>(loop, std::move(copy), &handler);
  if (const int status = owned->start(); status != 0) {
    return fail(Errc::kInvalid,
                fmt::format("descriptor {} cannot be polled: {}", descriptor,
                            uv_strerror(status)));
  }
  DescriptorStream& stream = *owned;
  loop.adopt(std::move(owned));
  return &stream;
}

}  // namespace gatehouse::net
