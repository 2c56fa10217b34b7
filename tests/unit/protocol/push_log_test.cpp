#include "protocol/push_log.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <random>

#include "base/limits.hpp"

namespace gatehouse::protocol {
namespace {

using Pushes = std::vector<std::pair<std::uint32_t, std::string>>;

Pushes replay(const PushLog& log, std::uint32_t last_push) {
  Pushes pushes;
  log.replay_after(last_push, [&](std::uint32_t number, std::string_view content) {
    pushes.emplace_back(number, content);
  });
  return pushes;
}

TEST(PushLog, Design6NumbersFromOneAndReplaysAfterTheLastSeen) {
  PushLog log(128, 65'536);
  EXPECT_FALSE(log.gap_after(0));
  EXPECT_EQ(replay(log, 0), Pushes{});
  EXPECT_EQ(log.append("a").value(), 1u);
  EXPECT_EQ(log.append("b").value(), 2u);
  EXPECT_EQ(log.append("").value(), 3u);
  EXPECT_EQ(replay(log, 0), (Pushes{{1, "a"}, {2, "b"}, {3, ""}}));
  EXPECT_EQ(replay(log, 2), (Pushes{{3, ""}}));
  EXPECT_EQ(replay(log, 3), Pushes{});
  EXPECT_FALSE(log.gap_after(0));
  EXPECT_FALSE(log.gap_after(3));
}

TEST(PushLog, Design6GapByCount) {
  PushLog log(3, 65'536);
  for (const char* content : {"a", "b", "c", "d", "e"}) ASSERT_TRUE(log.append(content));
  EXPECT_EQ(replay(log, 0), (Pushes{{3, "c"}, {4, "d"}, {5, "e"}}));
  EXPECT_FALSE(log.gap_after(2));
  const PushGap gap = log.gap_after(1);
  EXPECT_TRUE(gap);
  EXPECT_EQ(gap.last_push, 1u);
  EXPECT_EQ(gap.next_push, 3u);
}

TEST(PushLog, Design6GapByBytes) {
  PushLog log(128, 10);
  ASSERT_TRUE(log.append("1234"));
  ASSERT_TRUE(log.append("5678"));
  EXPECT_EQ(log.count(), 2u);
  ASSERT_TRUE(log.append("abc"));
  EXPECT_EQ(log.first_number(), 2u);
  EXPECT_EQ(log.content_bytes(), 7u);
  ASSERT_TRUE(log.append(std::string(50, 'x')));  // the youngest is kept, whatever its size
  EXPECT_EQ(log.count(), 1u);
  ASSERT_TRUE(log.append("z"));
  EXPECT_EQ(replay(log, 0), (Pushes{{5, "z"}}));
}

TEST(PushLog, Design6AClientOfAnotherLogGetsEverythingAndAGap) {
  PushLog log(128, 65'536);
  EXPECT_TRUE(log.gap_after(7));
  EXPECT_EQ(log.gap_after(7).next_push, 1u);
  ASSERT_TRUE(log.append("a"));
  EXPECT_TRUE(log.gap_after(2));
  EXPECT_TRUE(log.gap_after(0xffffffff));
  EXPECT_EQ(replay(log, 2), (Pushes{{1, "a"}}));
  log.acknowledge(2);  // no number of this log
  EXPECT_EQ(log.count(), 1u);
}

TEST(PushLog, AcknowledgedPushesAreDropped) {
  PushLog log(128, 65'536);
  for (const char* content : {"a", "b", "c"}) ASSERT_TRUE(log.append(content));
  log.acknowledge(2);
  EXPECT_EQ(log.count(), 1u);
  EXPECT_FALSE(log.gap_after(2));
  EXPECT_TRUE(log.gap_after(1));
  log.acknowledge(3);
  EXPECT_EQ(log.content_bytes(), 0u);
  EXPECT_FALSE(log.gap_after(3));
  EXPECT_EQ(log.append("d").value(), 4u);
}

TEST(PushLog, ClearStartsAtOneAndFreesTheMemory) {
  PushLog log(128, 65'536);
  EXPECT_EQ(log.heap_bytes(), 0u);
  EXPECT_LE(sizeof(PushLog), 56u);
  ASSERT_TRUE(log.append(std::string(1000, 'x')));
  log.clear();
  EXPECT_EQ(log.heap_bytes(), 0u);
  EXPECT_EQ(log.append("a").value(), 1u);
}

TEST(PushLog, APushOverAFrameIsInvalid) {
  PushLog log(128, 65'536);
  EXPECT_TRUE(log.append(std::string(kResponseContentBytesMax, 'x')));
  const auto number = log.append(std::string(kResponseContentBytesMax + 1, 'x'));
  ASSERT_FALSE(number);
  EXPECT_EQ(number.error().code, Errc::kInvalid);
  EXPECT_EQ(log.last_number(), 1u);
}

TEST(PushLog, RandomOperationsAgreeWithAModel) {
  const unsigned seed = 31337;
  std::mt19937 random(seed);
  for (int round = 0; round < 100; ++round) {
    const std::uint32_t count_max = 1 + random() % 9, bytes_max = random() % 200;
    PushLog log(count_max, bytes_max);
    std::deque<std::pair<std::uint32_t, std::string>> model;
    std::uint32_t last = 0;
    std::size_t bytes = 0;
    for (int step = 0; step < 300; ++step) {
      SCOPED_TRACE("seed " + std::to_string(seed) + " round " + std::to_string(round));
      if (random() % 10 < 8) {
        const std::string content(random() % (random() % 5 == 0 ? 400 : 20), 'c');
        while (!model.empty() &&
               (model.size() >= count_max || bytes + content.size() > bytes_max)) {
          bytes -= model.front().second.size();
          model.pop_front();
        }
        model.emplace_back(++last, content);
        bytes += content.size();
        ASSERT_EQ(log.append(content).value(), last);
      } else {
        const std::uint32_t seen = random() % (last + 2);
        log.acknowledge(seen);
        while (seen <= last && !model.empty() && model.front().first <= seen) {
          bytes -= model.front().second.size();
          model.pop_front();
        }
      }
      ASSERT_EQ(replay(log, last - static_cast<std::uint32_t>(model.size())),
                Pushes(model.begin(), model.end()));
      ASSERT_EQ(log.content_bytes(), bytes);
      ASSERT_LE(log.heap_bytes(), (count_max * 3 / 2 + 5) * (32 + 513) + 2 * bytes);
    }
  }
}

}  // namespace
}  // namespace gatehouse::protocol
