// The World of a process: the system's clocks, its random numbers, and threads. Programs make one
// in their main; nothing below `app` includes this.
#pragma once

#include "base/world.hpp"

namespace gatehouse {

class SystemClock final : public Clock {
 public:
  [[nodiscard]] std::int64_t monotonic_ns() const override;
  [[nodiscard]] WallMs wall_ms() const override;
};

// The system's generator. Short requests come out of a pool of the calling thread, wiped as it is
// used and dropped by a forked child. Aborts when the system has no randomness to give.
class SystemRandom final : public Random {
 public:
  void fill(char* out, std::size_t size) override;
};

class ThreadExecutor final : public Executor {
 public:
  using Executor::start;
  [[nodiscard]] std::unique_ptr<Thread> start(ThreadOptions options,
                                              std::unique_ptr<Runner> runner) override;
};

class SystemWorld {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor)
  operator const World&() { return world_; }

 private:
  SystemClock clock_;
  SystemRandom random_;
  ThreadExecutor executor_;
  const World world_{clock_, random_, executor_};
};

}  // namespace gatehouse
