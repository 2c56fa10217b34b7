// ThrottleTable: bounded, and what is locked out or at work is never forgotten.
#include "admission/throttle_table.hpp"

#include <gtest/gtest.h>

#include <string>

#include "base/metrics.hpp"

namespace gatehouse::admission {
namespace {

constexpr std::int64_t kNow = 1'000'000'000;
constexpr std::int64_t kLater = 10 * kNow;

class ThrottleTableTest : public testing::Test {
 protected:
  static constexpr std::size_t kEntries = 64;  // four a shard

  std::uint32_t failures(const std::string& key) {
    std::uint32_t count = 0;
    table_.with_known(key, kNow, [&count](const ThrottleEntry& entry) { count = entry.failures; });
    return count;
  }
  bool knows(const std::string& key) {
    bool known = false;
    table_.with_known(key, kNow, [&known](const ThrottleEntry&) { known = true; });
    return known;
  }
  void flood(int keys) {
    for (int i = 0; i < keys; ++i)
      table_.with("flood " + std::to_string(i), kNow, [](ThrottleEntry& entry) { return &entry; });
  }
  std::int64_t entries() { return metrics_.gauge("login_throttle_entries", "", "").value(); }
  std::int64_t found_no_room() { return metrics_.counter("login_throttle_full", "", "").value(); }

  MetricSet metrics_;
  ThrottleTable table_{kEntries, metrics_};
};

TEST_F(ThrottleTableTest, RemembersWhatWasCounted) {
  table_.with("a", kNow, [](ThrottleEntry& entry) {
    entry.failures = 3;
    entry.forgotten_ns = kLater;
    return 0;
  });
  EXPECT_EQ(failures("a"), 3u);
  EXPECT_FALSE(knows("b")) << "asking makes no entry";
  EXPECT_EQ(entries(), 1);
}

TEST_F(ThrottleTableTest, ForgetsFailuresWhenTheirTimeIsOver) {
  table_.with("a", kNow, [](ThrottleEntry& entry) {
    entry.failures = entry.locks = entry.recent = 3;
    entry.forgotten_ns = kLater;
    return 0;
  });
  const auto left = table_.with("a", kLater, [](ThrottleEntry& entry) {
    return entry.failures + entry.locks + entry.recent;
  });
  EXPECT_EQ(left, 0u);
}

TEST_F(ThrottleTableTest, IsBounded) {
  flood(1'000);
  EXPECT_LE(entries(), static_cast<std::int64_t>(kEntries));
  EXPECT_GT(entries(), 0);
  EXPECT_EQ(found_no_room(), 0) << "what remembers nothing makes room";
}

TEST_F(ThrottleTableTest, WhatIsLockedOutOrAtWorkOutlivesAFlood) {
  table_.with("locked", kNow, [](ThrottleEntry& entry) {
    entry.failures = 1;
    entry.locked_until_ns = entry.forgotten_ns = kLater;
    return 0;
  });
  table_.with("at work", kNow, [](ThrottleEntry& entry) {
    entry.pending = 1;
    return 0;
  });
  flood(10'000);
  EXPECT_EQ(failures("locked"), 1u);
  EXPECT_TRUE(knows("at work"));
}

TEST_F(ThrottleTableTest, TheFewestFailuresGoFirst) {
  // Every shard is full of entries that remember something, and one that remembers more.
  for (int i = 0; i < 2'000; ++i) {
    table_.with("few " + std::to_string(i), kNow, [](ThrottleEntry& entry) {
      entry.failures = 1;
      entry.forgotten_ns = kLater;
      return 0;
    });
    table_.with("many", kNow, [i](ThrottleEntry& entry) {
      if (i == 0) entry.failures = 50;
      entry.forgotten_ns = kLater;
      return 0;
    });
  }
  EXPECT_EQ(failures("many"), 50u);
}

TEST_F(ThrottleTableTest, WithoutRoomNewKeysAreCountedTogether) {
  for (int i = 0; i < 1'000; ++i) {
    table_.with("locked " + std::to_string(i), kNow, [](ThrottleEntry& entry) {
      entry.locked_until_ns = kLater;
      return 0;
    });
  }
  EXPECT_GT(found_no_room(), 0);
  EXPECT_EQ(entries(), static_cast<std::int64_t>(kEntries));
  EXPECT_FALSE(knows("someone else"));
  // The entry that all of them share in their shard is locked out, too.
  EXPECT_TRUE(table_.with("someone else", kNow,
                          [](const ThrottleEntry& entry) { return entry.locked(kNow); }));
}

}  // namespace
}  // namespace gatehouse::admission
