// One payload in many mailboxes: counted in each, freed with the last.
#include <atomic>

#include "base/metrics.hpp"
#include "test_services.hpp"
#include "test_world.hpp"

namespace gatehouse::actor {
namespace {

TEST(SharedPayload, LivesAsLongAsAMessage) {
  SharedPayloadPtr payload = make_shared_payload("news");
  const char* data = payload->data();
  MessagePtr first = make_message(*payload), second = make_message(*payload);
  EXPECT_EQ(payload->references.load(), 3u);
  payload.reset();
  first.reset();
  EXPECT_EQ(second->view(), "news");
  EXPECT_EQ(second->data(), data);
  EXPECT_EQ(second->payload()->references.load(), 1u);
  EXPECT_EQ(make_message(std::string_view("news"))->cost(), second->cost());
}

TEST(SharedPayload, EmptyIsFine) {
  const SharedPayloadPtr payload = make_shared_payload("");
  EXPECT_EQ(make_message(*payload)->view(), "");
}

// Receivers on two workers, some of which end with messages in their mailboxes; publishers on
// both. What is sent is read, or freed unread; the sanitizers see the rest.
TEST(SharedPayload, ManyReceiversOnTwoWorkers) {
  constexpr int kReceivers = 20, kPublished = 200;
  std::atomic<int> received{0}, wrong{0}, ended{0};
  {
    MetricSet metrics;
    System system(test_world(), {.workers = 2, .limits = {}}, metrics);
    std::vector<ServiceId> receivers;
    for (int i = 0; i < kReceivers; ++i) {
      const bool mortal = i % 5 == 0;
      const ServiceId id = spawn(
          system,
          [&, mortal, count = 0](TestService& self, MessagePtr message) mutable {
            ++received;
            if (message->view() != "a payload for all") ++wrong;
            if (mortal && ++count == 10) {
              ++ended;
              self.worker().retire(self);
            }
          },
          static_cast<std::uint16_t>(i % 2));
      receivers.push_back(id);
    }
    std::atomic<int> done{0};
    const auto publish = [&](TestService& self, MessagePtr) {
      for (int i = 0; i < kPublished; ++i) {
        const SharedPayloadPtr payload = make_shared_payload("a payload for all");
        for (const ServiceId to : receivers) {
          MessagePtr message = make_message(*payload);
          message->destination = to;
          static_cast<void>(self.worker().system().send(std::move(message)));
        }
        self.worker().flush_outgoing();
      }
      ++done;
    };
    const ServiceId publishers[] = {spawn(system, publish, 0), spawn(system, publish, 1)};
    system.start([](Worker&) { return make_condvar_loop(); });
    for (const ServiceId to : publishers) static_cast<void>(system.send(message_to(to)));
    constexpr int kImmortal = kReceivers - kReceivers / 5;
    while (done < 2 || ended < kReceivers / 5 || received < 2 * kPublished * kImmortal) {
      std::this_thread::yield();
    }
    system.stop();
  }
  EXPECT_EQ(wrong, 0);
}

TEST(SharedPayload, CountsInEachMailbox) {
  MetricSet metrics;
  Limits limits;
  limits.mailbox_bytes_max = 4096;
  System system(test_world(), {.workers = 1, .limits = limits}, metrics);
  const ServiceId receiver = spawn(system, [](TestService&, MessagePtr) {});
  const SharedPayloadPtr payload = make_shared_payload(std::string(1000, 'x'));
  int queued = 0;
  for (int i = 0; i < 10; ++i) {  // nothing runs yet
    MessagePtr message = make_message(*payload);
    message->destination = receiver;
    if (system.send(std::move(message)) == SendResult::kQueued) ++queued;
  }
  EXPECT_EQ(queued, 3);
  EXPECT_EQ(payload->references.load(), 4u);
}

}  // namespace
}  // namespace gatehouse::actor
