#include <gtest/gtest.h>

#include "base/user_name.hpp"

namespace gatehouse {
namespace {

TEST(FoldedName, SpellingsOfOneNameAreOne) {
  for (const char* name : {"alice", "Alice", " ALICE ", "\xef\xbd\x81lice", "al\xe2\x80\x8bice"})
    EXPECT_EQ(fold_name(name), "alice") << name;
  EXPECT_EQ(fold_name("Stra\xc3\x9f"
                      "e"),
            "strasse");
  EXPECT_EQ(fold_name("e\xcc\x81"), fold_name("\xc3\x89"));
}

TEST(FoldedName, OthersAreNot) {
  EXPECT_NE(fold_name("alice"), fold_name("alice1"));
  EXPECT_EQ(fold_name("\xff"), "\xff");
  EXPECT_EQ(fold_name("  "), "");
  EXPECT_EQ(fold_name(""), "");
}

TEST(FoldedName, TheLongestFormHasRoom) {
  std::string name;
  for (int i = 0; i < 64; ++i) name += "\xef\xb7\xba";  // U+FDFA, 18 characters
  EXPECT_GT(fold_name(name).size(), 64u * 18);
}

}  // namespace
}  // namespace gatehouse
