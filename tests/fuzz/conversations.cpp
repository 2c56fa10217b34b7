// The stored form of a player's conversations, which another version or another program may have
// written: what is taken is stored again in the same form, and gives a reply window nothing that it
// cannot hold.
#include "game/conversations.hpp"

#include "base/limits.hpp"
#include "fuzz.hpp"
#include "store/records.hpp"

namespace gatehouse::game {

FUZZ_TARGET(conversations) {
  fuzz::Input choices(input);
  const std::uint32_t count_max = 1 + choices.byte();
  auto known = Conversations::decode(choices.rest(), count_max);
  if (!known) return;
  GATEHOUSE_ASSERT(known->all().size() <= Conversations::kConversationsMax);
  const std::string stored = known->encode();
  GATEHOUSE_ASSERT(stored.size() <= store::kPlayerRepliesBytesMax);
  const auto again = Conversations::decode(stored, count_max);
  GATEHOUSE_ASSERT(again && again->encode() == stored);

  std::size_t count = 0;
  std::size_t bytes = 0;
  for (const auto& conversation : known->all()) {
    GATEHOUSE_ASSERT(conversation.name.size() <= kConversationCharactersMax);
    protocol::ReplyWindow window(count_max, Conversations::kBytesMax);
    window.restore_floor(conversation.floor);
    for (const auto& reply : conversation.replies) {
      GATEHOUSE_ASSERT(reply.content.size() <= kResponseContentBytesMax);
      GATEHOUSE_ASSERT(reply.kept || reply.content.empty());
      bytes += reply.content.size();
      ++count;
      if (!reply.kept) window.restore_mark(reply.session);
    }
    for (const auto& reply : conversation.replies)
      if (reply.kept) window.restore(reply.session, reply.content);
    GATEHOUSE_ASSERT(window.content_bytes() <= Conversations::kBytesMax);
  }
  GATEHOUSE_ASSERT(count <= count_max && bytes <= Conversations::kBytesMax);

  // As the player goes on.
  known->enter("fuzz", 1);
  known->add({.session = choices.number(), .conversation_number = 1}, "reply");
  GATEHOUSE_ASSERT(Conversations::decode(known->encode(), count_max));
}

}  // namespace gatehouse::game
