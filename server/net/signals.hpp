// Signals of the process, delivered to a worker's thread.
#pragma once

#include <memory>

#include "base/unique_function.hpp"
#include "net/uv_loop.hpp"

namespace gatehouse::net {

// A peer that went away must not end the process: writes fail with EPIPE instead.
void ignore_sigpipe();

// Calls `function` with the number of each SIGINT, SIGTERM and SIGHUP, on the loop's thread.
class SignalWatcher {
 public:
  // Returns when the watch is on. Any thread, while the System runs.
  SignalWatcher(UvLoop& loop, UniqueFunction<void(int signal)> function);
  // No call starts after it. Not from inside the function.
  ~SignalWatcher();
  SignalWatcher(const SignalWatcher&) = delete;
  SignalWatcher& operator=(const SignalWatcher&) = delete;

 private:
  struct State;
  actor::Worker& worker_;
  std::shared_ptr<State> state_;
};

}  // namespace gatehouse::net
