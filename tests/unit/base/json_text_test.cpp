#include "base/json_text.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

namespace gatehouse {
namespace {

std::string json_string(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

TEST(JsonText, WhatATerminalObeysIsEscapedAndReadsTheSame) {
  EXPECT_EQ(json_string("a\"\\\n"), R"("a\"\\\n")");
  EXPECT_EQ(json_string("\x1b\x7f"), R"("\u001b\u007f")");
  EXPECT_EQ(json_string("\xc2\x9b\u202e\u2066"), R"("\u009b\u202e\u2066")");
  const std::string text("a\nb\t\r\0\u200f严😀", 16);
  EXPECT_EQ(nlohmann::json::parse(json_string(text)), text);
}

TEST(JsonText, BytesThatAreNoUtf8BecomeReplacementCharacters) {
  EXPECT_EQ(json_string("a\xff"
                        "b"),
            "\"a\\ufffdb\"");
  EXPECT_EQ(json_string("\xe4\xb8"), "\"\\ufffd\\ufffd\"");
  EXPECT_EQ(json_string("\xed\xa0\x80"), "\"\\ufffd\\ufffd\\ufffd\"");
  EXPECT_EQ(json_string("\xc0\xaf"), "\"\\ufffd\\ufffd\"");
  EXPECT_EQ(json_string("\xf4\x90\x80\x80").size(), 2u + 4 * 6);
  EXPECT_EQ(json_string(""), "\"\"");
}

TEST(JsonText, AnyBytesMakeValidJson) {
  std::mt19937 random(8259);
  for (int round = 0; round < 5'000; ++round) {
    std::string text(random() % 12, '\0');
    for (char& c : text) c = static_cast<char>(random());
    EXPECT_TRUE(nlohmann::json::accept(json_string(text)));
  }
}

}  // namespace
}  // namespace gatehouse
