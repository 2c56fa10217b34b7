#include "net/signals.hpp"

#include <array>
#include <csignal>
#include <future>
#include <mutex>

#include "base/assert.hpp"
#include "net/uv.hpp"

namespace gatehouse::net {
namespace {

constexpr std::array kSignals{SIGINT, SIGTERM, SIGHUP};

}  // namespace

void ignore_sigpipe() { std::signal(SIGPIPE, SIG_IGN); }

// Lives until its last libuv handle closed.
struct SignalWatcher::State final : HandleOwner {
  void start(UvLoop& on, std::shared_ptr<State> me) {
    loop = &on;
    self = std::move(me);
    for (std::size_t i = 0; i < kSignals.size(); ++i) {
      GATEHOUSE_ASSERT(uv_signal_init(on.uv(), &handles[i]) == 0);
      handles[i].data = static_cast<HandleOwner*>(this);
      ++open;
      GATEHOUSE_ASSERT(uv_signal_start(&handles[i], on_signal, kSignals[i]) == 0);
    }
  }
  static void on_signal(uv_signal_t* handle, int signal) {
    auto& state = *static_cast<State*>(static_cast<HandleOwner*>(handle->data));
    state.loop->enter();
    std::lock_guard lock(state.mutex);
    if (state.active) state.function(signal);
  }
  void on_loop_end() override { close(); }
  void close() {
    if (open == 0) return;
    for (uv_signal_t& handle : handles) {
      if (uv_is_closing(as_handle(&handle)) != 0) continue;
      uv_close(as_handle(&handle), [](uv_handle_t* h) {
        auto& state = *static_cast<State*>(static_cast<HandleOwner*>(h->data));
        if (--state.open == 0) state.self.reset();
      });
    }
  }

  std::mutex mutex;  // held during a call
  bool active = true;
  UniqueFunction<void(int)> function;
  // Owner thread.
  UvLoop* loop = nullptr;
  std::size_t open = 0;
  std::array<uv_signal_t, kSignals.size()> handles{};
  std::shared_ptr<State> self;
};

SignalWatcher::SignalWatcher(UvLoop& loop, UniqueFunction<void(int signal)> function)
    : worker_(loop.worker()), state_(std::make_shared<State>()) {
  state_->function = std::move(function);
  if (UvLoop::current() == &loop) {
    state_->start(loop, state_);
    return;
  }
  std::promise<void> started;
  auto done = started.get_future();
  worker_.post([state = state_, target = &loop, started = std::move(started)]() mutable {
    if (!target->ending()) state->start(*target, state);
    started.set_value();
  });
  done.wait();
}

SignalWatcher::~SignalWatcher() {
  {
    std::lock_guard lock(state_->mutex);
    state_->active = false;
  }
  worker_.post([state = state_] { state->close(); });
}

}  // namespace gatehouse::net
