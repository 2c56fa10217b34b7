// Whole lives under 200 seeds. A failure prints its seed and what happened last; SEED=n runs that
// one alone and prints all of it.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <string>

#include "simulation.hpp"

namespace gatehouse::simulation {
namespace {

constexpr std::uint64_t kSeedsATest = 50;
constexpr std::size_t kLastLines = 60;

std::string last_lines(const std::string& log) {
  std::size_t at = log.size();
  for (std::size_t i = 0; i < kLastLines && at > 0 && at != std::string::npos; ++i)
    at = log.rfind('\n', at - 1);
  return at == std::string::npos ? log : log.substr(at);
}

std::string log_of(std::uint64_t seed) {
  Simulation simulation(seed);
  const std::string wrong = simulation.run();
  EXPECT_EQ(wrong, "") << "SEED=" << seed << last_lines(simulation.log());
  return simulation.log();
}

class Lives : public testing::TestWithParam<std::uint64_t> {};

TEST_P(Lives, HoldWhatTheyPromise) {
  if (std::getenv("SEED") != nullptr) GTEST_SKIP() << "one seed alone";
  for (std::uint64_t seed = GetParam(); seed < GetParam() + kSeedsATest; ++seed) {
    log_of(seed);
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, Lives, testing::Range<std::uint64_t>(0, 200, kSeedsATest));

TEST(Simulation, OneSeedIsOneRunByteForByte) {
  for (const std::uint64_t seed : {1u, 2u, 3u, 1'000u}) {
    const std::string once = log_of(seed);
    EXPECT_EQ(once, log_of(seed)) << "SEED=" << seed;
    EXPECT_NE(once, log_of(seed + 10)) << "SEED=" << seed;
  }
}

TEST(Simulation, TheSeedOfTheEnvironment) {
  const char* seed = std::getenv("SEED");
  if (seed == nullptr) GTEST_SKIP() << "SEED=n runs seed n and prints its log";
  std::cout << log_of(std::strtoull(seed, nullptr, 10));
}

}  // namespace
}  // namespace gatehouse::simulation
