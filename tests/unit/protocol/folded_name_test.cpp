#include "protocol/folded_name.hpp"

#include <gtest/gtest.h>

namespace gatehouse::protocol {
namespace {

TEST(FoldedName, SpellingsOfOneNameAreOne) {
  for (const char* name : {"alice", "Alice", " ALICE ", "\xef\xbd\x81lice", "al\xe2\x80\x8bice"})
    EXPECT_EQ(fold_name(name), "alice") << name;
  EXPECT_EQ(fold_name("Stra\xc3\x9f" "e"), "strasse");
  EXPECT_EQ(fold_name("e\xcc\x81"), fold_name("\xc3\x89"));
}

TEST(FoldedName, OthersAreNot) {
  EXPECT_NE(fold_name("alice"), fold_name("alice1"));
  EXPECT_EQ(fold_name("\xff"), "\xff");
  EXPECT_EQ(fold_name("  "), "");
}

}  // namespace
}  // namespace gatehouse::protocol
