#include "actor/work_pool.hpp"
#include "test_world.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace gatehouse::actor {
namespace {

using Stop = WorkPool::Stop;

// Keeps one thread of a pool busy until open() or its end.
class Blocker {
 public:
  explicit Blocker(WorkPool& pool) {
    std::promise<void> started;
    auto running = started.get_future();
    EXPECT_TRUE(pool.submit([started = std::move(started),
                             gate = gate_.get_future().share()](const WorkContext&) mutable {
      started.set_value();
      gate.wait();
    }));
    running.wait();
  }
  ~Blocker() { open(); }
  void open() {
    if (!std::exchange(opened_, true)) gate_.set_value();
  }

 private:
  std::promise<void> gate_;
  bool opened_ = false;
};

// A stop is under way when new work is refused.
void wait_until_stopping(WorkPool& pool) {
  while (true) {
    const auto taken = pool.submit([] {});
    if (!taken && taken.error().code == Errc::kClosed) return;
    std::this_thread::yield();
  }
}

TEST(WorkPool, TakesWhatWaitsInGroups) {
  std::vector<std::string> seen;  // written by the one thread, read after stop()
  WorkPoolOptions options{.name = "t", .threads = 1, .queue_max = 100, .group_max = 4};
  options.begin_group = [&seen](std::size_t thread) {
    seen.push_back("begin" + std::to_string(thread));
  };
  options.end_group = [&seen](std::size_t) { seen.push_back("end"); };
  WorkPool pool(test_world(), std::move(options));
  Blocker blocker(pool);
  for (int i = 0; i < 6; ++i)
    ASSERT_TRUE(pool.submit([&seen, i](const WorkContext&) { seen.push_back(std::to_string(i)); }));
  EXPECT_EQ(pool.queue_length(), 6u);
  blocker.open();
  pool.stop(Stop::kDrain);
  const std::vector<std::string> wanted = {"begin0", "end", "begin0", "0", "1", "2",
                                           "3",      "end", "begin0", "4", "5", "end"};
  EXPECT_EQ(seen, wanted);
}

TEST(WorkPool, OneThreadRunsWorkInOrder) {
  WorkPool pool(test_world(), {.name = "t", .threads = 1, .queue_max = 100});
  std::vector<int> seen;  // written by the one thread, read after stop()
  for (int i = 0; i < 100; ++i)
    ASSERT_TRUE(pool.submit([&seen, i](const WorkContext& context) {
      EXPECT_EQ(context.thread, 0u);
      EXPECT_FALSE(context.discarded);
      seen.push_back(i);
    }));
  pool.stop(Stop::kDrain);
  for (std::size_t i = 0; i < seen.size(); ++i) EXPECT_EQ(seen[i], static_cast<int>(i));
  EXPECT_EQ(seen.size(), 100u);
}

TEST(WorkPool, QueueIsBounded) {
  WorkPool pool(test_world(), {.name = "t", .threads = 1, .queue_max = 3});
  Blocker blocker(pool);
  std::atomic<int> ran = 0;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(pool.submit([&ran] { ++ran; }));
  EXPECT_EQ(pool.queue_length(), 3u);
  const auto refused = pool.submit([&ran] { ++ran; });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kFull);
  blocker.open();
  pool.stop(Stop::kDrain);
  EXPECT_EQ(ran, 3);
  EXPECT_EQ(pool.queue_length(), 0u);
}

TEST(WorkPool, DiscardTellsEveryWaitingWorkOnce) {
  WorkPool pool(test_world(), {.name = "t", .threads = 2, .queue_max = 100});
  Blocker first(pool);
  Blocker second(pool);
  std::atomic<int> ran = 0;
  std::atomic<int> told = 0;
  for (int i = 0; i < 50; ++i)
    EXPECT_TRUE(
        pool.submit([&](const WorkContext& context) { ++(context.discarded ? told : ran); }));
  std::thread stopper([&] { pool.stop(Stop::kDiscard); });
  wait_until_stopping(pool);
  first.open();
  second.open();
  stopper.join();
  EXPECT_EQ(ran, 0);
  EXPECT_EQ(told, 50);
}

