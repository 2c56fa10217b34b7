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

TEST(Utf8, FitsAnyBytes) {
  EXPECT_EQ(fit_text("严严严", 2), "严严");
  EXPECT_EQ(fit_text("a\xff\xe4\xb8", 10), "a???");
  EXPECT_EQ(fit_text(std::string("a\0b", 3), 10), "a?b");
  EXPECT_EQ(fit_text("", 10), "");
}

}  // namespace
}  // namespace gatehouse
