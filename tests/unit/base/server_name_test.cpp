#include "base/server_name.hpp"

#include <gtest/gtest.h>

#include <string>

namespace gatehouse {
namespace {

TEST(ServerName, WhatOneIs) {
  for (const std::string name : {"s", "sample 1", "严游戏", "a'b\"c", "Ünïcode", "\U0001F3AE"})
    EXPECT_TRUE(check_server_name(name)) << name;
  EXPECT_TRUE(check_server_name(std::string(kServerNameBytesMax, 's')));
}

TEST(ServerName, WhatNoneIs) {
  for (const std::string name :
       {"", " ", " a", "a ", "a\n", "a\tb", "\x7f", "a\u0085", "\u3000a", "a\u2028", "a\u202eb",
        "a\u200b", "\ufeffa", "a\uffff", "\xff", "a\xc0\x80", "\xed\xa0\x80"})
    EXPECT_FALSE(check_server_name(name)) << testing::PrintToString(name);
  EXPECT_FALSE(check_server_name(std::string(kServerNameBytesMax + 1, 's')));
  EXPECT_FALSE(check_server_name(std::string("a\0b", 3)));
}

}  // namespace
}  // namespace gatehouse