TEST(WorkPool, DiscardDestroysPlainWorkUncalled) {
  auto held = std::make_shared<int>(0);
  std::atomic<bool> called = false;
  {
    WorkPool pool(test_world(), {.name = "t", .threads = 1, .queue_max = 10});
    Blocker blocker(pool);
    EXPECT_TRUE(pool.submit([held, &called] { called = true; }));
    EXPECT_EQ(held.use_count(), 2);
    std::thread stopper([&] { pool.stop(Stop::kDiscard); });
    wait_until_stopping(pool);
    blocker.open();
    stopper.join();
  }
  EXPECT_FALSE(called);
  EXPECT_EQ(held.use_count(), 1);
}

TEST(WorkPool, DestructorTellsWhoWaits) {
  std::atomic<int> calls = 0;
  {
    WorkPool pool(test_world(), {.name = "t", .threads = 1, .queue_max = 100});
    for (int i = 0; i < 100; ++i) (void)pool.submit([&](const WorkContext&) { ++calls; });
  }
  EXPECT_EQ(calls, 100);
}

TEST(WorkPool, StoppedPoolTakesNothing) {
  WorkPool pool(test_world(), {.name = "t", .threads = 1, .queue_max = 10});
  pool.stop(Stop::kDrain);
  pool.stop(Stop::kDiscard);
  const auto refused = pool.submit([] {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kClosed);
}

TEST(WorkPool, DrainBecomesDiscardWhenAsked) {
  constexpr int kWorks = 100'000;  // drained one by one they would take minutes
  WorkPool pool(test_world(), {.name = "t", .threads = 1, .queue_max = kWorks});
  std::atomic<int> told = 0;
  std::atomic<int> ran = 0;
  for (int i = 0; i < kWorks; ++i)
    EXPECT_TRUE(pool.submit([&](const WorkContext& context) {
      ++(context.discarded ? told : ran);
      const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(1);
      while (!context.discarded && std::chrono::steady_clock::now() < end) {
      }
    }));
  std::thread drainer([&] { pool.stop(Stop::kDrain); });
  wait_until_stopping(pool);
  pool.stop(Stop::kDiscard);
  drainer.join();
  EXPECT_GT(told, 0);
  EXPECT_EQ(told + ran, kWorks);
}

TEST(WorkPool, WorkMaySubmitWork) {
  WorkPool pool(test_world(), {.name = "t", .threads = 2, .queue_max = 10});
  std::promise<void> done;
  ASSERT_TRUE(pool.submit([&] { EXPECT_TRUE(pool.submit([&] { done.set_value(); })); }));
  done.get_future().wait();
}

TEST(WorkPool, ManySubmittersLoseNothing) {
  constexpr int kSubmitters = 4;
  constexpr int kWorks = 5'000;
  std::atomic<int> ran = 0;
  std::atomic<int> full = 0;
  {
    WorkPool pool(test_world(), {.name = "t", .threads = 4, .queue_max = 64});
    std::vector<std::thread> submitters;
    for (int s = 0; s < kSubmitters; ++s)
      submitters.emplace_back([&] {
        for (int i = 0; i < kWorks; ++i)
          while (!pool.submit([&ran](const WorkContext& context) {
            EXPECT_LT(context.thread, 4u);
            ++ran;
          })) {
            ++full;
            std::this_thread::yield();
          }
      });
    for (std::thread& submitter : submitters) submitter.join();
  }
  EXPECT_EQ(ran, kSubmitters * kWorks);
}

TEST(WorkPool, ThreadsAreNicedAndTakeNoSignals) {
  WorkPool pool(test_world(), {.name = "hash", .threads = 1, .queue_max = 10, .nice = 5});
  std::promise<std::pair<int, bool>> found;
  ASSERT_TRUE(pool.submit([&found] {
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    found.set_value(
        {getpriority(PRIO_PROCESS, static_cast<id_t>(gettid())), sigismember(&mask, SIGTERM) == 1});
  }));
  const auto [nice, blocked] = found.get_future().get();
  EXPECT_EQ(nice, std::min(getpriority(PRIO_PROCESS, static_cast<id_t>(gettid())) + 5, 19));
  EXPECT_TRUE(blocked);
}

}  // namespace
}  // namespace gatehouse::actor
