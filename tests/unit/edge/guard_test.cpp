// Who may come in, decided without sockets: addresses and times in, decisions out.
#include "edge/guard.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>

#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "edge/handshake_clock.hpp"

namespace gatehouse::edge {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

net::Address address(const std::string& ip, std::uint16_t port = 1) {
  return net::Address::from(ip, port).value();
}

// Has its place, and hears that it lost it.
struct Holder final : PassHolder {
  Pass pass;
  int shed = 0;
  void on_shed() override { ++shed; }
};

class GuardTest : public testing::Test {
 protected:
  void make(const std::function<void(Limits&)>& change) {
    Limits limits;
    change(limits);
    guard.emplace(limits, metrics, [this](std::uint16_t worker, UniqueFunction<void()> job) {
      jobs.emplace_back(worker, std::move(job));
    });
  }
  // Why it does not come in; nothing when it does.
  std::optional<Refused> enter(const std::string& ip, Door door = Door::kGate) {
    auto pass = guard->admit(door, address(ip), now);
    if (!pass) return pass.error();
    Holder& holder = in.emplace_back();
    holder.pass = std::move(*pass);
    holder.pass.hold(1, holder);
    return std::nullopt;
  }
  // What the workers do.
  void run() {
    while (!jobs.empty()) {
      auto job = std::move(jobs.front().second);
      jobs.pop_front();
      job();
    }
  }
  std::int64_t refused(std::string_view where, std::string_view reason) const {
    const auto label = fmt::format("where=\"{}\",reason=\"{}\"", where, reason);
    std::int64_t value = -1;
    metrics.each([&](const Metric& metric) {
      if (metric.name() == "gatehouse_refused_total" && metric.label() == label)
        value = metric.value();
    });
    return value;
  }

