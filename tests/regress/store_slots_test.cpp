// What many wait for must not be held by a few: works of an account that take long hold one thread
// of a pool and, once that is known, half of the threads with all others like it; and a thread that
// is out of order, and therefore always idle, must not draw the work that the others could do.
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <latch>
#include <memory>
#include <string>
#include <vector>

#include "actor/work_pool.hpp"
#include "actor/work_queue.hpp"
#include "test_world.hpp"

namespace gatehouse::store {
namespace {

constexpr actor::WorkKey kAnna = 11;
constexpr actor::WorkKey kBert = 12;
constexpr actor::WorkKey kCarl = 13;
constexpr MonotonicMs kLong = 1'000;

class Queue {
 public:
  explicit Queue(actor::WorkQueueOptions options) : queue_(options) {}

  bool push(actor::WorkKey key, std::string name) {
    return queue_.push(key, [this, name](const actor::WorkContext&) { last_ = name; }).has_value();
  }
  // Begins what goes next and says its name; empty: nothing may begin.
  std::string begin() {
    if (!queue_.runnable()) return "";
    running_.push_back(queue_.pop());
    running_.back().work({});
    return last_;
  }
  // The work that began first ends.
  void end(MonotonicMs held_ms = 1) {
    queue_.done(running_.front(), held_ms, now_ms_ += held_ms);
    running_.erase(running_.begin());
  }
  std::size_t size() const { return queue_.size(); }

