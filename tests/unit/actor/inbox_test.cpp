#include "actor/inbox.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace gatehouse::actor {
namespace {

struct Numbered : Envelope {
  Numbered(int p, int n) : producer(p), number(n) {}
  int producer, number;
};

TEST(Inbox, TakesOldestFirstAcrossBatches) {
  Inbox inbox;
  EXPECT_TRUE(inbox.empty());
  EXPECT_EQ(inbox.take(), nullptr);
  std::vector<Numbered> envelopes;
  for (int i = 0; i < 6; ++i) envelopes.emplace_back(0, i);
  EnvelopeBatch one, two;
  for (int i = 0; i < 4; ++i) one.add(&envelopes[static_cast<std::size_t>(i)]);
  for (int i = 4; i < 6; ++i) two.add(&envelopes[static_cast<std::size_t>(i)]);
  inbox.push(one);
  inbox.push(two);
  EXPECT_FALSE(inbox.empty());
  int expected = 0;
  for (Envelope* e = inbox.take(); e != nullptr; e = e->next) {
    EXPECT_EQ(static_cast<Numbered*>(e)->number, expected++);
  }
  EXPECT_EQ(expected, 6);
  EXPECT_TRUE(inbox.empty());
}

TEST(Inbox, EightProducersLoseNothingAndKeepTheirOrder) {
  constexpr int kProducers = 8, kEach = 20'000;
  Inbox inbox;
  std::vector<std::thread> threads;
  for (int p = 0; p < kProducers; ++p) {
    threads.emplace_back([p, &inbox] {
      for (int n = 0; n < kEach;) {
        EnvelopeBatch batch;
        for (int size = 1 + (n * 7 + p) % 5; size > 0 && n < kEach; --size) {
          batch.add(new Numbered(p, n++));
        }
        inbox.push(batch);
      }
    });
  }
  std::vector<int> next(kProducers, 0);
  for (int left = kProducers * kEach; left > 0;) {
    Envelope* e = inbox.take();
    if (e == nullptr) std::this_thread::yield();
    while (e != nullptr) {
      std::unique_ptr<Numbered> envelope(static_cast<Numbered*>(e));
      e = e->next;
      EXPECT_EQ(envelope->number, next[static_cast<std::size_t>(envelope->producer)]++);
      --left;
    }
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(inbox.empty());
  for (const int n : next) EXPECT_EQ(n, kEach);
}

TEST(Message, CarriesItsPayloadInOneBlock) {
  const MessagePtr message = make_message(std::string_view("hello"));
  EXPECT_EQ(message->view(), "hello");
  EXPECT_EQ(message->cost(), sizeof(Message) + 5);
  EXPECT_EQ(message_of_payload(message->data()), message.get());
  EXPECT_EQ(make_message(std::string_view())->size, 0u);
}

TEST(Message, GrowKeepsHeaderAndPayload) {
  MessagePtr message = make_message(std::string_view("hello"));
  message->session = 7;
  message->source = ServiceId{3};
  message = grow_message(std::move(message), 1 << 20);
  EXPECT_EQ(message->view(), "hello");
  EXPECT_EQ(message->session, 7);
  EXPECT_EQ(message->source, ServiceId{3});
  message->data()[(1 << 20) - 1] = 'x';  // the room is there
}

}  // namespace
}  // namespace gatehouse::actor
