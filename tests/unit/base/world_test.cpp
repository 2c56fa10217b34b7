#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <set>
#include <string>

#include <pthread.h>

#include "base/log.hpp"
#include "simulated_world.hpp"
#include "test_world.hpp"

namespace gatehouse {
namespace {

using test::SimulatedWorld;

TEST(SystemClock, GoesOnAndKnowsTheYear) {
  const Clock& clock = test_world().clock;
  const std::int64_t before = clock.monotonic_ns();
  EXPECT_GE(clock.monotonic_ns(), before);
  EXPECT_EQ(clock.monotonic_ms() / 1'000, clock.monotonic_ns() / 1'000'000'000);
  EXPECT_GT(clock.wall_s(), 1'700'000'000);
  EXPECT_NEAR(static_cast<double>(clock.wall_ms() / 1'000), static_cast<double>(time(nullptr)), 5);
}

TEST(ThreadExecutor, StartsAThreadOfThatNameAndPriority) {
  std::string name(16, '\0');
  int nice = 0;
  pid_t id = 0;
  const auto thread =
      test_world().executor.start({.name = "a name too long to show", .nice = 3}, [&] {
        pthread_getname_np(pthread_self(), name.data(), name.size());
        id = gettid();
        nice = getpriority(PRIO_PROCESS, static_cast<id_t>(id));
      });
  thread->join();
  thread->join();  // twice is once
  EXPECT_STREQ(name.c_str(), "a name too long");
  EXPECT_NE(id, gettid());
  EXPECT_EQ(nice, std::min(getpriority(PRIO_PROCESS, 0) + 3, 19));
}

TEST(ThreadExecutor, GivesSignalsToThoseWhoTakeThem) {
  for (const bool takes : {true, false}) {
    bool blocked = false;
    const auto thread = test_world().executor.start({.takes_signals = takes}, [&blocked] {
      sigset_t mask;
      pthread_sigmask(SIG_SETMASK, nullptr, &mask);
      blocked = sigismember(&mask, SIGTERM) == 1;
      EXPECT_EQ(sigismember(&mask, SIGSEGV), 0);  // its own
    });
    thread->join();
    EXPECT_EQ(blocked, !takes);
  }
}

TEST(ThreadExecutor, DestroysTheRunnerAtItsEnd) {
  class Told final : public Runner {
   public:
    explicit Told(bool& gone) : gone_(gone) {}
    ~Told() override { gone_ = true; }
    void run() override { EXPECT_FALSE(gone_); }

   private:
    bool& gone_;
  };
  bool gone = false;
  test_world().executor.start({}, std::make_unique<Told>(gone))->join();
  EXPECT_TRUE(gone);
}

// Counts down, a step at a time.
class Countdown final : public Runner {
 public:
  Countdown(std::string& trace, char sign, int left) : trace_(trace), sign_(sign), left_(left) {}
  void run() override {}
  Step step() override {
    if (left_-- == 0) return Step::kEnded;
    trace_ += sign_;
    return Step::kWorked;
  }

 private:
  std::string& trace_;
  const char sign_;
  int left_;
};

std::string trace_of(std::uint64_t seed) {
  SimulatedWorld world(seed);
  std::string trace;
  const auto a = world.executor.start({}, std::make_unique<Countdown>(trace, 'a', 10));
  const auto b = world.executor.start({}, std::make_unique<Countdown>(trace, 'b', 10));
  while (world.executor.step()) {
  }
  EXPECT_EQ(world.executor.count(), 0u);
  return trace + std::to_string(world.random.number());
}

TEST(SimulatedWorld, OneSeedIsOneRun) {
  std::set<std::string> traces;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const std::string trace = trace_of(seed);
    EXPECT_EQ(trace, trace_of(seed));
    traces.insert(trace);
  }
  EXPECT_EQ(traces.size(), 20u);
}

TEST(SimulatedWorld, JoiningStepsToTheEnd) {
  SimulatedWorld world(1);
  std::string trace;
  world.executor.start({}, std::make_unique<Countdown>(trace, 'x', 3))->join();
  EXPECT_EQ(trace, "xxx");
  // What has no steps is left out.
  world.executor.start({}, [] { FAIL() << "runs"; })->join();
}

TEST(SimulatedWorld, WhoRestsHasItsTurnLater) {
  SimulatedWorld world(1);
  world.executor.set_rest([](const std::string& name) { return name == "slow" ? 5u : 0u; });
  std::string trace;
  const auto slow =
      world.executor.start({.name = "slow"}, std::make_unique<Countdown>(trace, 's', 1));
  EXPECT_TRUE(world.executor.step());
  EXPECT_FALSE(world.executor.step());
  EXPECT_EQ(world.executor.next_in_ms(), 5);
  EXPECT_EQ(world.executor.count(), 1u);
  world.clock.advance_ms(5);
  EXPECT_EQ(world.executor.next_in_ms(), -1);
  EXPECT_FALSE(world.executor.step());  // its end
  EXPECT_EQ(world.executor.count(), 0u);
}

TEST(SimulatedWorld, TheLogCountsByTheClockThatItIsGiven) {
  SimulatedWorld world(1);
  log::use_clock(&world.clock);
  const std::uint64_t before = log::left_out();
  bool full = false;
  for (int i = 0; i < 100'000 && !full; ++i) full = !log::admit("a player of a simulation");
  EXPECT_TRUE(full);
  EXPECT_GT(log::left_out(), before);
  EXPECT_FALSE(log::admit("a player of a simulation"));
  world.clock.advance_ms(60'000);
  log::say_left_out();
  EXPECT_TRUE(log::admit("a player of a simulation"));
  log::say_left_out(true);
  log::use_clock(nullptr);
}

}  // namespace
}  // namespace gatehouse
