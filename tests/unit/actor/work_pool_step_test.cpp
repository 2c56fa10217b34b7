// A pool whose threads are stepped.
#include <gtest/gtest.h>

#include <string>

#include "actor/work_pool.hpp"
#include "simulated_world.hpp"

namespace gatehouse::actor {
namespace {

TEST(WorkPoolStep, RunsWhatWaitsWhenItIsStepped) {
  test::SimulatedWorld world(3);
  WorkPool pool(world.world, {.name = "t", .threads = 2, .queue_max = 10, .group_max = 2});
  EXPECT_EQ(world.executor.count(), 2u);
  EXPECT_FALSE(world.executor.step());
  std::string trace;
  for (const char c : std::string("abc")) ASSERT_TRUE(pool.submit([&trace, c] { trace += c; }));
  EXPECT_EQ(trace, "");
  EXPECT_TRUE(world.executor.step());
  EXPECT_EQ(trace, "ab");
  EXPECT_TRUE(world.executor.step());
  EXPECT_EQ(trace, "abc");
  EXPECT_FALSE(world.executor.step());
  ASSERT_TRUE(pool.submit([&trace] { trace += 'd'; }));
  pool.stop(WorkPool::Stop::kDrain);
  EXPECT_EQ(trace, "abcd");
  EXPECT_EQ(world.executor.count(), 0u);
}

TEST(WorkPoolStep, AThreadThatIsOutOfOrderLeavesTheWorkToTheOther) {
  test::SimulatedWorld world(3);
  std::size_t tries = 0;
  WorkPool pool(world.world, {.name = "t",
                              .threads = 2,
                              .ready = [](std::size_t thread) { return thread == 1; },
                              .prepare = [&tries](std::size_t) { return ++tries > 100; }});
  std::size_t ran_on = 9;
  ASSERT_TRUE(
      pool.submit(Work([&ran_on](const WorkContext& context) { ran_on = context.thread; })));
  while (world.executor.step()) {
  }
  EXPECT_EQ(ran_on, 1u);
  pool.stop(WorkPool::Stop::kDiscard);
}

}  // namespace
}  // namespace gatehouse::actor
