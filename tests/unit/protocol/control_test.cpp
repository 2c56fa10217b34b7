#include "protocol/control.hpp"

#include <gtest/gtest.h>

#include "vectors.hpp"

namespace gatehouse::protocol {
namespace {

TEST(Control, Design6Contents) {
  EXPECT_EQ(format_kick(kKickReplaced, "logged in elsewhere"),
            R"({"type":"kick","code":409,"reason":"logged in elsewhere"})");
  EXPECT_EQ(format_drain(), R"({"type":"drain"})");
  EXPECT_EQ(format_push_gap({4, 10}), R"({"type":"push_gap","last_push":4,"next_push":10})");
}

TEST(Control, AReasonCannotBreakTheJson) {
  for (const std::string& reason : {std::string("\",\"code\":0"), std::string("\\"),
                                    std::string("a\nb\t\r\x01\x7f\0c", 9), std::string("严😀")}) {
    const auto json = nlohmann::json::parse(format_kick(410, reason));
    EXPECT_EQ(json["reason"], reason);
    EXPECT_EQ(json["code"], 410);
    EXPECT_EQ(json.size(), 3u);
  }
}

TEST(Control, ALongReasonIsCutAtACharacter) {
  for (const char* head : {"", "a", "ab"}) {
    std::string reason = head;
    while (reason.size() < 70'000) reason += "严";
    const auto json = nlohmann::json::parse(format_kick(410, reason));
    const std::string cut = json["reason"];
    EXPECT_LE(cut.size(), kKickReasonBytesMax);
    EXPECT_GT(cut.size(), kKickReasonBytesMax - 3);
    EXPECT_EQ(reason.substr(0, cut.size()), cut);
  }
}

}  // namespace
}  // namespace gatehouse::protocol