 private:
  actor::WorkQueue queue_;
  std::vector<actor::WorkQueue::Item> running_;
  std::string last_;
  MonotonicMs now_ms_ = 1;
};

TEST(StoreSlots, AnAccountHoldsOneThread) {
  Queue queue({.threads = 4, .works_max = 100});
  for (const char* name : {"a1", "a2", "a3", "a4", "a5"}) ASSERT_TRUE(queue.push(kAnna, name));
  ASSERT_TRUE(queue.push(kBert, "b1"));
  EXPECT_EQ(queue.begin(), "a1");
  EXPECT_EQ(queue.begin(), "b1");
  EXPECT_EQ(queue.begin(), "") << "three threads are free, and none is for anna";
  queue.end();
  EXPECT_EQ(queue.begin(), "a2");
}

TEST(StoreSlots, AccountsTakeTurns) {
  Queue queue({.threads = 1, .works_max = 100});
  for (const char* name : {"a1", "a2", "a3"}) ASSERT_TRUE(queue.push(kAnna, name));
  ASSERT_TRUE(queue.push(kBert, "b1"));
  ASSERT_TRUE(queue.push(0, "x1"));
  std::vector<std::string> order;
  while (queue.size() > 0) {
    order.push_back(queue.begin());
    queue.end();
  }
  EXPECT_EQ(order, (std::vector<std::string>{"a1", "b1", "x1", "a2", "a3"}));
}

TEST(StoreSlots, AnAccountFillsItsOwnQueueAlone) {
  Queue queue({.threads = 2, .works_max = 10, .key_works_max = 3});
  int taken = 0;
  for (int i = 0; i < 10; ++i) taken += queue.push(kAnna, "a") ? 1 : 0;
  EXPECT_LE(taken, 3);
  EXPECT_TRUE(queue.push(kBert, "b"));
}

TEST(StoreSlots, SlowAccountsLeaveHalfOfTheThreads) {
  Queue queue({.threads = 4, .works_max = 100});
  for (actor::WorkKey key = 100; key < 105; ++key) ASSERT_TRUE(queue.push(key, "locked"));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(queue.begin(), "locked");
  for (int i = 0; i < 4; ++i) queue.end(kLong);
  EXPECT_EQ(queue.begin(), "locked");
  queue.end(kLong);
  // All five come back at once, before the others.
  for (actor::WorkKey key = 100; key < 105; ++key) ASSERT_TRUE(queue.push(key, "locked"));
  EXPECT_EQ(queue.begin(), "locked");
  EXPECT_EQ(queue.begin(), "locked");
  EXPECT_EQ(queue.begin(), "") << "two threads are kept";
  ASSERT_TRUE(queue.push(kAnna, "a1"));
  ASSERT_TRUE(queue.push(kBert, "b1"));
  EXPECT_EQ(queue.begin(), "a1");
  EXPECT_EQ(queue.begin(), "b1");
  queue.end(1);  // one of the locked, which is free again
  queue.end(kLong);
  ASSERT_TRUE(queue.push(100, "quick again"));
  ASSERT_TRUE(queue.push(kCarl, "c1"));
  EXPECT_EQ(queue.begin(), "locked") << "they are not starved";
  EXPECT_EQ(queue.begin(), "quick again");
}

TEST(StoreSlots, AThreadOutOfOrderDrawsNoWork) {
  // Thread 0 never gets what it needs, the others do.
  actor::WorkPoolOptions options{.name = "t", .threads = 3, .queue_max = 1'000};
  options.ready = [](std::size_t thread) { return thread != 0; };
  options.prepare = [](std::size_t thread) { return thread != 0; };
  options.prepare_pause_ms = 1;
  std::atomic<int> by_bad{0};
  std::atomic<int> done{0};
  actor::WorkPool pool(test_world(), std::move(options));
  for (int i = 0; i < 200; ++i) {
    std::promise<void> ended;
    ASSERT_TRUE(pool.submit([&](const actor::WorkContext& context) {
      by_bad += context.thread == 0 ? 1 : 0;
      ++done;
      ended.set_value();
    }));
    ended.get_future().wait();
  }
  pool.stop(actor::WorkPool::Stop::kDrain);
  EXPECT_EQ(done.load(), 200);
  EXPECT_EQ(by_bad.load(), 0);
}

TEST(StoreSlots, WhenAllAreOutOfOrderWorkIsToldAtOnce) {
  std::atomic<bool> fit{false};
  actor::WorkPoolOptions options{.name = "t", .threads = 3, .queue_max = 1'000};
  options.ready = [&fit](std::size_t) { return fit.load(); };
  options.prepare = [&fit](std::size_t) { return fit.load(); };
  options.prepare_pause_ms = 60'000;
  actor::WorkPool pool(test_world(), std::move(options));
  const auto run_one = [&pool] {
    std::promise<void> ended;
    ASSERT_TRUE(pool.submit([&ended](const actor::WorkContext&) { ended.set_value(); }));
    ended.get_future().wait();
  };
  for (int i = 0; i < 20; ++i) run_one();
  fit = true;
  for (int i = 0; i < 20; ++i) run_one();
  pool.stop(actor::WorkPool::Stop::kDrain);
}

TEST(StoreSlots, AThreadThatWaitsForItsConnectionHoldsNobodyUp) {
  std::promise<void> go;
  auto may_go = go.get_future().share();
  actor::WorkPoolOptions options{.name = "t", .threads = 2, .queue_max = 1'000};
  std::atomic<bool> lost{false};
  options.ready = [&lost](std::size_t thread) { return thread != 0 || !lost.load(); };
  options.prepare = [may_go](std::size_t) {
    may_go.wait();
    return true;
  };
  actor::WorkPool pool(test_world(), std::move(options));
  // Both threads are seen to work.
  std::latch both(2);
  for (int i = 0; i < 2; ++i)
    ASSERT_TRUE(pool.submit([&both](const actor::WorkContext&) { both.arrive_and_wait(); }));
  both.wait();
  lost = true;
  for (int i = 0; i < 50; ++i) {
    std::promise<void> ended;
    ASSERT_TRUE(pool.submit([&ended](const actor::WorkContext&) { ended.set_value(); }, kAnna));
    ended.get_future().wait();
  }
  go.set_value();
  pool.stop(actor::WorkPool::Stop::kDrain);
}

TEST(StoreSlots, StopCallsEveryWorkOfAnAccountOnce) {
  for (const auto how : {actor::WorkPool::Stop::kDrain, actor::WorkPool::Stop::kDiscard}) {
    std::atomic<int> called{0};
    actor::WorkPool pool(test_world(), {.name = "t", .threads = 3, .queue_max = 1'000});
    for (int i = 0; i < 300; ++i)
      ASSERT_TRUE(pool.submit([&called](const actor::WorkContext&) { ++called; },
                              static_cast<actor::WorkKey>(i % 7 + 1)));
    pool.stop(how);
    EXPECT_EQ(called.load(), 300);
  }
}

}  // namespace
}  // namespace gatehouse::store
