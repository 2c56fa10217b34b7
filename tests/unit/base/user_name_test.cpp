#include "base/user_name.hpp"

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

std::string repeat(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

void expect_same(const std::string& name) {
  const auto normal = normalise_user_name(name);
  ASSERT_TRUE(normal) << name;
  EXPECT_EQ(*normal, name);
}

void expect_invalid(const std::string& name) {
  const auto normal = normalise_user_name(name);
  ASSERT_FALSE(normal) << name;
  EXPECT_EQ(normal.error().code, Errc::kInvalid);
}

TEST(UserName, Design5KeepsNamesByteForByte) {
  for (const char* name : {"a", "test1", "严", "' OR 1=1 --", "a b", " a", "a ", "ß", "Ω", "😀",
                           "a\"\\;", "名前.com/../x", "\xc2\xa0"})
    expect_same(name);
}

TEST(UserName, Design5CountsCodePointsNotBytes) {
  expect_same(repeat("a", 64));
  expect_same(repeat("严", 64));
  expect_same(repeat("😀", 64));
  expect_invalid(repeat("a", 65));
  expect_invalid(repeat("严", 65));
  expect_invalid("");
}

TEST(UserName, Design5MakesNfc) {
  EXPECT_EQ(normalise_user_name("e\u0301").value(), "\u00e9");
  EXPECT_EQ(normalise_user_name("\u212b").value(), "\u00c5");              // ANGSTROM SIGN
  EXPECT_EQ(normalise_user_name("\u1112\u1161\u11ab").value(), "\ud55c");  // Hangul
  EXPECT_EQ(normalise_user_name("\ufb01").value(), "\ufb01");  // compatibility forms stay
}

TEST(UserName, Design5CountsAfterNfc) {
  EXPECT_EQ(normalise_user_name(repeat("e\u0301", 64)).value(), repeat("\u00e9", 64));
  expect_invalid(repeat("e\u0301", 65));
  // U+0958 is excluded from composition: one code point becomes two.
  expect_invalid(repeat("\u0958", 33));
  EXPECT_EQ(normalise_user_name(repeat("\u0958", 32)).value(), repeat("\u0915\u093c", 32));
}

TEST(UserName, Design5RefusesControlCharacters) {
  for (const std::string& name :
       {std::string("a\0b", 3), std::string("\n"), std::string("a\rb"), std::string("\t"),
        std::string("\x1b[31m"), std::string("a\x7f"), std::string("a\u0085"),
        std::string("\u2028"), std::string("严\u2029"), std::string("严\n")})
    expect_invalid(name);
}

TEST(UserName, RefusesNoncharactersAndWhatIsNoUtf8) {
  for (const char* name : {"\ufffe", "\U0001ffff", "\ufdd0", "\x80", "\xff", "\xc0\x80", "\xe4\xb8",
                           "a\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe0\x80\x80", "严\xe4"})
    expect_invalid(name);
}

TEST(UserName, TakesAWholeLineOfAnything) {
  expect_invalid(repeat("\u0344", 4000));
  expect_invalid(repeat("x", 8192));
}

bool may_be_new(std::string_view name, NewNames rule = NewNames::kStrict) {
  return check_new_user_name(normalise_user_name(name).value(), rule).has_value();
}

TEST(NewUserName, LettersOfOneScriptOrThoseThatAreWrittenTogether) {
  for (const char* name : {"a", "严", "' OR 1=1 --", "a b", "Ada", "Ада", "東京タワー", "김치bob",
                           "ㄅ", "漢字abc", "שלום", "سلام", "ไทย", "हिन्दी", "l·l", "ς"})
    EXPECT_TRUE(may_be_new(name)) << name;
}

TEST(NewUserName, NothingThatLooksLikeAnother) {
  for (const char* name : {" ",           " a",         "a ",           "a  b",          "\u00a0",
                           "\u3000",      "a\u200b",    "a\u200d",      "\u202ea",       "\ufeffa",
                           "\u0430dmin",  "adm\u03b9n", "\uff41",       "\ufb01",        "a\u00b2",
                           "😀",           "\u05d0a",    "1\u0661",      "a\u0300\u0300", "\u13aa",
                           "\ue000",      "\u115f",     "\u1100",       "a·b",           "\u0640",
                           "タ漢a\u0430", "\u0301a",    "\u06f1\u0661", "\u05d01a\u05d0"}) {
    EXPECT_FALSE(may_be_new(name)) << name;
    EXPECT_TRUE(may_be_new(name, NewNames::kAny)) << name;
  }
}

TEST(ServerName, IsNormalisedAndSeen) {
  EXPECT_EQ(normalise_server_name("sample").value(), "sample");
  EXPECT_EQ(normalise_server_name("cafe\u0301").value(), "caf\u00e9");
  EXPECT_EQ(normalise_server_name("my game").value(), "my game");
  for (const std::string& name :
       {std::string(), std::string(" a"), std::string("a "), std::string("a\n"), repeat("a", 65),
        repeat("严", 22), std::string("\u3000a"), std::string("a\u200b"), std::string("\xff")})
    EXPECT_FALSE(normalise_server_name(name)) << name;
}

}  // namespace
}  // namespace gatehouse
