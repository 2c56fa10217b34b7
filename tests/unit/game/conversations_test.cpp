// Conversations: which committed replies a player is still answered, and their stored form.
#include "game/conversations.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <string_view>

#include "base/limits.hpp"
#include "store/records.hpp"

namespace gatehouse::game {
namespace {

using Reply = Conversations::Reply;

constexpr std::uint32_t kCountMax = 8;

protocol::RequestTicket ticket(std::uint32_t session, std::uint32_t conversation) {
  return {.session = session, .conversation_number = conversation, .content_bytes = 0};
}

// "name[floor]: session=content ...", a mark as "session!"; the conversations parted by " | ".
std::string shown(const Conversations& known) {
  std::string text;
  for (const Conversations::Conversation& conversation : known.all()) {
    if (!text.empty()) text += " | ";
    text += conversation.name + "[" + std::to_string(conversation.floor) + "]:";
    for (const Reply& reply : conversation.replies) {
      text += " " + std::to_string(reply.session);
      text += reply.kept ? "=" + reply.content.substr(0, 8) : "!";
    }
  }
  return text;
}

std::string stored_and_read(const Conversations& known, std::uint32_t count_max = kCountMax) {
  const auto read = Conversations::decode(known.encode(), count_max);
  return read ? shown(*read) : read.error().message;
}

TEST(Conversations, KeepRepliesUnderTheNumberOfTheTicket) {
  Conversations known(kCountMax);
  known.enter("phone", 1);
  known.add(ticket(5, 1), "five");
  known.enter("tablet", 2);
  known.add(ticket(5, 2), "other five");
  known.add(ticket(6, 1), "six");
  EXPECT_EQ(shown(known), "phone[7]: 5=five 6=six | tablet[6]: 5=other fi");
  known.add(ticket(9, 3), "nobody's");
  EXPECT_FALSE(known.knows(ticket(9, 3)));
  EXPECT_EQ(shown(known), "phone[7]: 5=five 6=six | tablet[6]: 5=other fi");
}

TEST(Conversations, TheCurrentOneIsTheLast) {
  Conversations known(kCountMax);
  known.enter("a", 1);
  known.enter("b", 2);
  known.enter("a", 3);
  EXPECT_EQ(shown(known), "b[0]: | a[0]:");
  EXPECT_TRUE(known.knows(ticket(1, 3)));
  EXPECT_FALSE(known.knows(ticket(1, 1))) << "its number before";
}

TEST(Conversations, ForgetTheOldestOneBeyondTheirBound) {
  Conversations known(kCountMax);
  for (std::uint32_t number = 0; number < Conversations::kConversationsMax; ++number) {
    known.enter("c" + std::to_string(number), number);
    known.add(ticket(1, number), "reply");
  }
  known.enter("one more", 100);
  EXPECT_EQ(known.all().size(), Conversations::kConversationsMax);
  EXPECT_EQ(known.all().front().name, "c1");
  EXPECT_FALSE(known.knows(ticket(1, 0)));
}

TEST(Conversations, RememberWhatRan) {
  Conversations known(kCountMax);
  known.enter("c", 1);
  known.accept(ticket(7, 1));
  EXPECT_EQ(known.all().back().accepted, 8u);
  EXPECT_EQ(known.all().back().floor, 0u) << "it has not begun";
  known.start(ticket(7, 1));
  known.start(ticket(3, 1));
  EXPECT_EQ(known.all().back().floor, 8u) << "never lower";
  known.start(ticket(UINT32_MAX, 1));
  EXPECT_EQ(known.all().back().floor, UINT32_MAX);
}

TEST(Conversations, AReplyIsReplacedAndDropped) {
  Conversations known(kCountMax);
  known.enter("c", 1);
  known.add(ticket(1, 1), "before");
  known.add(ticket(2, 1), "two");
  known.add(ticket(1, 1), "after");
  EXPECT_EQ(shown(known), "c[3]: 2=two 1=after");
  known.drop(ticket(2, 1));
  known.drop(ticket(2, 1));
  EXPECT_EQ(shown(known), "c[3]: 1=after") << "what ran stays below the floor";
}

TEST(Conversations, BoundTheirCount) {
  Conversations known(3);
  known.enter("old", 1);
  known.add(ticket(1, 1), "1");
  known.add(ticket(2, 1), "2");
  known.enter("new", 2);
  for (std::uint32_t session = 1; session <= 2; ++session) known.add(ticket(session, 2), "n");
  EXPECT_EQ(shown(known), "old[3]: 2=2 | new[3]: 1=n 2=n");
  for (std::uint32_t session = 3; session <= 9; ++session) known.add(ticket(session, 2), "n");
  EXPECT_EQ(shown(known), "old[3]: | new[10]: 7=n 8=n 9=n");
}

TEST(Conversations, BoundTheirBytes) {
  Conversations known(Conversations::kCountMax);
  known.enter("c", 1);
  const std::string half(Conversations::kBytesMax / 2, 'x');
  known.add(ticket(1, 1), half);
  known.add(ticket(2, 1), half);
  known.add(ticket(3, 1), "small");
  EXPECT_EQ(shown(known), "c[4]: 1! 2=xxxxxxxx 3=small") << "a mark stays";
  known.add(ticket(4, 1), std::string(Conversations::kBytesMax, 'y'));
  EXPECT_EQ(shown(known), "c[5]: 1! 2! 3! 4=yyyyyyyy") << "the newest always stays";
  EXPECT_LE(known.encode().size(), store::kPlayerRepliesBytesMax);
}

TEST(Conversations, AreStoredWhole) {
  Conversations known(kCountMax);
  EXPECT_EQ(stored_and_read(known), "");
  known.enter("", 1);
  known.add(ticket(0, 1), "");
  known.add(ticket(UINT32_MAX, 1), std::string("\0\xff", 2));
  known.add(ticket(1, 1), std::string(300, 'z'));
  known.enter(std::string(32, 'n'), 2);
  known.start(ticket(1'000'000, 2));
  EXPECT_EQ(stored_and_read(known), shown(known));
  Conversations marked(Conversations::kCountMax);
  marked.enter("c", 1);
  for (std::uint32_t session = 1; session <= 4; ++session)
    marked.add(ticket(session, 1), std::string(Conversations::kBytesMax / 2, 'x'));
  EXPECT_EQ(stored_and_read(marked, Conversations::kCountMax), shown(marked));
}

TEST(Conversations, ReadOnlyWhatTheyWrote) {
  Conversations known(kCountMax);
  known.enter("first", 1);
  known.add(ticket(300, 1), "a reply");
  known.enter("second", 2);
  known.add(ticket(1, 2), std::string(200, 'x'));
  const std::string good = known.encode();
  for (const std::string_view bad :
       {std::string_view(""), std::string_view("\0", 1), std::string_view("\3", 1)})
    EXPECT_FALSE(Conversations::decode(bad, kCountMax).has_value());
  // Cut off anywhere but between two conversations.
  int whole = 0;
  for (std::size_t size = 1; size < good.size(); ++size)
    whole += Conversations::decode(good.substr(0, size), kCountMax).has_value() ? 1 : 0;
  EXPECT_EQ(whole, 2) << "none of them, and the first";
  EXPECT_FALSE(Conversations::decode(good + '\x05', kCountMax).has_value());
}

TEST(Conversations, ReadNothingThatNoClientCanHave) {
  // Version 2: a name, no floor, replies; version 1: a name, then number, length and content.
  const auto version2 = [](std::size_t name_bytes, std::size_t content_bytes) {
    const std::size_t length = content_bytes + 1;
    return std::string("\2") + static_cast<char>(name_bytes) + std::string(name_bytes, 'n') +
           std::string("\0\1\2", 3) + static_cast<char>(length | 0x80) +
           static_cast<char>(length >> 7 | 0x80) + static_cast<char>(length >> 14) +
           std::string(content_bytes, 'x');
  };
  const auto good = [](const std::string& bytes) {
    return Conversations::decode(bytes, kCountMax).has_value();
  };
  EXPECT_TRUE(good(version2(kConversationCharactersMax, kResponseContentBytesMax)));
  EXPECT_FALSE(good(version2(kConversationCharactersMax + 1, 1)));
  EXPECT_FALSE(good(version2(1, kResponseContentBytesMax + 1)));
  EXPECT_TRUE(good("\1\x20" + std::string(32, 'n')));
  EXPECT_FALSE(good("\1\x21" + std::string(33, 'n')));
}

// Whatever the store holds, reading it ends, and what was read can be written.
TEST(Conversations, SurviveAnyBytes) {
  std::mt19937 random(7);
  Conversations known(kCountMax);
  known.enter("name", 1);
  for (std::uint32_t session = 1; session < 6; ++session) known.add(ticket(session, 1), "reply");
  const std::string good = known.encode();
  for (int round = 0; round < 50'000; ++round) {
    std::string bytes = good;
    for (std::uint32_t changes = 1 + random() % 3; changes > 0; --changes)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    if (round % 3 == 0) bytes.resize(random() % (bytes.size() + 1));
    auto read = Conversations::decode(bytes, kCountMax);
    if (!read) continue;
    EXPECT_EQ(stored_and_read(*read), shown(*read));
    read->enter("name", 9);
    read->add(ticket(1, 9), "more");
  }
}

}  // namespace
}  // namespace gatehouse::game
