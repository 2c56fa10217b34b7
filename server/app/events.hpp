// What the main thread waits for while the workers run.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>

namespace gatehouse::app {

// Counts signals and other wishes; any thread adds, the main thread waits.
class Events {
 public:
  struct State {
    int stops = 0;  // wishes to end, the signals among them
    int stop_signals = 0;
    int reloads = 0;
    int exit_code = 0;     // that the first wish to end asks for
    bool serving = false;  // there is something to take down in order
  };

  void stop(int exit_code = 0) {
    change([exit_code](State& s) {
      if (s.stops++ == 0) s.exit_code = exit_code;
    });
  }
  // The state before.
  State stop_by_signal() {
    State before;
    change([&before](State& s) {
      before = s;
      ++s.stops;
      ++s.stop_signals;
    });
    return before;
  }
  void reload() {
    change([](State& s) { ++s.reloads; });
  }
  void serve() {
    change([](State& s) { s.serving = true; });
  }

  // Waits until done(state) holds, for at most `limit` when given; false on a time-out. Polls
  // done() every 20 ms as well: it may look at counters that nobody announces.
  template <class Done>
  bool wait(Done&& done, std::optional<std::chrono::milliseconds> limit = std::nullopt) {
    const auto end = std::chrono::steady_clock::now() + limit.value_or(std::chrono::hours(0));
    std::unique_lock lock(mutex_);
    while (!done(state_)) {
      if (limit && std::chrono::steady_clock::now() >= end) return false;
      if (limit) {
        changed_.wait_for(lock, std::chrono::milliseconds(20));
      } else {
        changed_.wait(lock);
      }
    }
    return true;
  }
  [[nodiscard]] State state() const {
    std::lock_guard lock(mutex_);
    return state_;
  }

 private:
  template <class F>
  void change(F&& f) {
    {
      std::lock_guard lock(mutex_);
      f(state_);
    }
    changed_.notify_all();
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  State state_;
};

}  // namespace gatehouse::app
