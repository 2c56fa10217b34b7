#include "net/uv_loop.hpp"

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
      transports_(worker, metrics, this),
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
    static_cast<void>(
        eventfd_read(static_cast<UvLoop*>(handle->loop->data)->wake_descriptor_, &count));
  });
  GATEHOUSE_ASSERT(uv_timer_init(&uv_->loop, &uv_->timer) == 0);
  uv_->wake.data = uv_->timer.data = nullptr;
}

UvLoop::~UvLoop() {
  if (!finished_) finish();
  ::close(wake_descriptor_);
}

void UvLoop::run(actor::Worker& worker) {
  GATEHOUSE_ASSERT(&worker == &worker_ && !finished_);
  while (!worker.stopping()) {
    ++stats_.turns;
    if (worker.turn() || transports_.has_output()) {
      poll(false);
    } else if (spin()) {
      if (++spins_ % kSpinsPerPoll == 0) poll(false);
    } else if (worker.prepare_sleep()) {
      sleep();
    }
  }
  finish();
}

void UvLoop::wake() {
  static_cast<void>(eventfd_write(wake_descriptor_, 1));
}

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
  const Clock& clock = worker_.clock();
  const std::int64_t end = clock.monotonic_ns() + (probe ? kProbeNs : kSpinNs);
  do {
    for (int i = 0; i < 16; ++i) pause_core();
    if (!worker_.has_mail()) continue;
    spin_credit_ = kSpinCredit;
    sleeps_per_probe_ = kSleepsPerProbeMin;
    return true;
  } while (clock.monotonic_ns() < end);
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
  uv_timer_start(
      &uv_->timer, [](uv_timer_t*) {}, static_cast<std::uint64_t>(ms), 1);
}

void UvLoop::finish() {
  transports_.end();
  for (uv_req_t* request : requests_) uv_cancel(request);
  uv_walk(&uv_->loop, close_at_end, nullptr);
  while (uv_run(&uv_->loop, UV_RUN_DEFAULT) != 0) {
  }
  GATEHOUSE_ASSERT(transports_.count() == 0 && requests_.empty());
  GATEHOUSE_ASSERT(uv_loop_close(&uv_->loop) == 0);
  finished_ = true;
}

uv_loop_s* UvLoop::uv() {
  return &uv_->loop;
}
char* UvLoop::read_buffer() {
  return uv_->read_buffer.data();
}

void UvLoop::remove_request(uv_req_s* request) {
  requests_.erase(std::remove(requests_.begin(), requests_.end(), request), requests_.end());
}

}  // namespace gatehouse::net
