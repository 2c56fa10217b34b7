#include "gatectl/duration.hpp"

#include <gtest/gtest.h>

namespace gatehouse::gatectl {
namespace {

TEST(Duration, UnitsOfTime) {
  EXPECT_EQ(parse_duration_s("90s").value(), 90);
  EXPECT_EQ(parse_duration_s("30m").value(), 1'800);
  EXPECT_EQ(parse_duration_s("2h").value(), 7'200);
  EXPECT_EQ(parse_duration_s("7d").value(), 604'800);
  EXPECT_EQ(parse_duration_s("1w").value(), 604'800);
  EXPECT_EQ(parse_duration_s("36500d").value(), 3'153'600'000);
}

TEST(Duration, NothingElse) {
  for (const char* text : {"", "2", "h", "0h", "-1h", "+1h", "2y", "2h30m", "1.5h", " 1h", "1h ",
                           "36501d", "99999999999999999999w"}) {
    const auto parsed = parse_duration_s(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, Errc::kInvalid);
  }
}

}  // namespace
}  // namespace gatehouse::gatectl
