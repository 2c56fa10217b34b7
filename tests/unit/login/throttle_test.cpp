#include "login/throttle.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace gatehouse::login {
namespace {

constexpr std::int64_t kS = 1'000'000'000;
constexpr std::int64_t kStart = 1'000 * kS;

net::Address address(const std::string& ip) { return net::Address::from(ip, 1).value(); }

Limits limits() {
  Limits limits;
  limits.login_address_per_s = 2;
  limits.login_address_burst = 4;
  limits.login_address_failures_max = 3;
  limits.login_account_per_min = 6;
  limits.login_account_burst = 3;
  limits.login_account_failures_max = 2;
  limits.login_lock_ms = 10'000;
  limits.login_lock_ms_max = 30'000;
  limits.login_failure_memory_ms = 100'000;
  return limits;
}

class ThrottleTest : public testing::Test {
 protected:
  std::uint32_t take(std::int64_t now, const std::string& ip = "127.0.0.1") {
    return throttle_.take_address(address(ip), now).retry_s;
  }
  void fail_times(int times, std::int64_t now, const std::string& ip = "127.0.0.1",
                  const std::string& name = "a") {
    for (int i = 0; i < times; ++i) throttle_.failed(address(ip), name, now);
  }
  std::int64_t metric(std::string_view name, std::string_view label) {
    std::int64_t value = -1;
    metrics_.each([&](const Metric& m) {
      if (m.name() == name && m.label() == label) value = m.value();
    });
    return value;
  }

  MetricSet metrics_;
  Throttle throttle_{limits(), metrics_};
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

TEST_F(ThrottleTest, AnAccountIsCountedWhereverTheLoginsComeFrom) {
  for (int i = 0; i < 3; ++i) EXPECT_EQ(throttle_.take_account("a", kStart).retry_s, 0u);
  EXPECT_EQ(throttle_.take_account("a", kStart).retry_s, 10u) << "six a minute";
  EXPECT_EQ(throttle_.take_account("b", kStart).retry_s, 0u);
  EXPECT_EQ(throttle_.take_account("a", kStart + 10 * kS).retry_s, 0u);
}

TEST_F(ThrottleTest, FailuresLockOutTwiceAsLongEachTime) {
  fail_times(2, kStart);
  EXPECT_EQ(take(kStart), 0u);
  fail_times(1, kStart);
  EXPECT_EQ(take(kStart), 10u);
  EXPECT_EQ(take(kStart + 9 * kS), 1u);
  std::int64_t now = kStart + 10 * kS;
  EXPECT_EQ(take(now), 0u);
  fail_times(3, now);
  EXPECT_EQ(take(now), 20u);
  now += 20 * kS;
  fail_times(3, now);
  EXPECT_EQ(take(now), 30u) << "and no longer than the maximum";
  EXPECT_EQ(metric("gatehouse_login_lockouts", "of=\"address\""), 3);
}

TEST_F(ThrottleTest, WhatFailsWhileLockedOutMakesTheLockNoLonger) {
  fail_times(20, kStart);
  EXPECT_EQ(take(kStart), 10u);
  EXPECT_EQ(throttle_.take_account("a", kStart).retry_s, 10u);
}

TEST_F(ThrottleTest, FailuresAreForgottenAfterAWhile) {
  fail_times(3, kStart);
  fail_times(2, kStart + 115 * kS);
  EXPECT_EQ(take(kStart + 115 * kS), 0u) << "the first three are over";
  fail_times(1, kStart + 115 * kS);
  EXPECT_EQ(take(kStart + 115 * kS), 10u) << "and so is the first lock-out";
}

TEST_F(ThrottleTest, AGoodLoginForgivesTheAccountAndHalfOfTheAddress) {
  fail_times(2, kStart, "127.0.0.1", "a");
  EXPECT_GT(throttle_.take_account("a", kStart).retry_s, 0u);
  throttle_.succeeded(address("127.0.0.1"), "b", kStart);
  fail_times(1, kStart, "127.0.0.1", "c");
  EXPECT_EQ(take(kStart), 0u) << "one of two was forgiven";
  fail_times(1, kStart, "127.0.0.1", "d");
  EXPECT_GT(take(kStart), 0u);

  fail_times(1, kStart, "127.0.0.2", "e");
  throttle_.succeeded(address("127.0.0.2"), "e", kStart);
  fail_times(1, kStart, "127.0.0.3", "e");
  EXPECT_EQ(throttle_.take_account("e", kStart).retry_s, 0u);
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

TEST(Throttle, RemembersABoundedNumberAndForgetsTheOldest) {
  Limits few = limits();
  few.login_throttle_entries_max = 1'600;  // 100 a shard
  MetricSet metrics;
  Throttle throttle(few, metrics);
  const auto nth = [](int i) {
    return address("10." + std::to_string(i >> 16) + "." + std::to_string(i >> 8 & 255) + "." +
                   std::to_string(i & 255));
  };
  for (int i = 0; i < 3; ++i) throttle.failed(nth(0), "a", kStart);
  for (int i = 1; i < 50'000; ++i) {
    EXPECT_EQ(throttle.take_address(nth(i), kStart).retry_s, 0u);
    if (i % 50 == 0) {
      EXPECT_GT(throttle.take_address(nth(0), kStart).retry_s, 0u)
          << "what is asked for again and again is kept";
    }
  }
  metrics.each([](const Metric& m) {
    if (m.name() == "gatehouse_login_throttle_entries") {
      EXPECT_LE(m.value(), 1'600);
      EXPECT_GT(m.value(), 1'000);
    }
  });
}

TEST(Throttle, ZeroMeansNoLimit) {
  Limits none;
  none.login_address_per_s = none.login_address_failures_max = 0;
  none.login_account_per_min = none.login_account_failures_max = 0;
  MetricSet metrics;
  Throttle throttle(none, metrics);
  for (int i = 0; i < 1'000; ++i) {
    throttle.failed(address("127.0.0.1"), "a", kStart);
    const auto verdict = throttle.take_address(address("127.0.0.1"), kStart);
    ASSERT_EQ(verdict.retry_s, 0u);
    ASSERT_FALSE(verdict.suspect);
    ASSERT_EQ(throttle.take_account("a", kStart).retry_s, 0u);
  }
}

TEST(Throttle, ManyThreads) {
  MetricSet metrics;
  Throttle throttle(limits(), metrics);
  std::atomic<int> taken{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 2'000; ++i) {
        taken += throttle.take_address(address("127.0.0.1"), kStart).retry_s == 0;
        throttle.failed(address("127.0.1." + std::to_string(i % 100)), std::to_string(t), kStart);
        throttle.succeeded(address("127.0.1." + std::to_string(i % 100)), "x", kStart);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(taken, 4) << "exactly the burst";
}

}  // namespace
}  // namespace gatehouse::login
