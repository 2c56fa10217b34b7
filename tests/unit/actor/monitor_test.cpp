// The endless-loop monitor and what it does to a handler (docs/skynet-rules.md 2.15).
#include <pthread.h>

#include <atomic>
#include <future>
#include <thread>

#include "test_services.hpp"
#include "test_world.hpp"
#include "waiting.hpp"

namespace gatehouse::actor {
namespace {

using test::eventually;

// A handler that ends only when it is interrupted or told to.
struct Spinner {
  std::atomic<bool> stop{false};
  std::atomic<bool> spins{false};
  std::atomic<int> interrupts{0};
  std::atomic<pthread_t> interrupted_thread{}, thread{};
  bool ends_when_interrupted = true;

  static void interrupt(void* self) {
    auto* spinner = static_cast<Spinner*>(self);
    ++spinner->interrupts;
    spinner->interrupted_thread = pthread_self();
    if (spinner->ends_when_interrupted) spinner->stop = true;
  }
  void operator()() {
    thread = pthread_self();
    set_interrupt_target({&Spinner::interrupt, this});
    spins = true;
    while (!stop) std::this_thread::yield();
    set_interrupt_target({});
    spins = false;
  }
};

class MonitorTest : public testing::Test {
 protected:
  void start(std::uint32_t report_ms, std::uint32_t break_ms) {
    Limits limits;
    limits.endless_loop_report_ms = report_ms;
    limits.endless_loop_break_ms = break_ms;
    system_.emplace(test_world(), SystemOptions{.workers = 2, .limits = limits}, metrics_);
    system_->start([](Worker&) { return make_condvar_loop(); });
    service_ = spawn(
        *system_, [this](TestService&, MessagePtr) { spinner_(); }, 1);
  }
  // Lets a handler end that a failed test left behind, so that stop() returns.
  void TearDown() override {
    spinner_.stop = true;
    system_->stop();
  }
  [[nodiscard]] std::int64_t reports() { return metrics_.counter("endless_loops", "", "").value(); }

  Spinner spinner_;
  MetricSet metrics_;
  std::optional<System> system_;
  ServiceId service_;
};

TEST_F(MonitorTest, ReportsAHandlerThatDoesNotReturnOnce) {
  start(20, 0);
  system_->send(message_to(service_, "spin", ServiceId{77}));
  ASSERT_TRUE(eventually([this] { return reports() == 1; }));
  const Activity activity = system_->worker(1).activity();
  EXPECT_EQ(activity.sequence % 2, 1u);
  EXPECT_EQ(activity.source, ServiceId{77});
  EXPECT_EQ(activity.destination, service_);
  EXPECT_TRUE(eventually([this] { return system_->take_endless(service_); }));
  EXPECT_FALSE(system_->take_endless(service_));  // reading clears it
  // Several periods of the monitor later it is still one report, and no interrupt.
  const MonotonicMs until = monotonic_ms() + 100;
  EXPECT_TRUE(eventually([until] { return monotonic_ms() > until; }));
  EXPECT_EQ(reports(), 1);
  EXPECT_EQ(spinner_.interrupts, 0);
  spinner_.stop = true;
  EXPECT_TRUE(eventually([this] { return system_->worker(1).activity().sequence % 2 == 0; }));

  spinner_.stop = false;
  system_->send(message_to(service_, "again"));
  EXPECT_TRUE(eventually([this] { return reports() == 2; }));
}

TEST_F(MonitorTest, BreaksAHandlerOnItsOwnThread) {
  start(10, 40);
  system_->send(message_to(service_, "spin"));
  ASSERT_TRUE(eventually([this] { return spinner_.stop && !spinner_.spins; }));
  EXPECT_GE(spinner_.interrupts, 1);
  EXPECT_TRUE(pthread_equal(spinner_.interrupted_thread, spinner_.thread));
  EXPECT_EQ(reports(), 1);
  // The worker lives on.
  std::promise<void> ran;
  system_->worker(1).post([&ran] { ran.set_value(); });
  ran.get_future().get();
}

TEST_F(MonitorTest, KeepsInterruptingUntilTheHandlerEnds) {
  spinner_.ends_when_interrupted = false;
  start(10, 20);
  system_->send(message_to(service_, "spin"));
  EXPECT_TRUE(eventually([this] { return spinner_.interrupts >= 3; }));
  EXPECT_TRUE(spinner_.spins);
}

TEST_F(MonitorTest, InterruptCallsTheFunctionOfTheWorkersThread) {
  start(60'000, 0);
  system_->send(message_to(service_, "spin"));
  ASSERT_TRUE(eventually([this] { return spinner_.spins.load(); }));
  const std::uint64_t work = system_->worker(1).activity().sequence;
  // Runs, but has no function set.
  EXPECT_TRUE(eventually([this, work] { return system_->worker(0).interrupt(work); }));
  EXPECT_TRUE(system_->worker(1).interrupt(work));
  EXPECT_TRUE(eventually([this] { return !spinner_.spins; }));
  EXPECT_EQ(spinner_.interrupts, 1);
  EXPECT_TRUE(pthread_equal(spinner_.interrupted_thread, spinner_.thread));
  EXPECT_TRUE(system_->worker(1).interrupt(work));  // idle: nothing to call, nothing to harm
}

TEST_F(MonitorTest, BusyWorkerIsNotEndless) {
  start(300, 0);
  spinner_.stop = true;  // handlers return at once
  std::atomic<bool> enough{false};
  const ServiceId busy = spawn(
      *system_,
      [this, &enough](TestService& self, MessagePtr) {
        if (!enough) system_->send(message_to(self.id(), "again"));
      },
      0);
  system_->send(message_to(busy, "go"));
  const MonotonicMs until = monotonic_ms() + 700;
  EXPECT_TRUE(eventually([until] { return monotonic_ms() > until; }));
  EXPECT_EQ(reports(), 0);
  enough = true;
  system_->stop();
}

// The monitor interrupts while workers start and end.
TEST(Interrupt, RacesWithTheEndOfAWorker) {
  for (int round = 0; round < 50; ++round) {
    MetricSet metrics;
    System system(test_world(), {.workers = 1, .limits = {}}, metrics);
    std::atomic<bool> stop{false};
    std::thread interrupter([&system, &stop] {
      while (!stop) static_cast<void>(system.worker(0).interrupt(1));
    });
    system.start([](Worker&) { return make_condvar_loop(); });
    system.stop();
    EXPECT_FALSE(system.worker(0).interrupt(1));
    stop = true;
    interrupter.join();
  }
}

}  // namespace
}  // namespace gatehouse::actor
