#include <malloc.h>

#include <algorithm>
#include <csignal>

#include "net_fixture.hpp"
#include "test_world.hpp"

namespace gatehouse::net {
namespace {

class LoopTest : public NetTest {};

struct PromiseTimer final : actor::Timer {
  std::promise<MonotonicMs> fired;
  void fire() override { fired.set_value(monotonic_ms()); }
};

TEST_F(LoopTest, StartsAndStopsWithNothingToDo) {
  start(3);
  stop();
}

TEST_F(LoopTest, IsDestroyedWithoutRunning) {
  actor::System idle(test_world(), {}, metrics_);
  UvLoop loop(idle.worker(0), metrics_);
}

TEST_F(LoopTest, SleepsWhileIdle) {
  start(2);
  const Address server = serve(echo);
  std::vector<std::unique_ptr<TcpClient>> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(std::make_unique<TcpClient>(server));
  ASSERT_TRUE(eventually([&] { return census_.alive == 20; }));
  PromiseTimer timer;
  const LoopStats before = on_worker(0, [&](TransportSet& set) {
    set.worker().timers().add(timer, monotonic_ms() + 300);
    return set.uv()->stats();
  });
  timer.fired.get_future().wait();
  const LoopStats after = stats(0);
  // The turn that started the timer, the one that fired it, the one that asked.
  EXPECT_LE(after.turns - before.turns, 6u);
  EXPECT_GE(after.sleeps, before.sleeps + 1);
}

// Messages that come one after the other, each while the worker waits for it, do not keep it
// from its sockets.
TEST_F(LoopTest, LooksAtItsSocketsWhileMessagesKeepComing) {
  start(2);
  std::atomic<int> seen = 0;
  for (int i = 0; i < 20'000; ++i) {
    system_->worker(0).post([&seen] { ++seen; });
    while (seen <= i) std::this_thread::yield();
    const std::int64_t until = monotonic_ns() + 3'000;  // its turn ends, and it waits
    while (monotonic_ns() < until) {
    }
  }
  const LoopStats after = stats(0);
  EXPECT_GE(after.turns, 1'000u);
  EXPECT_GE(after.polls * 17, after.turns);
}

TEST_F(LoopTest, FiresTimersInTime) {
  start(1);
  for (int i = 0; i < 20; ++i) {
    PromiseTimer timer;
    const MonotonicMs begin = monotonic_ms();
    on_worker(0, [&](TransportSet& set) { set.worker().timers().add(timer, monotonic_ms() + 5); });
    const MonotonicMs took = timer.fired.get_future().get() - begin;
    EXPECT_GE(took, 5);
    EXPECT_LT(took, 500);
  }
}

// A timer that is due by the time libuv looks must not leave the poll without a limit.
TEST_F(LoopTest, NeverSleepsPastATimer) {
  start(1);
  struct Again final : actor::Timer {
    void fire() override {
      if (++count == 2'000) {
        done.set_value();
      } else {
        worker->timers().add(*this, worker->now());  // the next millisecond
        // Use up the time between the wheel's answer and the poll, to meet its edge.
        const std::int64_t until = monotonic_ns() + (count % 10) * 100'000;
        while (monotonic_ns() < until) {
        }
      }
    }
    actor::Worker* worker = nullptr;
    int count = 0;
    std::promise<void> done;
  };
  Again again;
  auto done = again.done.get_future();
  on_worker(0, [&](TransportSet& set) {
    again.worker = &set.worker();
    set.worker().timers().add(again, 0);
  });
  EXPECT_EQ(done.wait_for(std::chrono::milliseconds(kPatienceMs)), std::future_status::ready);
}

TEST_F(LoopTest, WakesFromAnotherThread) {
  start(2);
  std::vector<std::thread> threads;
  std::atomic<int> ran{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this, &ran] {
      for (int i = 0; i < 500; ++i) {
        std::promise<void> done;
        system_->worker(static_cast<std::uint16_t>(i % 2)).post([&done, &ran] {
          ++ran;
          done.set_value();
        });
        ASSERT_EQ(done.get_future().wait_for(std::chrono::milliseconds(kPatienceMs)),
                  std::future_status::ready);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ran, 2'000);
}

TEST_F(LoopTest, AnswersAQuietConnectionAtOnce) {
  start(1);
  const Address server = serve(echo);
  PromiseTimer far;  // a timer that waits must not put its granularity on the path
  on_worker(0, [&](TransportSet& set) { set.worker().timers().add(far, monotonic_ms() + 60'000); });
  TcpClient client(server);
  std::vector<std::int64_t> ns;
  for (int i = 0; i < 200; ++i) {
    const std::int64_t begin = monotonic_ns();
    ASSERT_TRUE(client.send("ping"));
    ASSERT_EQ(client.receive(4), "ping");
    ns.push_back(monotonic_ns() - begin);
  }
  std::nth_element(ns.begin(), ns.begin() + 100, ns.end());
  EXPECT_LT(ns[100], 1'000'000) << "median round trip in ns";
  on_worker(0, [&](TransportSet&) { far.cancel(); });
}

TEST_F(LoopTest, ShowsCallbacksTheRealTime) {
  start(1);
  std::promise<std::int64_t> lag;
  const Address server = serve([&](TestHandler&, Transport& transport, std::string_view) {
    lag.set_value(monotonic_ms() - transport.set().worker().now());
  });
  TcpClient client(server);
  ASSERT_TRUE(eventually([&] { return census_.alive == 1; }));
  // The loop sleeps; its clock stands.
  const MonotonicMs begin = monotonic_ms();
  ASSERT_TRUE(eventually([&] { return monotonic_ms() - begin >= 300; }));
  ASSERT_TRUE(client.send("x"));
  EXPECT_LT(lag.get_future().get(), 200);
}

TEST_F(LoopTest, FindsStreamsByIdUntilTheyAreGone) {
  start(1);
  std::promise<ConnectionId> opened;
  const Address server =
      serve(echo, [&](Transport& transport) { opened.set_value(transport.id()); });
  const auto present = [&](ConnectionId id) {
    return on_worker(0, [id](TransportSet& set) { return set.find(id) != nullptr; });
  };
  auto client = std::make_unique<TcpClient>(server);
  const ConnectionId first = opened.get_future().get();
  EXPECT_TRUE(present(first));
  EXPECT_FALSE(present({}));
  EXPECT_FALSE(present({first.slot, first.generation + 1}));
  EXPECT_FALSE(present({first.slot + 1000, first.generation}));
  client.reset();
  ASSERT_TRUE(eventually([&] { return census_.closed == 1; }));
  EXPECT_FALSE(present(first));
  opened = {};
  TcpClient second(server);
  const ConnectionId id = opened.get_future().get();
  EXPECT_EQ(id.slot, first.slot);  // reused, and told apart
  EXPECT_NE(id, first);
  EXPECT_FALSE(present(first));
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_F(LoopTest, KeepsIdleConnectionsSmall) {
  start(1);
  const Address server = serve_raw([this](TransportSet& set, std::unique_ptr<Transport> accepted) {
    auto* handler = new TestHandler(census_, echo);
    ASSERT_TRUE(set.attach(std::move(accepted), *handler).has_value());
  });
  std::vector<std::unique_ptr<TcpClient>> clients;
  clients.reserve(4'000);
  const auto grow_to = [&](int count) {
    while (static_cast<int>(clients.size()) < count) {
      clients.push_back(std::make_unique<TcpClient>(server));
      ASSERT_TRUE(clients.back()->send("hello"));
      ASSERT_EQ(clients.back()->receive(5), "hello");
    }
  };
  grow_to(1'000);
  const std::size_t before = mallinfo2().uordblks;
  grow_to(4'000);
  const std::size_t each = (mallinfo2().uordblks - before) / 3'000;
  // uv_tcp_t 248, ours less than 200, libuv's and our tables, and the test's handler.
  EXPECT_LE(each - sizeof(TestHandler), 500u);
}
#endif

}  // namespace
}  // namespace gatehouse::net
