// A hook that is set after what calls it has begun: a service that ended the process while that
// started was heard by nobody, and the request counted as made. Whichever comes first, it is heard.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "actor/system.hpp"
#include "base/metrics.hpp"
#include "test_world.hpp"

namespace gatehouse {
namespace {

TEST(LateHook, AnAbortThatCameBeforeIsHeard) {
  MetricSet metrics;
  actor::System system(test_world(), {.workers = 1, .limits = {}}, metrics);
  system.request_abort(7);
  int code = 0;
  system.on_abort([&code](int exit_code) { code = exit_code; });
  EXPECT_EQ(code, 7);
  EXPECT_TRUE(system.abort_requested());
}

TEST(LateHook, AnAbortIsHeardOnceWhicheverComesFirst) {
  for (int round = 0; round < 200; ++round) {
    MetricSet metrics;
    actor::System system(test_world(), {.workers = 1, .limits = {}}, metrics);
    std::atomic<int> heard = 0;
    std::thread script([&system] {
      system.request_abort(1);
      system.request_abort(2);
    });
    system.on_abort([&heard](int) { ++heard; });
    script.join();
    EXPECT_EQ(heard.load(), 1);
  }
}

}  // namespace
}  // namespace gatehouse
