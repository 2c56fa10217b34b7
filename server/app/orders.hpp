// What the process is told by signals, and by when it must have ended.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>
#include <thread>

#include "app/events.hpp"
#include "base/signals.hpp"

namespace gatehouse::app {

// What is left at the end of the process has this long.
inline constexpr std::chrono::milliseconds kStopTimeout{5'000};

// Ends the process when what runs in its life takes longer than the limit: a script that never
// returns must not keep a stopping server alive.
class Watchdog {
 public:
  Watchdog(std::chrono::milliseconds limit, const char* complaint);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
  bool done_ = false;
  std::thread thread_;
};

// SIGTERM, SIGINT, SIGQUIT and SIGXCPU ask for an orderly end, which is at once as long as nothing
// is served; the second one is at once in any case. SIGHUP reopens the log, and reads keys, bans
// and game servers again; during the start it is kept until that is done. Others are named in the
// log once.
class Orders {
 public:
  // After take_signals(). `events` outlives it.
  explicit Orders(Events& events);
  Orders(const Orders&) = delete;
  Orders& operator=(const Orders&) = delete;

  // The start is over. Until then an order to end cuts it off after kStopTimeout.
  void started();

 private:
  void on_signal(int signal);
  void stop(int signal);

  Events& events_;
  std::set<int> named_;
  std::mutex mutex_;
  bool started_ = false;  // these two by mutex_
  std::unique_ptr<Watchdog> watchdog_;
  SignalReader reader_;  // last: its thread uses the members above
};

}  // namespace gatehouse::app
