#include "protocol/control.hpp"

#include <gtest/gtest.h>

#include <random>

#include "protocol/json_text.hpp"
#include "vectors.hpp"

namespace gatehouse::protocol {
namespace {

std::string json_string(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

TEST(Control, Design6Contents) {
  EXPECT_EQ(format_kick(kKickReplaced, "logged in elsewhere"),
            R"({"type":"kick","code":409,"reason":"logged in elsewhere"})");
  EXPECT_EQ(format_drain(), R"({"type":"drain"})");
  EXPECT_EQ(format_push_gap({4, 10}), R"({"type":"push_gap","last_push":4,"next_push":10})");
}

TEST(Control, AReasonCannotBreakTheJson) {
  for (const std::string& reason :
       {std::string("\",\"code\":0"), std::string("\\"), std::string("a\nb\t\r\x01\x7f\0c", 9),
        std::string("严😀")}) {
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

TEST(Control, BytesThatAreNoUtf8BecomeReplacementCharacters) {
  EXPECT_EQ(json_string("a\xff"
                        "b"),
            "\"a\\ufffdb\"");
  EXPECT_EQ(json_string("\xe4\xb8"), "\"\\ufffd\\ufffd\"");
  EXPECT_EQ(json_string("\xed\xa0\x80"), "\"\\ufffd\\ufffd\\ufffd\"");
  EXPECT_EQ(json_string("\xc0\xaf"), "\"\\ufffd\\ufffd\"");
  EXPECT_EQ(json_string("\xf4\x90\x80\x80").size(), 2u + 4 * 6);
  EXPECT_EQ(json_string(""), "\"\"");
}

TEST(Control, AnyBytesMakeValidJson) {
  std::mt19937 random(8259);
  for (int round = 0; round < 5'000; ++round) {
    std::string text(random() % 12, '\0');
    for (char& c : text) c = static_cast<char>(random());
    EXPECT_TRUE(nlohmann::json::accept(json_string(text)));
  }
}

}  // namespace
}  // namespace gatehouse::protocol
