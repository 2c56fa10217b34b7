#include "admission/throttle.hpp"
#include "test_world.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace gatehouse::admission {
namespace {

constexpr std::int64_t kS = 1'000'000'000;
constexpr std::int64_t kStart = 1'000 * kS;

net::Address address(const std::string& ip) {
  return net::Address::from(ip, 1).value();
}

Limits limits() {
  Limits limits;
  limits.login_address_per_s = 2;
  limits.login_address_burst = 4;
  limits.login_address_failures_max = 3;
  limits.login_account_per_min = 6;
  limits.login_account_burst = 30;
  limits.login_account_failures_max = 2;
  limits.login_lock_ms = 10'000;
  limits.login_lock_ms_max = 30'000;
  limits.login_failure_memory_ms = 100'000;
  limits.login_account_lock_ms_max = 80'000;
  limits.login_account_failures_day_max = 20;
  limits.login_known_failures_day_max = 10;
  return limits;
}

class ThrottleTest : public testing::Test {
 protected:
  std::uint32_t take(std::int64_t now, const std::string& ip = "127.0.0.1") {
    const auto verdict = throttle_.take_address(address(ip), now);
    return std::max(verdict.retry_s, verdict.locked_s);
  }
  Throttle::Asked ask(std::int64_t now, const std::string& ip, const std::string& name = "a",
                      bool known = false) {
    const net::Address from = address(ip);
    return throttle_.ask({from, name, known, 0}, now);
  }
  // Seconds until a guess is looked at; 0: it is, and is not used.
  std::uint32_t wait(std::int64_t now, const std::string& ip, const std::string& name = "a",
                     bool known = false) {
    auto asked = ask(now, ip, name, known);
    asked.guess.give_back(now);
    return asked.refusal ? asked.refusal->retry_s : 0;
  }
  // Guesses that are wrong; how many were looked at.
  int fail_times(int times, std::int64_t now, const std::string& ip = "127.0.0.1",
                 const std::string& name = "a", bool known = false) {
    int looked_at = 0;
    for (int i = 0; i < times; ++i) {
      auto asked = ask(now, ip, name, known);
      looked_at += asked.refusal ? 0 : 1;
      asked.guess.failed(now);
    }
    return looked_at;
  }
  std::int64_t metric(std::string_view name, std::string_view label) {
    std::int64_t value = -1;
    metrics_.each([&](const Metric& m) {
      if (m.name() == name && m.label() == label) value = m.value();
    });
    return value;
  }

