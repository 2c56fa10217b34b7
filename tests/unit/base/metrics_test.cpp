#include "base/metrics.hpp"

#include <gtest/gtest.h>

#include <set>
#include <thread>
#include <vector>

namespace gatehouse {
namespace {

TEST(MetricSet, SameNameAndLabelIsOneMetric) {
  MetricSet set;
  Metric& a = set.counter("frames", "reason=\"oversize\"", "Frames refused");
  Metric& b = set.counter("frames", "reason=\"rate\"", "Frames refused");
  Metric& c = set.counter("frame", "reason=\"oversize\"", "Frames");
  EXPECT_EQ(&a, &set.counter("frames", "reason=\"oversize\"", "another help"));
  EXPECT_NE(&a, &b);
  EXPECT_NE(&a, &c);
  EXPECT_EQ(a.name(), "gatehouse_frames");
  EXPECT_EQ(a.label(), "reason=\"oversize\"");
  EXPECT_EQ(a.help(), "Frames refused");
}

TEST(MetricSet, CountersAddAndGaugesAreSet) {
  MetricSet set;
  Metric& counter = set.counter("c", "", "");
  Metric& gauge = set.gauge("g", "", "");
  EXPECT_FALSE(counter.is_gauge());
  EXPECT_TRUE(gauge.is_gauge());
  EXPECT_EQ(counter.value(), 0);
  counter.add();
  counter.add(41);
  EXPECT_EQ(counter.value(), 42);
  gauge.set(7);
  gauge.add(-10);
  EXPECT_EQ(gauge.value(), -3);
}

TEST(MetricSet, EachVisitsInOrderOfCreation) {
  MetricSet set;
  std::vector<const Metric*> made, seen;
  for (int i = 0; i < 100; ++i) made.push_back(&set.counter("m" + std::to_string(i), "", ""));
  set.counter("m7", "", "");
  set.each([&seen](const Metric& metric) { seen.push_back(&metric); });
  EXPECT_EQ(seen, made);
}

TEST(MetricSet, ThreadsShareTheMetricsTheyMake) {
  constexpr int kThreads = 4, kNames = 50, kRounds = 200;
  MetricSet set;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&set] {
      for (int i = 0; i < kRounds; ++i) {
        for (int n = 0; n < kNames; ++n) set.counter("m" + std::to_string(n), "", "").add();
        set.each([](const Metric& metric) { static_cast<void>(metric.value()); });
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<std::string> names;
  set.each([&names](const Metric& metric) {
    names.insert(metric.name());
    EXPECT_EQ(metric.value(), kThreads * kRounds);
  });
  EXPECT_EQ(names.size(), static_cast<std::size_t>(kNames));
}

}  // namespace
}  // namespace gatehouse
