#include "app/orders.hpp"

#include <signal.h>

#include <cstring>

#include "app/server.hpp"
#include "base/log.hpp"
#include "base/process_output.hpp"

namespace gatehouse::app {

Watchdog::Watchdog(std::chrono::milliseconds limit, const char* complaint)
    : thread_([this, limit, complaint] {
        std::unique_lock lock(mutex_);
        if (ended_.wait_for(lock, limit, [this] { return done_; })) return;
        log::error({}, "{}: the process is cut off", complaint);
        process_output::end_now(kExitFailed);
      }) {}

Watchdog::~Watchdog() {
  {
    std::lock_guard lock(mutex_);
    done_ = true;
  }
  ended_.notify_all();
  thread_.join();
}

Orders::Orders(Events& events)
    : events_(events), reader_([this](int signal) { on_signal(signal); }) {}

void Orders::started() {
  std::lock_guard lock(mutex_);
  started_ = true;
  watchdog_.reset();
}

void Orders::on_signal(int signal) {
  switch (signal) {
    case SIGHUP:
      return events_.reload();
    case SIGINT:
    case SIGTERM:
    case SIGQUIT:
    case SIGXCPU:
      return stop(signal);
    default:
      break;
  }
  if (!named_.insert(signal).second) return;
  if (signal == SIGXFSZ) {
    log::error({}, "a file has reached the size limit of the process: writing to it fails");
  } else {
    log::warn({}, "signal {} ({}) has no meaning here", signal, strsignal(signal));
  }
}

void Orders::stop(int signal) {
  const Events::State before = events_.stop_by_signal();
  if (!before.serving) {
    log::info({}, "ended by signal {} before the start", signal);
    process_output::end_now(kExitOk);
  }
  // After a drain that ops or a script asked for, the first signal changes nothing.
  if (before.stop_signals > 0) {
    log::warn({}, "second signal: ending at once");
    process_output::end_now(kExitFailed);
  }
  std::lock_guard lock(mutex_);
  if (!started_) {
    watchdog_ = std::make_unique<Watchdog>(kStopTimeout, "the start does not get to its end");
  }
}

}  // namespace gatehouse::app
