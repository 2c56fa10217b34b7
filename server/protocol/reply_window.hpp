// The replies a player's gate session remembers, so that a request repeated after a reconnect is
// answered from here instead of running twice. One per player; the player's worker is its only
// thread.
//
// Let v be the version of the connection: the number of the player's accepted handshake, counted
// by the gate from 1 up. An entry remembers the version that asked last (not, as skynet, the one
// at completion).
//   1  session new: run; the answer goes to the connection that asked last
//   2  answered, same version: the client reuses the number; run again
//   3  running, same version: the first duplicate waits, the second is a conflict
//   4  answered, newer version: the cached answer is sent again, the new content is ignored
//   5  running, newer version: the answer goes to the new connection, once. Nobody asked again:
//      it is kept, not sent
//   6  completed between the new handshake and the repeated request: rule 4
//   7  an answer lives until `count_max` others were completed after it (or after it was last
//      sent again); its content until younger ones need its bytes, then a mark stays in its
//      place, which says that the request ran. The youngest content always lives. Running
//      requests never expire, and nothing expires by time
//   8  an answer over kResponseContentBytesMax is stored and sent as an empty kError
//   9  a failed request is remembered like any other
//
// These are skynet's rules (Counting::kSkynet), in which a mark counts as nothing and a forgotten
// number as new. In a conversation (Counting::kConversation) a number is run once, ever; the
// client counts upward:
//   2c answered, same version: rule 4
//   3c running, same version: the duplicate waits, and so does every other
//   7c a mark, and a new number that is not above every number forgotten, is refused (kGone).
//      So a client that has at most `count_max` numbers unanswered, and repeats those first when
//      it comes back, is never refused
//
// Invariant: a session number has at most one entry, and that is running or in the list of
// answers, oldest first. Every number forgotten is below floor().
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "protocol/frame.hpp"

namespace gatehouse::protocol {

// Names a request that runs. One that clear() forgot is recognised.
struct RequestTicket {
  std::uint32_t session = 0;
  std::uint32_t conversation_number = 0;
  std::uint32_t content_bytes = 0;  // of the request, for who counts what is pending
};

// The contents of the answers of kind kError to requests that are refused unrun: the number is
// older than the memory of it; or it ran, and its reply was too large to keep.
inline constexpr std::string_view kGoneForgotten = "410 Gone";
inline constexpr std::string_view kGoneDone = "410 Gone done";

enum class Counting : std::uint8_t { kSkynet, kConversation };

class ReplyWindow {
 public:
  enum class Verdict : std::uint8_t {
    kRun,       // hand the request to the agent, complete() it with `ticket`
    kResend,    // answer now with kind and content
    kWait,      // do nothing: the answer will come
    kGone,      // refuse it, unrun, with kind and content
    kConflict,  // close the connection
  };
  struct Begun {
    Verdict verdict = Verdict::kWait;
    RequestTicket ticket;                // kRun
    FrameKind kind = FrameKind::kError;  // kResend, kGone
    std::string_view content;            // kResend, kGone; valid until the next call
  };
  struct Completed {
    bool send = false;  // the connection that asked last is the current one: send kind, content
    FrameKind kind = FrameKind::kError;
    std::string_view content;  // valid as long as the content given
  };

  // gate.reply_cache_count (0 counts as 1) and gate.reply_cache_bytes, bytes of contents.
  ReplyWindow(std::uint32_t count_max, std::uint32_t bytes_max);
  ~ReplyWindow();
  ReplyWindow(const ReplyWindow&) = delete;
  ReplyWindow& operator=(const ReplyWindow&) = delete;

  // A request came in on the connection of this version.
  [[nodiscard]] Begun begin(std::uint32_t session, std::uint32_t version,
                            Counting counting = Counting::kSkynet);

  // The request of the ticket ended. current_version is that of the player's connection now, 0
  // when there is none. A ticket that is not running any more is ignored: nothing to send.
  Completed complete(RequestTicket ticket, bool ok, std::string_view content,
                     std::uint32_t current_version);

  // The outcome of a running request is not known, nor when it will be: each_running() leaves it
  // out. Until complete().
  void hold(RequestTicket ticket);

