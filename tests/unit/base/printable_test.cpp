#include "base/printable.hpp"

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

TEST(Printable, WhatATerminalObeysIsEscaped) {
  EXPECT_EQ(printable("\x1b[8mroot\x07\x7f"), "\\x1b[8mroot\\x07\\x7f");
  EXPECT_EQ(printable("\xc2\x9b"), "\\xc2\\x9b");  // CSI as one character
  EXPECT_EQ(printable("\xff\x9b"), "\\xff\\x9b");
  EXPECT_EQ(printable("a\u202eb\u2066c\u2069d\u200fe\u061cf\u2028g"),
            "a\\u202eb\\u2066c\\u2069d\\u200fe\\u061cf\\u2028g");
}

TEST(Printable, WritingStays) {
  const std::string text = "严 é \u00a0 \xf0\x9f\x8e\xae עברית \u200b";
  EXPECT_EQ(printable(text), text);
}

TEST(Printable, LinesStayWhereTheyMay) {
  EXPECT_EQ(printable("a\tb\nc\r"), "a\\x09b\\x0ac\\x0d");
  EXPECT_EQ(printable_lines("a\tb\nc\r"), "a\tb\nc\\x0d");
}

TEST(Printable, JsonSaysTheSame) {
  EXPECT_EQ(printable_json("{\"a\":\"\u202ex\xc2\x9b\x7f严\"}"),
            "{\"a\":\"\\u202ex\\u009b\\u007f严\"}");
  EXPECT_EQ(printable_json("{\"a\":\"\\u001b\"}\n"), "{\"a\":\"\\u001b\"}\n");
}

}  // namespace
}  // namespace gatehouse
