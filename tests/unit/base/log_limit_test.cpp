#include "base/log_limit.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace gatehouse {
namespace {

TEST(LogLimit, SoManyLinesAWindowAndTheOthersCounted) {
  LogLimit limit(2, 1'000);
  EXPECT_EQ(limit.admit(5), 0u);
  EXPECT_EQ(limit.admit(6), 0u);
  EXPECT_EQ(limit.admit(7), std::nullopt);
  EXPECT_EQ(limit.admit(1'004), std::nullopt);
  EXPECT_EQ(limit.admit(1'005), 2u);
  EXPECT_EQ(limit.admit(1'006), 0u);
  EXPECT_EQ(limit.admit(2'004), std::nullopt);
}

TEST(LogLimit, TheFirstLineNeedsNoClockThatRuns) {
  LogLimit limit(1, 60'000);
  EXPECT_EQ(limit.admit(0), 0u);
  EXPECT_EQ(limit.admit(0), std::nullopt);
}

TEST(LogLimit, NewsBeginsAWindow) {
  LogLimit limit(1, 1'000);
  EXPECT_EQ(limit.admit(0), 0u);
  EXPECT_EQ(limit.admit(900), std::nullopt);
  EXPECT_EQ(limit.admit(900, true), 1u);
  EXPECT_EQ(limit.admit(1'899), std::nullopt);
  EXPECT_EQ(limit.admit(1'900), 1u);
}

TEST(LogLimit, EndTellsOnceAndLetsTheNextLineBegin) {
  LogLimit limit(1, 1'000);
  EXPECT_EQ(limit.admit(0), 0u);
  EXPECT_EQ(limit.admit(1), std::nullopt);
  EXPECT_EQ(limit.end(), 1u);
  EXPECT_EQ(limit.end(), 0u);
  EXPECT_EQ(limit.admit(2), 0u);
}

TEST(LogLimit, ThreadsShareAWindow) {
  LogLimit limit(10, 1'000);
  std::atomic<int> written{0};
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&limit, &written] {
      for (int i = 0; i < 100; ++i)
        if (limit.admit(1)) ++written;
    });
  threads.clear();
  EXPECT_EQ(written.load(), 10);
  EXPECT_EQ(limit.end(), 390u);
}

}  // namespace
}  // namespace gatehouse
