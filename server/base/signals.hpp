// Signals of the process. From the first line of main no signal whose default action is deadly
// ends it by surprise: orders are kept until somebody follows them, and what has no meaning here
// is only noticed.
#pragma once

#include <thread>

#include "base/unique_function.hpp"

namespace gatehouse {

// A peer or a reader that went away must not end the process: writes fail with EPIPE.
void ignore_sigpipe();
// The same for a tool, and files that reach their size limit: writes fail with EFBIG.
void ignore_write_signals();

// Keeps back all signals that take_signals() handles, or lets them through with what they did
// before. The first line of main, before there are threads.
void hold_signals();
void let_signals_through();

// Handles, from now on, in the whole process: SIGHUP, SIGINT, SIGTERM, SIGQUIT and SIGXCPU, which
// are orders; SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGIO, SIGPWR, SIGSTKFLT, SIGXFSZ and
// the real-time signals, which would end the process: writes beyond a file's size limit fail with
// EFBIG. SIGPIPE, SIGTTIN and SIGTTOU are ignored: a terminal in use by another job is an error of
// the read, and none of the write. Programs that scripts start have the defaults. What hold_signals
// kept back arrives now.
void take_signals();

// Calls a function with the number of each signal that take_signals() handles, also of those that
// came before; a signal that came several times meanwhile is at least two. On a thread of its own,
// so that no script, and no reader of ours, stands in the way. One at a time.
class SignalReader {
 public:
  explicit SignalReader(UniqueFunction<void(int signal)> function);
  // No call starts after it. Not from inside the function.
  ~SignalReader();
  SignalReader(const SignalReader&) = delete;
  SignalReader& operator=(const SignalReader&) = delete;

 private:
  void run();

  UniqueFunction<void(int signal)> function_;
  std::thread thread_;
};

}  // namespace gatehouse