  MetricSet metrics_;
  Throttle throttle_{test_world().clock, limits(), metrics_};
  int names_ = 0;
};

TEST_F(ThrottleTest, AnAddressHasABurstAndThenARate) {
  for (int i = 0; i < 4; ++i) EXPECT_EQ(take(kStart), 0u) << i;
  EXPECT_EQ(take(kStart), 1u) << "told to come again after a second";
  EXPECT_EQ(take(kStart, "127.0.0.2"), 0u) << "another address has its own";
  EXPECT_EQ(take(kStart + kS / 2), 0u) << "two a second";
  EXPECT_EQ(take(kStart + kS / 2), 1u);
}

TEST_F(ThrottleTest, ASlash64IsOneAddress) {
  for (int i = 0; i < 4; ++i) EXPECT_EQ(take(kStart, "2001:db8::" + std::to_string(i + 1)), 0u);
  EXPECT_EQ(take(kStart, "2001:db8::ffff"), 1u);
  EXPECT_EQ(take(kStart, "2001:db8:0:1::1"), 0u);
}

TEST_F(ThrottleTest, AnAddressIsLockedOutTwiceAsLongEachTime) {
  const auto fail_at = [this](std::int64_t now) {
    for (int i = 0; i < 3; ++i) fail_times(1, now, "127.0.0.1", "name" + std::to_string(names_++));
  };
  fail_at(kStart);
  EXPECT_EQ(take(kStart), 10u);
  EXPECT_EQ(take(kStart + 9 * kS), 1u);
  std::int64_t now = kStart + 10 * kS;
  EXPECT_EQ(take(now), 0u);
  fail_at(now);
  EXPECT_EQ(take(now), 20u);
  now += 20 * kS;
  fail_at(now);
  EXPECT_EQ(take(now), 30u) << "and no longer than the maximum";
  EXPECT_EQ(metric("gatehouse_login_lockouts", "of=\"address\""), 3);
  now += 131 * kS;
  fail_at(now);
  EXPECT_EQ(take(now), 10u) << "all is forgotten after a while";
}

TEST_F(ThrottleTest, ANetworkIsLockedOutOfOneAccount) {
  EXPECT_EQ(fail_times(5, kStart), 2);
  EXPECT_EQ(wait(kStart, "127.0.0.1"), 10u);
  EXPECT_EQ(wait(kStart, "127.0.0.1", "b"), 0u) << "of this account";
  EXPECT_EQ(wait(kStart, "127.0.0.2"), 0u) << "and not the account's owner elsewhere";
  EXPECT_EQ(fail_times(5, kStart + 10 * kS), 1) << "then one guess a lock";
  EXPECT_EQ(wait(kStart + 10 * kS, "127.0.0.1"), 20u);
  EXPECT_EQ(fail_times(5, kStart + 30 * kS), 1);
  EXPECT_EQ(fail_times(5, kStart + 70 * kS), 1);
  EXPECT_EQ(wait(kStart + 70 * kS, "127.0.0.1"), 80u);
  EXPECT_EQ(fail_times(5, kStart + 150 * kS), 1);
  EXPECT_EQ(wait(kStart + 150 * kS, "127.0.0.1"), 80u) << "and no longer than the maximum";
  EXPECT_EQ(fail_times(5, kStart + 300 * kS), 1) << "not forgotten for a day";
  EXPECT_EQ(metric("gatehouse_login_lockouts", "of=\"network\""), 6);
}

TEST_F(ThrottleTest, GuessesAtOnceAreNoMoreThanOneByOne) {
  std::vector<Throttle::Asked> asked;
  for (int i = 0; i < 5; ++i) asked.push_back(ask(kStart, "127.0.0.1"));
  EXPECT_FALSE(asked[0].refusal || asked[1].refusal);
  EXPECT_TRUE(asked[2].refusal && asked[3].refusal && asked[4].refusal);
  asked.clear();
  EXPECT_EQ(wait(kStart, "127.0.0.1"), 0u) << "given back";
}

TEST_F(ThrottleTest, AKnownNetworkHasMoreAndNotWithoutEnd) {
  EXPECT_EQ(fail_times(20, kStart, "127.0.0.1", "a", true), 6);
  EXPECT_EQ(wait(kStart, "127.0.0.1", "a", true), 10u);
  EXPECT_EQ(fail_times(20, kStart + 10 * kS, "127.0.0.1", "a", true), 1);
  EXPECT_EQ(fail_times(20, kStart + 30 * kS, "127.0.0.1", "a", true), 1);
  EXPECT_EQ(wait(kStart + 30 * kS, "127.0.0.1", "a", true), 30u) << "the lesser maximum";
}

TEST_F(ThrottleTest, StrangersTogetherReachTheAccountsBudgetLast) {
  int looked_at = 0;
  for (int i = 1; i <= 40; ++i) looked_at += fail_times(3, kStart, "10.0.0." + std::to_string(i));
  EXPECT_EQ(looked_at, 10) << "half of the day's";
  auto refused = ask(kStart, "127.0.9.1");
  ASSERT_TRUE(refused.refusal);
  EXPECT_EQ(refused.refusal->reason, kAccountCapped.reason);
  EXPECT_EQ(refused.refusal->retry_s, 8'640u);
  EXPECT_EQ(wait(kStart, "127.0.9.1", "a", true), 0u) << "a known network has its own";
  EXPECT_EQ(wait(kStart + 8'640 * kS, "127.0.9.1"), 0u) << "the rest in the course of the day";
  EXPECT_GT(metric("gatehouse_login_lockouts", "of=\"account\""), 0);
}

TEST_F(ThrottleTest, AGoodLoginForgivesItsAccountFromItsNetworkAlone) {
  fail_times(1, kStart, "127.0.0.1", "mine");
  fail_times(1, kStart, "127.0.0.1", "a");
  ask(kStart, "127.0.0.1", "mine").guess.succeeded(kStart);
  EXPECT_EQ(fail_times(5, kStart, "127.0.0.1", "a"), 1) << "two of this account";
  EXPECT_EQ(take(kStart), 0u) << "of three at the address one is forgiven";
  fail_times(1, kStart, "127.0.0.1", "c");
  EXPECT_EQ(take(kStart), 10u);
  throttle_.good(address("127.0.0.2"), "a", kStart);
  EXPECT_GT(wait(kStart, "127.0.0.1", "a"), 0u) << "not those from elsewhere";
  throttle_.good(address("127.0.0.1"), "a", kStart);
  EXPECT_EQ(wait(kStart, "127.0.0.1", "a"), 0u);
}

TEST_F(ThrottleTest, ALockedAddressLetsKnownNetworksIn) {
  const net::Address from = address("127.0.0.1");
  EXPECT_TRUE(throttle_.ask({from, "a", false, 7}, kStart).refusal);
  EXPECT_FALSE(throttle_.ask({from, "a", true, 7}, kStart).refusal);
  throttle_.good(from, "b", kStart);
  EXPECT_FALSE(throttle_.ask({from, "b", false, 7}, kStart).refusal) << "by what it remembers";
}

TEST_F(ThrottleTest, TheOwnerOfASlash48IsOneNetworkOnceHeMisbehaves) {
  int looked_at = 0;
  for (int i = 0; i < 100; ++i)
    looked_at += fail_times(1, kStart, "2001:db8:0:" + std::to_string(i * 10) + "::1");
  EXPECT_EQ(looked_at, 6) << "three times what one /64 has";
  looked_at = 0;
  for (int i = 0; i < 100; ++i)
    looked_at += fail_times(1, kStart, "2001:db8:1:" + std::to_string(i) + "::1", "b");
  EXPECT_EQ(looked_at, 4) << "twice, for a /56";
  EXPECT_EQ(wait(kStart, "2001:db8:2::1"), 0u) << "the neighbour's";

  for (int i = 0; i < 48; ++i) {
    fail_times(1, kStart, "2001:db8:3:" + std::to_string(i * 100) + "::1",
               "name" + std::to_string(i));
  }
  EXPECT_EQ(take(kStart, "2001:db8:3:ffff::1"), 10u);
  EXPECT_EQ(take(kStart, "2001:db8:4::1"), 0u);
}

TEST_F(ThrottleTest, BothFactorsTogetherHaveARate) {
  int taken = 0;
  for (int i = 0; i < 50; ++i) taken += throttle_.take_proof(address("127.0.0.1"), kStart);
  EXPECT_EQ(taken, 10);
  EXPECT_TRUE(throttle_.take_proof(address("127.0.0.2"), kStart));
  EXPECT_TRUE(throttle_.take_proof(address("127.0.0.1"), kStart + 3 * kS));
}

TEST_F(ThrottleTest, SuspectsFailedLatelyOrComeAllAtOnce) {
  EXPECT_FALSE(throttle_.take_address(address("127.0.0.1"), kStart).suspect);
  EXPECT_FALSE(throttle_.take_address(address("127.0.0.1"), kStart).suspect);
  EXPECT_TRUE(throttle_.take_address(address("127.0.0.1"), kStart).suspect);
  EXPECT_FALSE(throttle_.take_address(address("127.0.0.1"), kStart + 10 * kS).suspect);
  fail_times(1, kStart + 10 * kS);
  EXPECT_TRUE(throttle_.take_address(address("127.0.0.1"), kStart + 20 * kS).suspect);
  EXPECT_FALSE(throttle_.take_address(address("127.0.0.1"), kStart + 200 * kS).suspect);
}

// 100 entries a shard.
Limits few_entries() {
  Limits few = limits();
  few.login_throttle_entries_max = 1'600;
  return few;
}

net::Address nth_address(int i) {
  return address("10." + std::to_string(i >> 16) + "." + std::to_string(i >> 8 & 255) + "." +
                 std::to_string(i & 255));
}

TEST(Throttle, LocksAndFailuresOutliveAFullTable) {
  MetricSet metrics;
  Throttle throttle(test_world().clock, few_entries(), metrics);
  const net::Address guesser = address("127.0.0.1");
  for (int i = 0; i < 2; ++i) throttle.ask({guesser, "a", false, 0}, kStart).guess.failed(kStart);
  throttle.ask({guesser, "b", false, 0}, kStart).guess.failed(kStart);
  for (int i = 0; i < 50'000; ++i) {
    const net::Address other = nth_address(i);
    EXPECT_EQ(throttle.take_address(other, kStart).retry_s, 0u);
    if (i % 2 == 0) {
      throttle.ask({other, std::to_string(i), false, 0}, kStart).guess.failed(kStart);
    }
  }
  EXPECT_GT(throttle.take_address(guesser, kStart).locked_s, 0u);
  EXPECT_TRUE(throttle.ask({guesser, "a", false, 0}, kStart).refusal);
  metrics.each([](const Metric& m) {
    if (m.name() == "gatehouse_login_throttle_entries") {
      EXPECT_LE(m.value(), 1'600);
      EXPECT_GT(m.value(), 1'000);
    }
  });
}

TEST(Throttle, WhatFindsNoRoomIsCountedTogether) {
  MetricSet metrics;
  Throttle throttle(test_world().clock, few_entries(), metrics);
  // Every entry is at work: none can be forgotten.
  std::vector<Throttle::Asked> all;
  for (int i = 0; i < 4'000; ++i)
    all.push_back(throttle.ask({nth_address(i), std::to_string(i), false, 0}, kStart));
  int looked_at = 0;
  for (int i = 4'000; i < 8'000; ++i) {
    auto asked = throttle.ask({nth_address(i), std::to_string(i), false, 0}, kStart);
    looked_at += asked.refusal ? 0 : 1;
    asked.guess.failed(kStart);
  }
  EXPECT_LT(looked_at, 400);
}

TEST(Throttle, ZeroMeansNoLimit) {
  Limits none;
  none.login_address_per_s = none.login_address_failures_max = 0;
  none.login_account_per_min = none.login_account_failures_max = 0;
  none.login_account_failures_day_max = none.login_known_failures_day_max = 0;
  EXPECT_EQ(Throttle::guesses_per_day(none), 0u);
  MetricSet metrics;
  Throttle throttle(test_world().clock, none, metrics);
  const net::Address from = address("127.0.0.1");
  for (int i = 0; i < 1'000; ++i) {
    const auto verdict = throttle.take_address(from, kStart);
    ASSERT_EQ(verdict.retry_s, 0u);
    ASSERT_FALSE(verdict.suspect);
    auto asked = throttle.ask({from, "a", false, 0}, kStart);
    ASSERT_FALSE(asked.refusal);
    asked.guess.failed(kStart);
  }
}

TEST(Throttle, ManyThreads) {
  MetricSet metrics;
  Throttle throttle(test_world().clock, limits(), metrics);
  std::atomic<int> taken{0}, guesses{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 2'000; ++i) {
        taken += throttle.take_address(address("127.0.0.1"), kStart).retry_s == 0;
        auto asked =
            throttle.ask({address("127.0.1." + std::to_string(i % 100)), "a", false, 0}, kStart);
        guesses += asked.refusal ? 0 : 1;
        asked.guess.failed(kStart);
        throttle.good(address("127.0.1." + std::to_string(i % 100)), std::to_string(t), kStart);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(taken, 4) << "exactly the burst";
  EXPECT_EQ(guesses, 10) << "exactly half of the day's";
}

// Each lock-out is twice as long as the one before, also where that is more nanoseconds than there
// are.
TEST(ThrottleLockOutTest, TheLongestIsNeverPassedNorMissed) {
  MetricSet metrics;
  Limits longest = limits();
  longest.login_lock_ms = UINT32_MAX / 2;
  longest.login_account_lock_ms_max = UINT32_MAX;
  longest.login_account_failures_max = 1;
  Throttle throttle(test_world().clock, longest, metrics);
  const net::Address from = address("192.0.2.7");
  std::int64_t now = kStart;
  for (int i = 0; i < 30; ++i) {
    auto asked = throttle.ask({from, "a", false, 0}, now);
    ASSERT_FALSE(asked.refusal) << "lock-out " << i;
    asked.guess.failed(now);
    const auto refused = throttle.ask({from, "a", false, 0}, now);
    ASSERT_TRUE(refused.refusal) << "lock-out " << i;
    const std::uint32_t longest_s = UINT32_MAX / 1'000 + 1;
    EXPECT_EQ(refused.refusal->retry_s, i == 0 ? longest_s / 2 : longest_s) << "lock-out " << i;
    now += (std::int64_t{refused.refusal->retry_s} + 1) * kS;
  }
}

}  // namespace
}  // namespace gatehouse::admission