  MetricSet metrics;
  std::deque<std::pair<std::uint16_t, UniqueFunction<void()>>> jobs;
  std::optional<Guard> guard;
  std::deque<Holder> in;
  std::int64_t now = 1'000 * kSecond;
};

TEST_F(GuardTest, AnAddressHasSoManyAtBothDoorsTogether) {
  make([](Limits& limits) { limits.address_connections_max = 3; });
  EXPECT_FALSE(enter("192.0.2.1", Door::kLogin));
  EXPECT_FALSE(enter("192.0.2.1", Door::kGate));
  EXPECT_FALSE(enter("192.0.2.1", Door::kGate));
  EXPECT_EQ(enter("192.0.2.1", Door::kLogin), Refused::kAddressConnections);
  EXPECT_EQ(enter("192.0.2.1", Door::kGate), Refused::kAddressConnections);
  EXPECT_FALSE(enter("192.0.2.2"));
  EXPECT_EQ(refused("login", "address_connections"), 1);
  EXPECT_EQ(refused("gate", "address_connections"), 1);
  in[1].pass.authenticated();
  EXPECT_FALSE(enter("192.0.2.1")) << "who is logged in does not count";
  in.pop_front();
  EXPECT_FALSE(enter("192.0.2.1")) << "nor who has left";
  EXPECT_EQ(guard->unauthenticated(), 4u);
}

TEST_F(GuardTest, AnAddressOfIPv6IsItsNetwork) {
  make([](Limits& limits) { limits.address_connections_max = 1; });
  EXPECT_FALSE(enter("2001:db8::1"));
  EXPECT_EQ(enter("2001:db8::ffff:1"), Refused::kAddressConnections);
  EXPECT_FALSE(enter("2001:db8:0:1::1"));
}

TEST_F(GuardTest, AnAddressBeginsSoManyASecond) {
  make([](Limits& limits) {
    limits.address_connections_per_s = 10;
    limits.address_connections_burst = 3;
  });
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(enter("192.0.2.1"));
  in.clear();
  EXPECT_EQ(enter("192.0.2.1"), Refused::kAddressRate) << "leaving gives nothing back";
  EXPECT_FALSE(enter("192.0.2.2"));
  now += kSecond / 10;
  EXPECT_FALSE(enter("192.0.2.1"));
  EXPECT_EQ(enter("192.0.2.1"), Refused::kAddressRate);
}

TEST_F(GuardTest, AllBeginSoManyASecond) {
  make([](Limits& limits) { limits.connections_per_s = 2; });
  EXPECT_FALSE(enter("192.0.2.1"));
  EXPECT_FALSE(enter("192.0.2.2"));
  EXPECT_EQ(enter("192.0.2.3"), Refused::kRate);
  now += kSecond;
  EXPECT_FALSE(enter("192.0.2.3"));
}

TEST_F(GuardTest, WhoFloodsPays) {
  make([](Limits& limits) { limits.unauthenticated_max = 6; });
  EXPECT_FALSE(enter("192.0.2.9"));                              // 0, the oldest of all
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(enter("192.0.2.1"));  // 1 to 4
  EXPECT_FALSE(enter("192.0.2.2"));                              // 5
  EXPECT_FALSE(enter("192.0.2.3"));
  run();
  EXPECT_EQ(in[1].shed, 1) << "the oldest of the address with the most";
  EXPECT_FALSE(enter("192.0.2.1"));
  run();
  EXPECT_EQ(in[2].shed, 1) << "also for one of its own";
  EXPECT_EQ(guard->unauthenticated(), 6u);
  EXPECT_EQ(refused("gate", "unauthenticated_limit"), 2);
  for (const int i : {0, 3, 4, 5}) EXPECT_EQ(in[static_cast<std::size_t>(i)].shed, 0) << i;
}

TEST_F(GuardTest, OfManyWithOneEachTheOldestGoes) {
  make([](Limits& limits) { limits.unauthenticated_max = 3; });
  for (int i = 1; i <= 5; ++i) EXPECT_FALSE(enter("192.0.2." + std::to_string(i)));
  run();
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(in[i].shed, i < 2 ? 1 : 0) << i;
}

TEST_F(GuardTest, WhoProvesHimselfInTimeStays) {
  make([](Limits& limits) { limits.unauthenticated_max = 1; });
  EXPECT_FALSE(enter("192.0.2.1"));
  EXPECT_FALSE(enter("192.0.2.2"));
  in[0].pass.authenticated();
  run();
  EXPECT_EQ(in[0].shed, 0);
  in[1].pass.authenticated();
  EXPECT_EQ(guard->unauthenticated(), 0u);
  EXPECT_FALSE(enter("192.0.2.3"));
  EXPECT_TRUE(jobs.empty());
}

TEST_F(GuardTest, OneThatIsOnItsWayIsToldWhenItArrives) {
  make([](Limits& limits) { limits.unauthenticated_max = 1; });
  EXPECT_FALSE(enter("192.0.2.1"));
  in[0].pass.let_go();
  EXPECT_FALSE(enter("192.0.2.2"));
  EXPECT_TRUE(jobs.empty());
  in[0].pass.hold(2, in[0]);
  ASSERT_EQ(jobs.size(), 1u);
  EXPECT_EQ(jobs.front().first, 2);
  run();
  EXPECT_EQ(in[0].shed, 1);
}

TEST_F(GuardTest, WhatIsToldTooLateIsNotHeard) {
  make([](Limits& limits) { limits.unauthenticated_max = 1; });
  EXPECT_FALSE(enter("192.0.2.1"));
  EXPECT_FALSE(enter("192.0.2.2"));
  in[0].pass.let_go();  // before the job runs
  in[0].pass.hold(2, in[0]);
  ASSERT_EQ(jobs.size(), 2u);
  run();
  EXPECT_EQ(in[0].shed, 1) << "once";
  EXPECT_FALSE(enter("192.0.2.3"));
  in.clear();  // all have ended before the job runs
  run();
  EXPECT_EQ(guard->unauthenticated(), 0u);
}

TEST_F(GuardTest, RulesOfAddresses) {
  make([](Limits& limits) {
    limits.address_connections_max = 1;
    limits.address_connections_per_s = 1;
    limits.address_connections_burst = 1;
  });
  auto rules = std::make_shared<net::AddressRules>();
  ASSERT_TRUE(rules->banned.add("192.0.2.0/24"));
  ASSERT_TRUE(rules->allowed.add("192.0.2.7"));
  guard->set_address_rules(rules);
  EXPECT_EQ(enter("192.0.2.1"), Refused::kAddressBanned);
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(enter("192.0.2.7"));
  EXPECT_EQ(refused("gate", "address_banned"), 1);
}

TEST_F(GuardTest, ClientsThatAreNotKnownYetHaveNoAddressInCommon) {
  make([](Limits& limits) { limits.address_connections_max = 1; });
  for (int i = 0; i < 5; ++i) {
    auto pass = guard->admit(Door::kGate, net::Address(), now);
    ASSERT_TRUE(pass);
    Holder& holder = in.emplace_back();
    holder.pass = std::move(*pass);
  }
  in[0].pass = guard->admit(Door::kGate, address("192.0.2.1"), now).value();
  EXPECT_EQ(enter("192.0.2.1"), Refused::kAddressConnections);
  EXPECT_EQ(guard->unauthenticated(), 5u);
}

TEST_F(GuardTest, MemoryRunsOutStepByStep) {
  constexpr std::uint64_t kMost = 1'600;
  make([](Limits& limits) { limits.memory_bytes = kMost; });
  for (int i = 0; i < 200; ++i) EXPECT_FALSE(enter("192.0.2." + std::to_string(i)));
  guard->set_memory(kMost - 1, now);
  EXPECT_FALSE(enter("192.0.2.1", Door::kLogin));
  guard->set_memory(kMost, now);
  EXPECT_EQ(enter("192.0.2.1", Door::kLogin), Refused::kMemory);
  EXPECT_FALSE(enter("192.0.2.1", Door::kGate));
  EXPECT_EQ(guard->unauthenticated(), 202u);
  guard->set_memory(kMost + 100, now);
  EXPECT_EQ(enter("192.0.2.1", Door::kGate), Refused::kMemory);
  run();
  EXPECT_EQ(guard->unauthenticated(), 202u - 64u);
  EXPECT_EQ(refused("gate", "memory"), 1 + 63) << "one was at the login";
  EXPECT_EQ(refused("login", "memory"), 1 + 1);
  guard->set_memory(kMost + 200, now);
  EXPECT_EQ(guard->memory(), MemoryLevel::kCritical);
  for (int i = 0; i < 10; ++i) guard->set_memory(kMost + 100, now);
  run();
  EXPECT_EQ(guard->unauthenticated(), 0u);
  guard->set_memory(kMost / 2, now);
  EXPECT_FALSE(enter("192.0.2.1", Door::kLogin));
}

TEST_F(GuardTest, LimitsChangeWhileItRuns) {
  make([](Limits& limits) { limits.address_connections_max = 1; });
  EXPECT_FALSE(enter("192.0.2.1"));
  EXPECT_EQ(enter("192.0.2.1"), Refused::kAddressConnections);
  Limits more;
  more.address_connections_max = 2;
  guard->set_limits(more);
  EXPECT_FALSE(enter("192.0.2.1"));
  more.unauthenticated_max = 1;
  guard->set_limits(more);
  EXPECT_FALSE(enter("192.0.2.2"));
  run();
  EXPECT_EQ(guard->unauthenticated(), 2u) << "no more than one makes room for one";
}

TEST_F(GuardTest, AddressesThatHaveNothingAreForgotten) {
  make([](Limits&) {});
  for (int i = 0; i < 100'000; ++i) {
    auto pass = guard->admit(
        Door::kGate, address(fmt::format("2001:db8:{}:{}::1", i % 10'000, i / 10'000)), now);
    ASSERT_TRUE(pass);
    now += kSecond / 10'000;
  }
  EXPECT_LT(guard->addresses(), 5'000u);
}

// Against a model that looks at all of them.
TEST_F(GuardTest, AnyOrderOfComingAndGoing) {
  constexpr std::size_t kMost = 40;
  make([](Limits& limits) {
    limits.unauthenticated_max = kMost;
    limits.address_connections_max = 20;
    limits.address_connections_per_s = 0;
  });
  struct Model {
    std::string ip;
    Holder* holder;
  };
  std::vector<Model> model;  // the oldest first
  std::mt19937 random(20'261'128);
  const auto count = [&](const std::string& ip) {
    return std::count_if(model.begin(), model.end(), [&](const Model& m) { return m.ip == ip; });
  };
  for (int step = 0; step < 20'000; ++step) {
    const std::string ip = "192.0.2." + std::to_string(1 + random() % 4 * (random() % 3));
    if (random() % 5 < 3) {
      const bool room = count(ip) < 20;
      ASSERT_EQ(!enter(ip).has_value(), room);
      if (!room) continue;
      run();
      if (model.size() == kMost) {
        std::ptrdiff_t most = 0;
        for (const Model& m : model) most = std::max(most, count(m.ip));
        const auto gone = std::find_if(model.begin(), model.end(),
                                       [](const Model& m) { return m.holder->shed > 0; });
        ASSERT_NE(gone, model.end());
        ASSERT_EQ(count(gone->ip), most);
        ASSERT_TRUE(
            std::none_of(model.begin(), gone, [&](const Model& m) { return m.ip == gone->ip; }));
        model.erase(gone);
      }
      model.push_back({ip, &in.back()});
    } else if (!model.empty()) {
      const auto at = model.begin() + static_cast<std::ptrdiff_t>(random() % model.size());
      at->holder->pass.authenticated();
      model.erase(at);
    }
    ASSERT_EQ(guard->unauthenticated(), model.size());
  }
}

TEST(GuardThreads, ManyAtOnce) {
  MetricSet metrics;
  Limits limits;
  limits.unauthenticated_max = 50;
  limits.address_connections_per_s = 0;
  std::mutex mutex;
  std::deque<UniqueFunction<void()>> jobs[4];
  Guard guard(limits, metrics, [&](std::uint16_t worker, UniqueFunction<void()> job) {
    std::lock_guard lock(mutex);
    jobs[worker].push_back(std::move(job));
  });
  std::atomic<int> shed{0}, asked{0};
  std::vector<std::thread> threads;
  for (std::uint16_t worker = 0; worker < 4; ++worker) {
    threads.emplace_back([&, worker] {
      std::deque<Holder> mine;
      const auto run = [&] {
        std::deque<UniqueFunction<void()>> now;
        {
          std::lock_guard lock(mutex);
          now.swap(jobs[worker]);
        }
        for (auto& job : now) job();
      };
      for (int i = 0; i < 2'000; ++i) {
        auto pass = guard.admit(Door::kGate, address("192.0.2." + std::to_string(i % 7)), i);
        ASSERT_TRUE(pass);
        ++asked;
        Holder& holder = mine.emplace_back();
        holder.pass = std::move(*pass);
        holder.pass.hold(worker, holder);
        run();
        if (mine.size() > 40) {
          shed += mine.front().shed;
          mine.pop_front();
        }
      }
      run();
      for (const Holder& holder : mine) shed += holder.shed;
      mine.clear();
      run();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(asked, 8'000);
  EXPECT_GT(shed, 0);
  EXPECT_EQ(guard.unauthenticated(), 0u);
}

TEST(HandshakeClock, TheEarlierOfBoth) {
  HandshakeClock both(1'000, 9'000, 5'000);
  EXPECT_EQ(both.due_ms, 6'000);
  EXPECT_FALSE(both.over(6'000));
  both.progressed(8'000);
  EXPECT_EQ(both.due_ms, 10'000);
  EXPECT_TRUE(both.over(10'000));
  EXPECT_EQ(HandshakeClock(1'000, 9'000, 0).due_ms, 10'000);
  EXPECT_EQ(HandshakeClock(1'000, 0, 5'000).due_ms, 6'000);
  EXPECT_EQ(HandshakeClock(1'000, 0, 0).due_ms, 0);
  EXPECT_FALSE(HandshakeClock(1'000, 0, 0).over(1'000'000));
}

}  // namespace
}  // namespace gatehouse::edge
