// Workers with threads of their own, on loops that sleep on a condition variable.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <mutex>
#include <thread>
#include <utility>

#include "test_services.hpp"
#include "test_world.hpp"
#include "waiting.hpp"

namespace gatehouse::actor {
namespace {

using test::eventually;

class SystemTest : public testing::Test {
 protected:
  void start(std::uint16_t workers, Limits limits = {}) {
    system_.emplace(test_world(), SystemOptions{.workers = workers, .limits = limits}, metrics_);
    system_->start([](Worker&) { return make_condvar_loop(); });
  }
  void TearDown() override {
    if (!system_) return;
    system_->stop();
    for (std::uint16_t i = 0; i < system_->worker_count(); ++i) {
      EXPECT_EQ(system_->worker(i).service_count(), 0u);
    }
  }
  // The number that a service's payload holds.
  static int number(const Message& message) { return std::stoi(std::string(message.view())); }

  MetricSet metrics_;
  std::optional<System> system_;
};

TEST_F(SystemTest, PingPongAcrossWorkers) {
  constexpr int kRounds = 10'000;
  start(2);
  std::promise<void> done;
  auto pong = [this](TestService& self, MessagePtr m) {
    system_->send(message_to(m->source, m->view(), self.id()));
  };
  const ServiceId there = spawn(*system_, pong, 1);
  int expected = 0;  // of the first worker's thread
  const ServiceId here = spawn(
      *system_,
      [&](TestService& self, MessagePtr m) {
        EXPECT_EQ(number(*m), expected);
        EXPECT_EQ(self.worker().index(), 0);
        if (++expected > kRounds) return done.set_value();
        system_->send(message_to(there, std::to_string(expected), self.id()));
      },
      0);
  system_->send(message_to(here, "0"));
  ASSERT_EQ(done.get_future().wait_for(std::chrono::seconds(60)), std::future_status::ready);
}

TEST_F(SystemTest, FanInKeepsTheOrderOfEachThread) {
  constexpr int kThreads = 4, kEach = 5000;
  start(2);
  std::atomic<int> total{0};
  std::array<int, kThreads> next{};  // of the service's worker
  const ServiceId sink = spawn(*system_, [&](TestService&, MessagePtr m) {
    EXPECT_EQ(number(*m), next[static_cast<std::size_t>(m->session)]++);
    total.fetch_add(1, std::memory_order_release);
  });
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([t, sink, this] {
      for (int i = 0; i < kEach; ++i) {
        ASSERT_EQ(system_->send(message_to(sink, std::to_string(i), {}, t)), SendResult::kQueued);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(
      eventually([&] { return total.load(std::memory_order_acquire) == kThreads * kEach; }));
  EXPECT_EQ(system_->registry().find(sink)->remote_bytes.load(), 0);
}

TEST_F(SystemTest, FanOutFromAServiceKeepsOrder) {
  constexpr int kSinks = 6, kEach = 500;
  start(3);
  std::atomic<int> total{0};
  std::vector<ServiceId> sinks;
  for (int s = 0; s < kSinks; ++s) {
    sinks.push_back(spawn(*system_, [&total, next = 0](TestService&, MessagePtr m) mutable {
      EXPECT_EQ(number(*m), next++);
      ++total;
    }));
  }
  const ServiceId source = spawn(*system_, [&sinks, this](TestService& self, MessagePtr) {
    for (int i = 0; i < kEach; ++i) {
      for (const ServiceId to : sinks) {
        system_->send(message_to(to, std::to_string(i), self.id()));
      }
    }
  });
  system_->send(message_to(source, "go"));
  EXPECT_TRUE(eventually([&] { return total == kSinks * kEach; }));
}

TEST_F(SystemTest, SpawnAndKillStorm) {
  constexpr int kThreads = 4, kEach = 1000;
  start(3);
  std::atomic<int> born{0}, gone{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, this] {
      ServiceId previous;
      for (int i = 0; i < kEach; ++i) {
        auto id = system_->spawn([&]() -> std::unique_ptr<Service> {
          auto service = std::make_unique<TestService>([&](TestService& self, MessagePtr m) {
            if (m->session > 0) system_->send_error(m->source, self.id(), m->session);
          });
          ++born;
          service->on_destroy = [&gone] { ++gone; };
          return service;
        });
        ASSERT_TRUE(id);
        static_cast<void>(system_->registry().set_name(std::to_string(id->value), *id));
        system_->send(message_to(*id, "hello", previous, 1));
        if (previous) system_->send(message_to(previous, "again", *id, 2));
        if (previous) system_->kill(previous);
        if (i % 2 == 0) system_->kill(previous);
        previous = *id;
      }
      system_->kill(previous);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(eventually([&] { return gone == kThreads * kEach; }));
  EXPECT_EQ(born, kThreads * kEach);
  EXPECT_EQ(system_->registry().count(), 0u);
}

TEST_F(SystemTest, CallersOfAKilledServiceAllGetAnAnswer) {
  constexpr int kCalls = 2000;
  start(2);
  std::atomic<int> answers{0}, unknown{0}, queued{0};
  const ServiceId server = spawn(
      *system_,
      [this](TestService& self, MessagePtr m) {
        system_->send(message_to(m->source, "", self.id(), m->session, MessageType::kResponse));
      },
      1);
  const ServiceId client = spawn(
      *system_,
      [&](TestService& self, MessagePtr m) {
        if (m->type == MessageType::kText) {
          const auto result = system_->send(message_to(server, "call", self.id(), m->session));
          result == SendResult::kQueued ? ++queued : ++unknown;
        } else {
          ++answers;
        }
      },
      0);
  for (int i = 1; i <= kCalls; ++i) {
    system_->send(message_to(client, "", {}, i));
    if (i == kCalls / 2) system_->kill(server);
  }
  EXPECT_TRUE(eventually([&] { return answers + unknown == kCalls; }))
      << answers << " answers, " << unknown << " refused";
  EXPECT_EQ(answers, queued);
}

TEST_F(SystemTest, StopWhileMessagesFly) {
  Limits limits;
  limits.mailbox_bytes_max = 1u << 18;
  for (int round = 0; round < 10; ++round) {
    start(3, limits);
    std::atomic<bool> stopping{false};
    std::vector<ServiceId> ring;
    for (int i = 0; i < 12; ++i) {
      ring.push_back(spawn(*system_, [this](TestService& self, MessagePtr m) {
        // Requests, so that every one that is dropped must be answered somewhere.
        for (std::uint32_t to = 1; to <= 12; to += 5) {
          system_->send(message_to(ServiceId{(self.id().value + to) % 12 + 1}, m->view(), self.id(),
                                   m->type == MessageType::kError ? 0 : 1));
        }
      }));
    }
    std::thread outside([&] {
      while (!stopping) {
        for (const ServiceId id : ring) system_->send(message_to(id, "fly", ring[0], 1));
        spawn(*system_, [](TestService&, MessagePtr) {});
        std::this_thread::yield();
      }
    });
    const Metric& full = metrics_.counter("messages_refused", "reason=\"full\"", "");
    EXPECT_TRUE(eventually([&] { return full.value() > 0 || system_->registry().count() > 50; }));
    system_->stop();
    stopping = true;
    outside.join();
    TearDown();
    system_.reset();
  }
}

TEST_F(SystemTest, StopTwiceIsOnceAndWithoutStartIsNothing) {
  start(1);
  system_->stop();
  system_->stop();
  MetricSet metrics;
  System idle(test_world(), {.workers = 2, .limits = {}}, metrics);
  idle.stop();
}

TEST_F(SystemTest, PostAfterStopNeverRunsAndIsFreed) {
  start(1);
  system_->stop();
  auto token = std::make_shared<int>(0);
  system_->worker(0).post([token] { FAIL(); });
  const auto id = system_->spawn([token]() -> std::unique_ptr<Service> {
    ADD_FAILURE();
    return nullptr;
  });
  ASSERT_TRUE(id);
  system_->send(message_to(*id, "nobody reads this"));
  EXPECT_FALSE(system_->worker(0).interrupt(1));
  EXPECT_EQ(token.use_count(), 3);
  system_.reset();
  EXPECT_EQ(token.use_count(), 1);
}

TEST_F(SystemTest, ExclusiveWorkerIsOutOfTurn) {
  start(2);
  const auto index = system_->add_exclusive_worker();
  ASSERT_TRUE(index);
  EXPECT_EQ(*index, 2);
  EXPECT_EQ(system_->worker_count(), 2);
  std::promise<std::pair<std::uint16_t, int>> where;
  const ServiceId heavy = spawn(
      *system_,
      [&where](TestService& self, MessagePtr) {
        const int nice = getpriority(PRIO_PROCESS, static_cast<id_t>(gettid()));
        where.set_value({self.worker().index(), nice});
      },
      *index);
  system_->send(message_to(heavy, "go"));
  const auto [worker, nice] = where.get_future().get();
  EXPECT_EQ(worker, 2);
  const int usual = getpriority(PRIO_PROCESS, static_cast<id_t>(gettid()));
  EXPECT_EQ(nice, std::min(usual + 5, 19)) << "it gives way to the others";
  for (int i = 0; i < 100; ++i) EXPECT_LT(system_->next_worker(), 2);
  const auto second = system_->add_exclusive_worker();
  ASSERT_TRUE(second);
  EXPECT_EQ(*second, 3);
  system_->stop();
  EXPECT_EQ(system_->worker(2).service_count(), 0u);
  const auto late = system_->add_exclusive_worker();
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Errc::kUnavailable);
}

TEST_F(SystemTest, WatcherHearsOfAnnouncedExits) {
  start(2);
  std::mutex mutex;
  std::vector<ServiceId> heard;
  const ServiceId watcher = spawn(*system_, [&](TestService&, MessagePtr m) {
    EXPECT_EQ(m->type, MessageType::kError);
    EXPECT_EQ(m->session, 0);
    std::lock_guard lock(mutex);
    heard.push_back(m->source);
  });
  system_->watch_exits(watcher);
  std::vector<ServiceId> announced;
  for (int i = 0; i < 10; ++i) {
    const bool announces = i % 2 == 0;
    const auto id = system_->spawn([announces]() -> std::unique_ptr<Service> {
      auto service = std::make_unique<TestService>([](TestService&, MessagePtr) {});
      service->announces = announces;
      return service;
    });
    ASSERT_TRUE(id);
    if (announces) announced.push_back(*id);
    system_->kill(*id);
  }
  EXPECT_TRUE(eventually([this] { return system_->registry().count() == 1; }));
  EXPECT_TRUE(eventually([&] {
    std::lock_guard lock(mutex);
    return heard.size() >= announced.size();
  }));
  std::lock_guard lock(mutex);
  EXPECT_THAT(heard, testing::UnorderedElementsAreArray(announced));
}

TEST_F(SystemTest, TimersWakeASleepingWorker) {
  class OneShot final : public Timer {
   public:
    explicit OneShot(std::promise<MonotonicMs>& fired) : fired_(fired) {}
    void fire() override { fired_.set_value(Worker::current()->now()); }

   private:
    std::promise<MonotonicMs>& fired_;
  };
  start(1);
  std::promise<MonotonicMs> fired;
  OneShot timer(fired);
  Worker& worker = system_->worker(0);
  const MonotonicMs due = monotonic_ms() + 30;
  worker.post([&worker, &timer, due] { worker.timers().add(timer, due); });
  EXPECT_GE(fired.get_future().get(), due);
}

TEST_F(SystemTest, EnvironmentIsWrittenOnce) {
  start(1);
  EXPECT_FALSE(system_->env("key"));
  ASSERT_TRUE(system_->set_env("key", "value"));
  const auto again = system_->set_env("key", "other");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Errc::kExists);
  EXPECT_EQ(system_->env("key"), "value");
}

TEST_F(SystemTest, AbortIsAskedForOnce) {
  start(1);
  int calls = 0;
  system_->on_abort([&calls](int) { ++calls; });
  EXPECT_FALSE(system_->abort_requested());
  system_->request_abort();
  system_->request_abort();
  EXPECT_TRUE(system_->abort_requested());
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace gatehouse::actor
