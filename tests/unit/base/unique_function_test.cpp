#include "base/unique_function.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace gatehouse {
namespace {

static_assert(!std::is_copy_constructible_v<UniqueFunction<void()>>);
static_assert(std::is_nothrow_move_constructible_v<UniqueFunction<void()>>);
static_assert(!std::is_constructible_v<UniqueFunction<void()>, void (*)(int)>);
static_assert(!std::is_constructible_v<UniqueFunction<std::string()>, int (*)()>);

int twice(int n) {
  return 2 * n;
}

TEST(UniqueFunction, EmptyUntilGivenAFunction) {
  UniqueFunction<int(int)> f;
  EXPECT_FALSE(f);
  f = twice;
  ASSERT_TRUE(f);
  EXPECT_EQ(f(21), 42);
  f = {};
  EXPECT_FALSE(f);
}

TEST(UniqueFunction, HoldsWhatOnlyMoves) {
  auto value = std::make_unique<int>(7);
  UniqueFunction<int()> f = [value = std::move(value)] { return *value; };
  UniqueFunction<int()> g = std::move(f);
  EXPECT_FALSE(f);  // NOLINT(bugprone-use-after-move): empty is what is promised
  EXPECT_EQ(g(), 7);
}

TEST(UniqueFunction, PassesArgumentsThrough) {
  UniqueFunction<std::unique_ptr<int>(std::unique_ptr<int>, int&)> f = [](std::unique_ptr<int> p,
                                                                          int& n) {
    n = *p;
    return p;
  };
  int n = 0;
  auto p = std::make_unique<int>(9);
  const int* raw = p.get();
  EXPECT_EQ(f(std::move(p), n).get(), raw);
  EXPECT_EQ(n, 9);
}

TEST(UniqueFunction, KeepsStateBetweenCalls) {
  UniqueFunction<int()> f = [n = 0]() mutable { return ++n; };
  f();
  EXPECT_EQ(f(), 2);
}

TEST(UniqueFunction, DestroysWhatItHeldOnce) {
  auto alive = std::make_shared<int>(0);
  {
    UniqueFunction<void()> f = [alive] {};
    EXPECT_EQ(alive.use_count(), 2);
    UniqueFunction<void()> g = std::move(f);
    EXPECT_EQ(alive.use_count(), 2);
    g = [] {};
    EXPECT_EQ(alive.use_count(), 1);
    f = [alive] {};
  }
  EXPECT_EQ(alive.use_count(), 1);
}

}  // namespace
}  // namespace gatehouse
