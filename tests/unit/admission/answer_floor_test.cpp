#include "admission/answer_floor.hpp"

#include <gtest/gtest.h>

namespace gatehouse::admission {
namespace {

constexpr std::int64_t kMs = 1'000'000;
constexpr std::int64_t kBegan = 1'000 * kMs;

class AnswerFloorTest : public testing::Test {
 protected:
  MetricSet metrics_;
  AnswerFloor floor_{500, metrics_};
};

TEST_F(AnswerFloorTest, NothingLearnedHoldsNothingBack) {
  EXPECT_EQ(floor_.due_ns(kBegan, kBegan + 3), kBegan + 3);
}

TEST_F(AnswerFloorTest, TheSlowestFormatMakesTheFloor) {
  floor_.learn(1'000, 10 * kMs);
  floor_.learn(9'000, 200 * kMs);
  floor_.learn(2'000, 20 * kMs);
  EXPECT_EQ(floor_.floor_ns(), 251 * kMs) << "with a margin";
  for (const std::int64_t took : {0, 1, 200, 250})
    EXPECT_EQ(floor_.due_ns(kBegan, kBegan + took * kMs), kBegan + 251 * kMs) << took;
  EXPECT_EQ(floor_.due_ns(kBegan, kBegan + 300 * kMs), kBegan + 502 * kMs) << "late: the next one";
}

TEST_F(AnswerFloorTest, ItRisesFastFallsSlowlyAndBelievesNoOutlier) {
  for (int i = 0; i < 10; ++i) floor_.learn(1'000, 40 * kMs);
  EXPECT_EQ(floor_.floor_ns(), 51 * kMs);
  floor_.learn(1'000, 60 * kMs);
  EXPECT_GT(floor_.floor_ns(), 62 * kMs);
  floor_.learn(1'000, 60'000 * kMs);
  EXPECT_LT(floor_.floor_ns(), 170 * kMs);
  floor_.learn(1'000, 40 * kMs);
  EXPECT_GT(floor_.floor_ns(), 140 * kMs);
  for (int i = 0; i < 2'000; ++i) floor_.learn(1'000, 40 * kMs);
  EXPECT_LE(floor_.floor_ns(), 52 * kMs);
}

TEST_F(AnswerFloorTest, ItHasAMaximum) {
  floor_.learn(1'000, 3'000 * kMs);
  EXPECT_EQ(floor_.floor_ns(), 500 * kMs);
  AnswerFloor off(0, metrics_);
  off.learn(1'000, 3'000 * kMs);
  EXPECT_FALSE(off.wants(7));
  EXPECT_EQ(off.due_ns(kBegan, kBegan + 1), kBegan + 1);
}

TEST_F(AnswerFloorTest, WhatIsSlowerThanHalfOfAllIsMeasuredOnce) {
  EXPECT_TRUE(floor_.wants(1'000));
  EXPECT_FALSE(floor_.wants(1'000));
  EXPECT_TRUE(floor_.wants(9'000));
  EXPECT_FALSE(floor_.wants(2'000)) << "the other covers it";
  EXPECT_TRUE(floor_.wants(5'000));
}

TEST_F(AnswerFloorTest, FormatsAreBounded) {
  for (std::int64_t i = 1; i <= 1'000; ++i)
    floor_.learn(static_cast<std::uint64_t>(i) * 1'000, i * kMs / 10);
  EXPECT_EQ(floor_.floor_ns(), 126 * kMs);
}

}  // namespace
}  // namespace gatehouse::admission
