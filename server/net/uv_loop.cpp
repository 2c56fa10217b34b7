#include "net/uv_loop.hpp"

#include <fmt/format.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <thread>

#include "actor/system.hpp"
#include "base/assert.hpp"
#include "net/uv.hpp"

namespace gatehouse::net {
namespace {

// Output buffers kept for reuse: none bigger than the first, no more than the second in all.
constexpr std::size_t kBufferBytesMax = 65'536;
constexpr std::size_t kBuffersBytesMax = 2u << 20;
constexpr std::size_t kBufferBytes = 512;

// Two workers that talk to each other lose more by sleeping and waking than by waiting for each
// other. So long they wait while that goes well, and so many waits in vain end it. After some
// sleeps that a message ended it is tried anew, longer, because the other has to wake up first;
// a trial in vain doubles their number.
constexpr std::int64_t kSpinNs = 60'000;
constexpr int kSpinCredit = 8;
constexpr std::int64_t kProbeNs = 300'000;
constexpr int kSleepsPerProbeMin = 32;
constexpr int kSleepsPerProbeMax = 256;
// Waits that a message ended come one after the other: the sockets are looked at in between.
constexpr unsigned kSpinsPerPoll = 16;

void pause_core() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#endif
}

thread_local UvLoop* current_loop = nullptr;

void close_at_end(uv_handle_t* handle, void*) {
  if (uv_is_closing(handle) != 0) return;
  if (handle->data == nullptr) {
    uv_close(handle, nullptr);
  } else {
    static_cast<HandleOwner*>(handle->data)->on_loop_end();
  }
}

}  // namespace

struct UvLoop::Uv {
  uv_loop_t loop;
  uv_poll_t wake;
  uv_timer_t timer;
  std::array<char, kReadBufferBytes> read_buffer;
};

UvLoop::UvLoop(actor::Worker& worker, MetricSet& metrics)
    : worker_(worker),
      metrics_(metrics),
      uv_(std::make_unique<Uv>()),
      wake_descriptor_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      sleeps_per_probe_(kSleepsPerProbeMin),
      may_spin_(worker.system().worker_count() > 1 &&
                worker.system().worker_count() <= std::thread::hardware_concurrency()) {
  // Fails only when the process has no descriptor left before it began.
  GATEHOUSE_ASSERT(uv_loop_init(&uv_->loop) == 0);
  uv_->loop.data = this;
  GATEHOUSE_ASSERT(wake_descriptor_ >= 0);
  GATEHOUSE_ASSERT(uv_poll_init(&uv_->loop, &uv_->wake, wake_descriptor_) == 0);
  uv_poll_start(&uv_->wake, UV_READABLE, [](uv_poll_t* handle, int, int) {
    eventfd_t count = 0;
    static_cast<void>(eventfd_read(static_cast<UvLoop*>(handle->loop->data)->wake_descriptor_,
                                   &count));
  });
  GATEHOUSE_ASSERT(uv_timer_init(&uv_->loop, &uv_->timer) == 0);
  uv_->wake.data = uv_->timer.data = nullptr;
  for (std::size_t i = 0; i < kCloseReasons; ++i) {
    const auto label = fmt::format("reason=\"{}\"", name(static_cast<CloseReason>(i)));
    closed_.push_back(&metrics_.counter("connections_closed", label, "Connections that ended"));
  }
}

UvLoop::~UvLoop() {
  if (!finished_) finish();
  if (current_loop == this) current_loop = nullptr;
  ::close(wake_descriptor_);
}

UvLoop* UvLoop::current() { return current_loop; }

void UvLoop::run(actor::Worker& worker) {
  GATEHOUSE_ASSERT(&worker == &worker_ && !finished_);
  current_loop = this;
  worker.add_turn_end_hook(this);
  while (!worker.stopping()) {
    ++stats_.turns;
    if (worker.turn() || !dirty_.empty()) {
      poll(false);
    } else if (spin()) {
      if (++spins_ % kSpinsPerPoll == 0) poll(false);
    } else if (worker.prepare_sleep()) {
      sleep();
    }
  }
  finish();
  worker.remove_turn_end_hook(this);
}

void UvLoop::wake() { static_cast<void>(eventfd_write(wake_descriptor_, 1)); }

void UvLoop::sleep() {
  arm_timer();
  poll(true);
  worker_.awake();
  if (worker_.has_mail()) ++slept_for_mail_;
}

