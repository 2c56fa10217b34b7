#include "base/line_budget.hpp"

#include <gtest/gtest.h>

#include <random>

namespace gatehouse {
namespace {

TEST(LineBudget, AKeyHasItsShareAWindow) {
  LineBudget budget({.per_key = 2, .all = 0, .window_ms = 100, .keys_max = 8});
  EXPECT_TRUE(budget.admit("a", 1));
  EXPECT_TRUE(budget.admit("a", 2));
  EXPECT_FALSE(budget.admit("a", 3));
  EXPECT_TRUE(budget.admit("b", 3));
  EXPECT_TRUE(budget.end_windows(100).empty());
  const auto told = budget.end_windows(101);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].key, "a");
  EXPECT_EQ(told[0].lines, 1u);
  EXPECT_TRUE(budget.admit("a", 101));
  EXPECT_TRUE(budget.end_windows(103).empty()) << "b left nothing out";
  EXPECT_EQ(budget.keys(), 1u);
}

TEST(LineBudget, AllTogetherHaveOne) {
  LineBudget budget({.per_key = 5, .all = 3, .window_ms = 100, .keys_max = 8});
  int admitted = 0;
  for (const char* key : {"a", "b", "c", "d", "e"}) admitted += budget.admit(key, 1) ? 1 : 0;
  EXPECT_EQ(admitted, 3);
  EXPECT_EQ(budget.end_all().size(), 2u);
  EXPECT_EQ(budget.keys(), 0u);
}

TEST(LineBudget, NoughtIsNoLimit) {
  LineBudget budget({.per_key = 0, .all = 1, .window_ms = 100, .keys_max = 8});
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(budget.admit("a", 1));
  EXPECT_EQ(budget.keys(), 0u);
}

// Whatever comes in whatever order: nothing is lost from the count, and memory is bounded.
TEST(LineBudget, EveryLineIsAdmittedOrCounted) {
  std::mt19937 random(12);
  LineBudget budget({.per_key = 3, .all = 40, .window_ms = 100, .keys_max = 16});
  std::uint64_t asked = 0, admitted = 0, left_out = 0;
  MonotonicMs now = 1;
  const auto count = [&left_out](const std::vector<LineBudget::LeftOut>& told) {
    for (const auto& one : told) left_out += one.lines;
  };
  for (int i = 0; i < 20'000; ++i) {
    now += random() % 3;
    ++asked;
    admitted += budget.admit("player" + std::to_string(random() % 64), now) ? 1 : 0;
    ASSERT_LE(budget.keys(), 17u);
    if (random() % 50 == 0) count(budget.end_windows(now));
  }
  count(budget.end_all());
  EXPECT_EQ(admitted + left_out, asked);
  EXPECT_LE(admitted, (static_cast<std::uint64_t>(now) / 100 + 1) * 40);
}

}  // namespace
}  // namespace gatehouse
