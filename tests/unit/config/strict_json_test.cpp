// JSON that is obeyed: its bounds. What else is refused is tried on whole configurations.
#include "config/strict_json.hpp"

#include <gtest/gtest.h>

#include <string>

namespace gatehouse::config {
namespace {

TEST(StrictJson, IsBoundedInDepth) {
  const auto nested = [](int levels, const std::string& inside, char open, char close) {
    std::string text;
    for (int i = 0; i < levels; ++i)
      text += open == '{' && i > 0 ? "\"a\":{" : std::string(1, open);
    return text + inside + std::string(static_cast<std::size_t>(levels), close);
  };
  for (const char* inside : {"", "1"}) {
    EXPECT_TRUE(parse_strictly(nested(kJsonDepthMax, inside, '[', ']'))) << inside;
    EXPECT_FALSE(parse_strictly(nested(kJsonDepthMax + 1, inside, '[', ']'))) << inside;
  }
  EXPECT_TRUE(parse_strictly(nested(kJsonDepthMax, "", '{', '}')));
  EXPECT_FALSE(parse_strictly(nested(kJsonDepthMax + 1, "", '{', '}')));
}

}  // namespace
}  // namespace gatehouse::config
