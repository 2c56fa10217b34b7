// The endless-loop monitor (docs/skynet-rules.md 2.15) breaks Lua code wherever it loops.
#include <gtest/gtest.h>

#include "script_system.hpp"

namespace gatehouse::modules {
namespace {

TEST(Monitor, ReportsAndBreaksEndlessLoops) {
  Limits limits;
  limits.endless_loop_report_ms = 50;
  limits.endless_loop_break_ms = 200;
  test::ScriptSystem script(2, limits);
  ASSERT_TRUE(script.run("monitor_service"));
  EXPECT_EQ(script.env("test_failures"), "");
  EXPECT_NE(script.env("test_checks"), "");
  EXPECT_GE(script.metrics().counter("endless_loops", "", "").value(), 5);
}

}  // namespace
}  // namespace gatehouse::modules
