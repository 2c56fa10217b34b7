// What is known of a player's requests beyond its gate session: which numbers ran, and the
// replies of those that committed (self:commit). Stored with the player's data in the same
// statement, so that a client that asks again after a crash gets the reply of the work that was
// done, and nothing whose effect may be in the data runs twice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "gate/options.hpp"
#include "protocol/reply_window.hpp"

namespace gatehouse::game {

// The newest conversations of a player, the current one last. Replies are bounded by count and
// bytes over all of them: of the oldest first the content goes, then the mark that stays of it.
class Conversations {
 public:
  struct Reply {
    std::uint32_t session = 0;
    bool kept = true;  // false: a mark, the content was dropped
    std::string content;
  };
  struct Conversation {
    std::string name;
    std::uint32_t number = kEnded;  // of the gate session's tickets
    std::uint32_t floor = 0;        // numbers below it ran, or never will; stored
    std::uint32_t accepted = 0;     // the same of those that wait to run
    std::vector<Reply> replies;     // oldest first
  };
  // A client that leaves a conversation for another one, as two devices of a player do in turn,
  // finds it again while it is among so many.
  static constexpr std::size_t kConversationsMax = 4;
  static constexpr std::size_t kBytesMax = 65'536;
  // So many replies and marks fit the store (conversations.cpp).
  static constexpr std::uint32_t kCountMax = gate::GateOptions::kReplyCacheCountMax;
  static constexpr std::uint32_t kEnded = UINT32_MAX;

  // count_max: gate.reply_cache_count, at most kCountMax; the requests that may be pending, and so
  // be lost, at once.
  explicit Conversations(std::uint32_t count_max) : count_max_(count_max) {}

  // The client begins or continues the conversation; tickets name it by `number` from now on.
  const Conversation& enter(std::string_view name, std::uint32_t number);

  // All below are about a ticket of a conversation that is known; others are ignored.
  [[nodiscard]] bool knows(protocol::RequestTicket ticket) { return find(ticket) != nullptr; }
  // The request is going to run; it starts to run.
  void accept(protocol::RequestTicket ticket);
  void start(protocol::RequestTicket ticket);
  // Its reply is part of every save from now on.
  void add(protocol::RequestTicket ticket, std::string_view content);
  // Takes it back: nothing of it is stored, nor will be.
  void drop(protocol::RequestTicket ticket);

  [[nodiscard]] const std::vector<Conversation>& all() const { return conversations_; }

  // Stored form: version byte 2, then for each conversation, oldest first: name (u8 length), and
  // as numbers floor and count of replies; for each reply the number's distance from the one
  // before (zigzag, from 0), and the content's length plus 1, then the content; 0: a mark.
  // Numbers are LEB128. Version 1 (16 replies of one conversation, without a floor) is read too.
  [[nodiscard]] std::string encode() const;
  // kCorrupt for anything that encode() did not write.
  [[nodiscard]] static Result<Conversations> decode(std::string_view stored,
                                                    std::uint32_t count_max);

 private:
  class Reader;
  [[nodiscard]] Conversation* find(protocol::RequestTicket ticket);
  void append(Conversation& conversation, Reply reply);
  void take_away(const Reply& reply);
  void shrink();
  static Result<> read_old(Reader& reader, Conversations& conversations);
  static Result<> read_conversation(Reader& reader, Conversations& conversations);

  std::vector<Conversation> conversations_;
  std::uint32_t count_max_;
  std::size_t count_ = 0;  // replies and marks of all
  std::size_t bytes_ = 0;  // of contents
};

}  // namespace gatehouse::game
