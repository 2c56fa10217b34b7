// Services and loops for tests of the actor layer.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "actor/system.hpp"
#include "test_world.hpp"

namespace gatehouse::actor {

inline MessagePtr message_to(ServiceId to, std::string_view payload = {}, ServiceId from = {},
                             std::int32_t session = 0, MessageType type = MessageType::kText) {
  MessagePtr message = make_message(payload);
  message->destination = to;
  message->source = from;
  message->session = session;
  message->type = type;
  return message;
}

// Does what its functions say.
class TestService final : public Service {
 public:
  using Handler = std::function<void(TestService&, MessagePtr)>;
  explicit TestService(Handler handler) : handler_(std::move(handler)) {}
  ~TestService() override {
    if (on_destroy) on_destroy();
  }

  std::function<void(TestService&)> when_started, when_ended;
  std::function<void()> on_destroy;
  bool announces = false;

 protected:
  void on_start() override {
    if (when_started) when_started(*this);
  }
  void on_message(MessagePtr message) override { handler_(*this, std::move(message)); }
  void on_exit() override {
    if (when_ended) when_ended(*this);
  }
  bool announces_exit() const override { return announces; }

 private:
  Handler handler_;
};

inline ServiceId spawn(System& system, TestService::Handler handler,
                       std::uint16_t worker = System::kAnyWorker) {
  const auto id = system.spawn(
      [handler = std::move(handler)]() mutable {
        return std::make_unique<TestService>(std::move(handler));
      },
      worker);
  return id ? *id : ServiceId{};
}

// Runs a test's body as the thread of a worker; the worker ends its services afterwards.
class SteppedLoop final : public Loop {
 public:
  explicit SteppedLoop(std::function<void(Worker&)> body) : body_(std::move(body)) {}
  void run(Worker& worker) override { body_(worker); }
  void wake() override {}

 private:
  std::function<void(Worker&)> body_;
};

// A worker without a thread: turns happen when the test says so.
class SteppedTest : public testing::Test {
 protected:
  static constexpr std::uint64_t kMailboxBytes = 1u << 20;

  void step(std::function<void(Worker&)> body) {
    SteppedLoop loop(std::move(body));
    system_.worker(0).runner(loop)->run();
    EXPECT_EQ(system_.worker(0).service_count(), 0u);
    EXPECT_EQ(system_.registry().count(), 0u);
  }
  // A service that lives at once.
  TestService& attach(TestService::Handler handler) {
    auto id = system_.registry().reserve(0);
    EXPECT_TRUE(id);
    Service& service =
        system_.worker(0).attach(*id, std::make_unique<TestService>(std::move(handler)));
    return static_cast<TestService&>(service);
  }
  // One that notes what it gets, in order.
  TestService& attach_recorder(std::vector<std::string>& seen) {
    return attach([&seen](TestService&, MessagePtr message) { seen.push_back(note(*message)); });
  }
  // "hello", "response 5", "error 5".
  static std::string note(const Message& message) {
    if (message.type == MessageType::kError) return "error " + std::to_string(message.session);
    if (message.type == MessageType::kResponse) {
      return "response " + std::to_string(message.session);
    }
    return std::string(message.view());
  }
  void turns(Worker& worker) {
    while (worker.turn()) {
    }
  }

  MetricSet metrics_;
  System system_{test_world(), {.workers = 1, .limits = limits()}, metrics_};

 private:
  static Limits limits() {
    Limits limits;
    limits.mailbox_bytes_max = kMailboxBytes;
    return limits;
  }
};

}  // namespace gatehouse::actor
