// Workers that one thread steps, under a clock that stands still until it is moved.
#include <gtest/gtest.h>

#include <string>

#include "actor/system.hpp"
#include "simulated_world.hpp"
#include "test_services.hpp"

namespace gatehouse::actor {
namespace {

class SteppedSystem : public testing::Test {
 protected:
  void SetUp() override {
    system_.start([](Worker&) { return make_condvar_loop(); });
  }
  void TearDown() override {
    system_.stop();
    EXPECT_EQ(world_.executor.count(), 0u);
    EXPECT_EQ(Worker::current(), nullptr);
  }
  void settle() {
    while (world_.executor.step()) {
    }
  }

  test::SimulatedWorld world_{7};
  MetricSet metrics_;
  System system_{world_.world, {.workers = 2, .limits = {}}, metrics_};
};

TEST_F(SteppedSystem, WorkersAreCurrentWhileTheyAreStepped) {
  std::string trace;
  for (std::uint16_t i = 0; i < 2; ++i) {
    system_.worker(i).post([this, i, &trace] {
      EXPECT_EQ(Worker::current(), &system_.worker(i));
      trace += std::to_string(i);
    });
  }
  EXPECT_EQ(Worker::current(), nullptr);
  settle();
  EXPECT_EQ(Worker::current(), nullptr);
  EXPECT_EQ(trace.size(), 2u);
}

TEST_F(SteppedSystem, ATimerFiresWhenTheClockGetsThere) {
  struct Alarm final : Timer {
    explicit Alarm(int& count) : fired(count) {}
    void fire() override { ++fired; }
    int& fired;
  };
  int fired = 0;
  Alarm alarm(fired);
  Worker& worker = system_.worker(1);
  worker.post([&] { worker.timers().add(alarm, worker.clock().monotonic_ms() + 3'000); });
  settle();
  EXPECT_EQ(fired, 0);
  EXPECT_GT(worker.next_timer_ms(), 0);
  EXPECT_LE(worker.next_timer_ms(), 3'000);
  world_.clock.advance_ms(2'999);
  settle();
  EXPECT_EQ(fired, 0);
  world_.clock.advance_ms(1);
  settle();
  EXPECT_EQ(fired, 1);
  EXPECT_EQ(worker.next_timer_ms(), -1);
  EXPECT_FALSE(worker.has_work());
}

TEST_F(SteppedSystem, MessagesCrossFromWorkerToWorker) {
  int left = 10;
  ServiceId ids[2];
  for (std::uint16_t i = 0; i < 2; ++i) {
    const auto pass_on = [this, i, &left, &ids](TestService&, MessagePtr) {
      EXPECT_EQ(Worker::current(), &system_.worker(i));
      if (--left == 0) return;
      EXPECT_EQ(system_.send(message_to(ids[1 - i])), SendResult::kQueued);
    };
    ids[i] = spawn(system_, pass_on, i);
  }
  EXPECT_EQ(system_.send(message_to(ids[0])), SendResult::kQueued);
  settle();
  EXPECT_EQ(left, 0);
}

}  // namespace
}  // namespace gatehouse::actor
