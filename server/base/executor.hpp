// Who runs what: workers, the threads of pools, the monitor. The process gives each a thread of its
// own; a simulation has one thread for all of them and lets each make a step in turn.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "base/unique_function.hpp"

namespace gatehouse {

struct ThreadOptions {
  std::string name{};          // at most 15 bytes of it are shown; empty: the process's
  int nice = 0;                // added to the process's; above 0 the thread gives way to others
  bool takes_signals = false;  // those sent to the process
};

// Work that goes on until it is told to end, by whatever it is that it works on.
class Runner {
 public:
  virtual ~Runner() = default;
  // All of it, waiting where there is nothing to do.
  virtual void run() = 0;

  enum class Step { kWorked, kIdle, kEnded };
  // A part of it, without waiting. What a simulation leaves out has none.
  virtual Step step() { return Step::kEnded; }
};

// What an Executor has started. join() before it is destroyed.
class Thread {
 public:
  virtual ~Thread() = default;
  // Waits until the runner has ended. Not from the runner. Twice is once.
  virtual void join() = 0;
};

// Any thread.
class Executor {
 public:
  virtual ~Executor() = default;
  // Destroys the runner at its end, at the latest with the Thread.
  [[nodiscard]] virtual std::unique_ptr<Thread> start(ThreadOptions options,
                                                      std::unique_ptr<Runner> runner) = 0;

  // For what no simulation steps.
  [[nodiscard]] std::unique_ptr<Thread> start(ThreadOptions options, UniqueFunction<void()> body) {
    class Body final : public Runner {
     public:
      explicit Body(UniqueFunction<void()> body) : body_(std::move(body)) {}
      void run() override { body_(); }

     private:
      UniqueFunction<void()> body_;
    };
    return start(std::move(options), std::make_unique<Body>(std::move(body)));
  }
};

}  // namespace gatehouse