bool UvLoop::spin() {
  if (!may_spin_) return false;
  const bool probe = spin_credit_ == 0;
  if (probe && slept_for_mail_ < sleeps_per_probe_) return false;
  slept_for_mail_ = 0;
  const std::int64_t end = monotonic_ns() + (probe ? kProbeNs : kSpinNs);
  do {
    for (int i = 0; i < 16; ++i) pause_core();
    if (!worker_.has_mail()) continue;
    spin_credit_ = kSpinCredit;
    sleeps_per_probe_ = kSleepsPerProbeMin;
    return true;
  } while (monotonic_ns() < end);
  if (probe) {
    sleeps_per_probe_ = std::min(2 * sleeps_per_probe_, kSleepsPerProbeMax);
  } else {
    --spin_credit_;
  }
  return false;
}

void UvLoop::poll(bool block) {
  entered_ = false;
  ++stats_.polls;
  if (block) ++stats_.sleeps;
  uv_run(&uv_->loop, block ? UV_RUN_ONCE : UV_RUN_NOWAIT);
}

// libuv runs due timers before it polls, and then polls without a limit if none is left. A
// timer that came due on the way there must therefore repeat.
void UvLoop::arm_timer() {
  const std::int64_t ms = worker_.next_timer_ms();
  if (ms < 0) {
    uv_timer_stop(&uv_->timer);
    return;
  }
  uv_update_time(&uv_->loop);
  uv_timer_start(&uv_->timer, [](uv_timer_t*) {}, static_cast<std::uint64_t>(ms), 1);
}

void UvLoop::on_turn_end() {
  // No handler runs from flush(), so the list does not change on the way.
  for (std::size_t i = 0; i < dirty_.size(); ++i) {
    Stream* stream = dirty_[i];
    if (stream == nullptr) continue;
    stream->dirty_index_ = Stream::kClean;
    stream->flush();
  }
  dirty_.clear();
}

void UvLoop::finish() {
  on_turn_end();
  ending_ = true;
  for (uv_req_t* request : requests_) uv_cancel(request);
  uv_walk(&uv_->loop, close_at_end, nullptr);
  while (uv_run(&uv_->loop, UV_RUN_DEFAULT) != 0) {
  }
  dirty_.clear();
  GATEHOUSE_ASSERT(stream_count_ == 0 && requests_.empty());
  GATEHOUSE_ASSERT(uv_loop_close(&uv_->loop) == 0);
  finished_ = true;
}

uv_loop_s* UvLoop::uv() { return &uv_->loop; }
char* UvLoop::read_buffer() { return uv_->read_buffer.data(); }

Stream* UvLoop::find(ConnectionId id) const {
  if (id.generation == 0 || id.slot >= slots_.size()) return nullptr;
  const Slot& slot = slots_[id.slot];
  return slot.generation == id.generation ? slot.stream.get() : nullptr;
}

void UvLoop::adopt(std::unique_ptr<Stream> stream) {
  std::uint32_t index = free_slot_;
  if (index == kNoSlot) {
    index = static_cast<std::uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    free_slot_ = slots_[index].next_free;
  }
  Slot& slot = slots_[index];
  stream->id_ = ConnectionId{index, slot.generation};
  slot.stream = std::move(stream);
  ++stream_count_;
}

void UvLoop::destroy(Stream& stream) {
  const std::uint32_t index = stream.id_.slot;
  GATEHOUSE_ASSERT(find(stream.id_) == &stream);
  if (stream.dirty_index_ != Stream::kClean) dirty_[stream.dirty_index_] = nullptr;
  Slot& slot = slots_[index];
  if (++slot.generation == 0) slot.generation = 1;
  slot.next_free = free_slot_;
  free_slot_ = index;
  --stream_count_;
  slot.stream.reset();
}

void UvLoop::mark_dirty(Stream& stream) {
  stream.dirty_index_ = static_cast<std::uint32_t>(dirty_.size());
  dirty_.push_back(&stream);
}

void UvLoop::count_closed(CloseReason reason) { closed_[static_cast<std::size_t>(reason)]->add(); }

std::unique_ptr<std::string> UvLoop::take_buffer() {
  if (buffers_.empty()) {
    auto buffer = std::make_unique<std::string>();
    buffer->reserve(kBufferBytes);
    return buffer;
  }
  auto buffer = std::move(buffers_.back());
  buffers_.pop_back();
  buffers_bytes_ -= buffer->capacity();
  return buffer;
}

void UvLoop::give_back(std::unique_ptr<std::string> buffer) {
  const std::size_t bytes = buffer->capacity();
  if (bytes > kBufferBytesMax || buffers_bytes_ + bytes > kBuffersBytesMax) return;
  buffer->clear();
  buffers_bytes_ += bytes;
  buffers_.push_back(std::move(buffer));
}

std::string& UvLoop::scratch() {
  if (scratch_.capacity() > kBufferBytesMax) std::string().swap(scratch_);
  scratch_.clear();
  return scratch_;
}

void UvLoop::remove_request(uv_req_s* request) {
  requests_.erase(std::remove(requests_.begin(), requests_.end(), request), requests_.end());
}

}  // namespace gatehouse::net