  // What an earlier life of the player knew (self:commit), before any request: an answer, which
  // is sent again to whoever asks, as if answered on an older connection; the mark of one; and
  // that numbers below `floor` are forgotten.
  void restore(std::uint32_t session, std::string_view content);
  void restore_mark(std::uint32_t session);
  void restore_floor(std::uint32_t floor);

  // Another conversation begins: forgets everything and frees the memory.
  void clear();

  // Whether a request with this number would be answered without running.
  [[nodiscard]] bool knows(std::uint32_t session, Counting counting) const {
    return (counting == Counting::kConversation && session < floor_) || find(session) != 0;
  }
  // Calls visit(RequestTicket) for every request that runs and is not held, in no order. `visit`
  // must not call the window.
  template <class Visit>
  void each_running(Visit&& visit) const {
    for (std::uint32_t number = 1; number < size_; ++number) {
      const Entry& entry = entries_[number];
      if ((entry.state == State::kRunning || entry.state == State::kRepeated) && !entry.held)
        visit(RequestTicket{entry.session, conversation_number_});
    }
  }
  // Of the conversation that tickets name, counted by clear().
  [[nodiscard]] std::uint32_t conversation_number() const { return conversation_number_; }
  // One above the highest number forgotten; 0: nothing was.
  [[nodiscard]] std::uint32_t floor() const { return floor_; }
  [[nodiscard]] std::uint32_t count_max() const { return count_max_; }
  [[nodiscard]] std::uint32_t running() const { return running_; }
  // Answers remembered, marks not counted.
  [[nodiscard]] std::uint32_t answered() const { return answered_ - marks_; }
  // Bytes of the contents remembered.
  [[nodiscard]] std::uint32_t content_bytes() const { return content_bytes_; }
  // Memory held beyond the object itself, without malloc's own overhead.
  [[nodiscard]] std::size_t heap_bytes() const;

 private:
  enum class State : std::uint8_t { kFree, kRunning, kRepeated, kAnswered };
  // A cache line each: with thousands of players every request finds its window cold.
  struct alignas(64) Entry {
    std::uint32_t session = 0;
    std::uint32_t version = 0;
    std::uint32_t previous = 0;  // in the list of answers
    std::uint32_t next = 0;      // in the list of answers or of free entries
    std::string content;
    State state = State::kFree;
    FrameKind kind = FrameKind::kError;
    bool held = false;  // hold()
    bool mark = false;  // answered, and the content was dropped
    bool lost = false;  // with a mark: there was a content
  };

  // The session is here too, so that looking for one touches no entry but its own.
  struct Slot {
    std::uint32_t session = 0;
    std::uint32_t number = 0;  // of the entry; 0: empty
  };

  [[nodiscard]] std::uint32_t home(std::uint32_t session) const;
  [[nodiscard]] std::uint32_t find(std::uint32_t session) const;
  std::uint32_t insert(std::uint32_t session);
  void index_entry(std::uint32_t number);
  void erase(std::uint32_t number);
  void grow();
  void link_youngest(std::uint32_t number);
  void unlink(std::uint32_t number);
  std::string expire(std::size_t bytes_needed);
  std::string drop_oldest_content();
  void forget_oldest_mark();
  std::uint32_t add_answer(std::uint32_t session);

  // entries_[0] is no entry but the ends of the list of answers: next is the oldest, previous the
  // youngest. Entry numbers of 0 mean none.
  std::unique_ptr<Entry[]> entries_;
  std::unique_ptr<Slot[]> index_;  // open addressing by session
  std::uint32_t size_ = 0;         // of entries_
  std::uint32_t index_mask_ = 0;
  std::uint32_t free_ = 0;
  std::uint32_t oldest_kept_ = 0;  // the oldest answer that is no mark; marks are older
  std::uint32_t marks_ = 0;
  std::uint32_t running_ = 0;
  std::uint32_t answered_ = 0;
  std::uint32_t content_bytes_ = 0;
  std::uint32_t conversation_number_ = 0;
  std::uint32_t floor_ = 0;
  std::uint32_t count_max_;
  std::uint32_t bytes_max_;
};

// A logged-in player who has sent nothing yet costs no more than this.
static_assert(sizeof(ReplyWindow) <= 64);

}  // namespace gatehouse::protocol
