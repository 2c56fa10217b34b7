#include "base/utf8.hpp"

#include <gtest/gtest.h>

#include <string>

namespace gatehouse {
namespace {

TEST(Utf8, CountsCharactersOfRfc3629Only) {
  EXPECT_EQ(utf8_characters(""), 0u);
  EXPECT_EQ(utf8_characters("aä严\U0001F3AE"), 4u);
  EXPECT_EQ(utf8_characters("\xf4\x8f\xbf\xbf"), 1u);  // U+10FFFF
  for (const char* bad : {"\x80", "\xc3", "\xc3(", "\xc0\xaf", "\xc1\xbf", "\xe0\x80\x80",
                          "\xe4\xb8", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x80\x80\x80",
                          "\xf0\x9f\x8e", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "a\xfe"})
    EXPECT_FALSE(utf8_characters(bad)) << testing::PrintToString(bad);
}

// Every sequence of one to four bytes that matter, however it is cut: a stream says what the whole
// says, and as soon as it can.
TEST(Utf8, StreamsSayWhatTheWholeSays) {
  const std::string bytes = "a\x7f\x80\x8f\x90\x9f\xa0\xbf\xc1\xc2\xdf\xe0\xed\xee\xf0\xf4\xf5\xff";
  std::string text;
  const auto check = [&](const auto& self) -> void {
    Utf8Stream whole, bytewise;
    bool fits = true;
    for (const char c : text) fits = fits && bytewise.feed({&c, 1});
    EXPECT_EQ(whole.feed(text), fits) << testing::PrintToString(text);
    EXPECT_EQ(fits && bytewise.complete(), utf8_characters(text).has_value())
        << testing::PrintToString(text);
    if (!fits || text.size() == 4) return;
    bool may_follow = false;
    for (const char c : bytes) {
      text += c;
      Utf8Stream next;
      may_follow = may_follow || next.feed(text);
      self(self);
      text.pop_back();
    }
    EXPECT_TRUE(may_follow) << "too late for " << testing::PrintToString(text);
  };
  check(check);
}

TEST(Utf8, StreamsGoOnBehindLongRunsOfAscii) {
  const std::string text = std::string(100, 'x') + "\xe4\xb8\xa5" + std::string(9, 'y');
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    Utf8Stream stream;
    EXPECT_TRUE(stream.feed(text.substr(0, cut))) << cut;
    EXPECT_EQ(stream.complete(), cut != 101 && cut != 102) << cut;
    EXPECT_TRUE(stream.feed(text.substr(cut))) << cut;
    EXPECT_TRUE(stream.complete()) << cut;
  }
}

TEST(Utf8, FitsAnyBytes) {
  EXPECT_EQ(fit_text("严严严", 2), "严严");
  EXPECT_EQ(fit_text("a\xff\xe4\xb8", 10), "a???");
  EXPECT_EQ(fit_text(std::string("a\0b", 3), 10), "a?b");
  EXPECT_EQ(fit_text("", 10), "");
}

}  // namespace
}  // namespace gatehouse
