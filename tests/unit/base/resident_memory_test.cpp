#include "base/resident_memory.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace gatehouse {
namespace {

TEST(ResidentMemory, IsMoreThanAMebibyte) {
  EXPECT_GT(ResidentMemory().bytes().value_or(0), 1u << 20);
}

// When an attack has taken them all, what it takes of memory has to be known.
TEST(ResidentMemory, IsToldWithoutADescriptorLeft) {
  const ResidentMemory before;
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  rlimit none = limit;
  none.rlim_cur = 0;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const auto held = before.bytes();
  const auto late = ResidentMemory().bytes();
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_GT(held.value_or(0), 1u << 20);
  EXPECT_FALSE(late.has_value()) << "unknown, and not nothing";
}

}  // namespace
}  // namespace gatehouse
