// CloseLog: a flood of ended connections is so many lines a second, and their number.
#include "gate/close_log.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "actor/system.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "simulated_world.hpp"

namespace gatehouse::gate {
namespace {

class CloseLogTest : public testing::Test {
 protected:
  CloseLogTest() {
    log::divert([this](ServiceId, std::string_view text) {
      lines_.emplace_back(text);
      return true;
    });
    system_.start([](actor::Worker&) { return actor::make_condvar_loop(); });
  }
  ~CloseLogTest() override {
    system_.stop();
    log::divert(nullptr);
  }
  void close(std::uint32_t times) {
    const net::Address peer = net::Address::from("192.0.2.7", 5'000).value();
    system_.worker(0).post([this, times, peer] {
      for (std::uint32_t i = 0; i < times; ++i) log_.write(Ending::kPeerReset, peer, nullptr);
    });
    run();
  }
  void pass_ms(MonotonicMs ms) {
    world_.clock.advance_ms(ms);
    run();
  }
  void run() {
    while (world_.executor.step()) {
    }
  }

  test::SimulatedWorld world_{1};
  MetricSet metrics_;
  std::vector<std::string> lines_;
  actor::System system_{world_.world, {.workers = 1, .limits = {}}, metrics_};
  CloseLog log_{"sample", system_.worker(0)};
};

TEST_F(CloseLogTest, AFewAreLinesOfTheirOwn) {
  close(2);
  pass_ms(5'000);
  ASSERT_EQ(lines_.size(), 2u);
  EXPECT_EQ(lines_[0], "gate sample: connection 192.0.2.7:5000 closed: peer_reset");
}

TEST_F(CloseLogTest, AFloodIsTheirNumber) {
  close(CloseLog::kLinesPerSecond + 5);
  ASSERT_EQ(lines_.size(), CloseLog::kLinesPerSecond);
  pass_ms(999);
  EXPECT_EQ(lines_.size(), CloseLog::kLinesPerSecond);
  pass_ms(1);
  ASSERT_EQ(lines_.size(), CloseLog::kLinesPerSecond + 1);
  EXPECT_EQ(lines_.back(), "gate sample: 5 more connections closed within a second");
  close(1);
  EXPECT_EQ(lines_.size(), CloseLog::kLinesPerSecond + 2) << "the next second has lines again";
}

}  // namespace
}  // namespace gatehouse::gate
