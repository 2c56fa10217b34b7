#include "ops/metrics_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/http_guard.hpp"
#include "ops/admin_server.hpp"
#include "test_world.hpp"

namespace gatehouse::ops {
namespace {

using testing::HasSubstr;

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t n = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

TEST(MetricsText, GroupsAFamilyWhoseMetricsWereMadeApart) {
  MetricSet set;
  set.counter("closed", "reason=\"idle\"", "Connections ended").add(3);
  set.gauge("open", "", "Connections open").set(7);
  set.counter("closed", "reason=\"kicked\",side=\"gate\"", "Connections ended").add(4);
  const std::string text = metrics_text(set);
  EXPECT_EQ(count(text, "# TYPE gatehouse_closed counter\n"), 1u) << text;
  EXPECT_EQ(count(text, "# HELP gatehouse_closed Connections ended\n"), 1u) << text;
  EXPECT_THAT(text, HasSubstr("gatehouse_closed{reason=\"idle\"} 3\n"
                              "gatehouse_closed{reason=\"kicked\",side=\"gate\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("# TYPE gatehouse_open gauge\ngatehouse_open 7\n"));
}

TEST(MetricsText, WritesLargeNumbersExactly) {
  MetricSet set;
  set.counter("bytes", "", "Bytes").add(9'007'199'254'740'991);
  EXPECT_THAT(metrics_text(set), HasSubstr("gatehouse_bytes 9007199254740991\n"));
}

TEST(MetricsText, KnowsTheProcess) {
  const MetricSet set;
  EXPECT_THAT(metrics_text(set), HasSubstr("# TYPE process_resident_memory_bytes gauge\n"));
}

TEST(AdminServer, KnowsTheLoopback) {
  for (const char* host : {"127.0.0.1", "127.1.2.3", "::1", "localhost"}) {
    EXPECT_TRUE(is_loopback(host)) << host;
  }
  for (const char* host : {"", "0.0.0.0", "::", "203.0.113.7", "127.0.0.1.example",
                           "localhost.example", "::ffff:203.0.113.7", "127.1"}) {
    EXPECT_FALSE(is_loopback(host)) << host;
  }
}

TEST(AdminServer, ListensOnTheLoopbackOnly) {
  const MetricSet set;
  const auto server = AdminServer::start(test_world().executor, "0.0.0.0", 0, set, {});
  ASSERT_FALSE(server);
  EXPECT_EQ(server.error().code, Errc::kInvalid);
}

TEST(AdminServer, TakesAPortThatNobodyHas) {
  const MetricSet set;
  const auto first = AdminServer::start(test_world().executor, "127.0.0.1", 0, set, {});
  ASSERT_TRUE(first) << first.error().message;
  const auto second =
      AdminServer::start(test_world().executor, "127.0.0.1", (*first)->port(), set, {});
  ASSERT_FALSE(second) << "two servers on one port";
  EXPECT_EQ(second.error().code, Errc::kIo);
}

// Ending right after the start is where the library's stop() is easily too early.
TEST(AdminServer, EndsAtOnce) {
  const MetricSet set;
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(AdminServer::start(test_world().executor, "127.0.0.1", 0, set, {}));
  }
}

}  // namespace
}  // namespace gatehouse::ops
