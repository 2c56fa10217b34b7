// Services that come and go leave nothing behind, and no mailbox grows without a bound.
#include <gtest/gtest.h>
#include <malloc.h>

#include <string>

#include "script_system.hpp"

namespace gatehouse::modules {
namespace {

// ".probe": answers every request with "<live services> <bytes allocated>".
class Probe final : public actor::Service {
  void on_message(actor::MessagePtr message) override {
    const std::string text = std::to_string(worker().system().registry().count()) + " " +
                             std::to_string(mallinfo2().uordblks);
    actor::MessagePtr reply = actor::make_message(text);
    reply->type = actor::MessageType::kResponse;
    reply->session = message->session;
    reply->source = id();
    reply->destination = message->source;
    worker().system().send(std::move(reply));
  }
};

// What sanitizers check takes fewer cycles to show.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kCycles = 1'000;
#else
constexpr int kCycles = 10'000;
#endif

TEST(Churn, ServicesLeaveNothingBehind) {
  test::ScriptSystem script(2);
  static_cast<void>(script.system().set_env("churn_cycles", std::to_string(kCycles)));
  script.boot("churn_service");
  const auto probe = script.system().spawn([] { return std::make_unique<Probe>(); });
  ASSERT_TRUE(probe.has_value());
  ASSERT_TRUE(script.system().registry().set_name(".probe", *probe).has_value());
  ASSERT_TRUE(script.wait(std::chrono::seconds(110)));
  EXPECT_EQ(script.env("test_failures"), "");
  EXPECT_NE(script.env("test_checks"), "");
}

TEST(Churn, SenderLearnsOfAFullMailbox) {
  Limits limits;
  limits.mailbox_bytes_max = 64 * 1024;
  test::ScriptSystem script(2, limits);
  ASSERT_TRUE(script.run("mailbox_service"));
  EXPECT_EQ(script.env("test_failures"), "");
  EXPECT_NE(script.env("test_checks"), "");
}

}  // namespace
}  // namespace gatehouse::modules
