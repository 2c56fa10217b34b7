// Sockets of Lua services where the process is small: one worker, few sockets, no network.
#include <gtest/gtest.h>

#include "script_system.hpp"

namespace gatehouse::modules {
namespace {

void expect_passed(test::ScriptSystem& script) {
  EXPECT_EQ(script.env("test_failures"), "");
  EXPECT_NE(script.env("test_checks"), "");
  EXPECT_NE(script.env("test_checks"), "0");
}

TEST(LuaSockets, WorkOnOneWorker) {
  test::ScriptSystem script(1);
  ASSERT_TRUE(script.run("test_socket"));
  expect_passed(script);
  EXPECT_EQ(script.runtime().sockets.count(), 0u);
}

TEST(LuaSockets, AreBoundedInNumber) {
  Limits limits;
  limits.sockets_max = 6;
  test::ScriptSystem script(2, limits);
  ASSERT_TRUE(script.run("socket_limit_service"));
  expect_passed(script);
  script.system().stop();
  EXPECT_EQ(script.runtime().sockets.count(), 0u) << "sockets of services that ended";
}

TEST(LuaSockets, NeedANetwork) {
  test::ScriptSystem script(1, {}, false);
  ASSERT_TRUE(script.run("no_network_service"));
  expect_passed(script);
}

}  // namespace
}  // namespace gatehouse::modules
