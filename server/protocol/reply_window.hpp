// The replies a player's gate session remembers, so that a request repeated after a reconnect is
// answered from here instead of running twice (DESIGN section 6, sk 4.5). One per player; the
// player's worker is its only thread.
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
//      sent again), or until younger ones need its bytes; the youngest always lives. Running
//      requests never expire, and nothing expires by time
//   8  an answer over kResponseContentBytesMax is stored and sent as an empty kError
//   9  a failed request is remembered like any other
//
// Invariant: a session number has at most one entry, and that is running or in the list of
// answers, oldest first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/frame.hpp"

namespace gatehouse::protocol {

// Names a request that runs. One that clear() forgot is recognised.
struct RequestTicket {
  std::uint32_t session = 0;
  std::uint32_t conversation = 0;
};

class ReplyWindow {
 public:
  enum class Verdict : std::uint8_t {
    kRun,       // hand the request to the agent, complete() it with `ticket`
    kResend,    // answer now with kind and content
    kWait,      // do nothing: the answer will come
    kConflict,  // close the connection
  };
  struct Begun {
    Verdict verdict = Verdict::kWait;
    RequestTicket ticket;                // kRun
    FrameKind kind = FrameKind::kError;  // kResend
    std::string_view content;            // kResend; valid until the next call
  };
  struct Completed {
    bool send = false;  // the connection that asked last is the current one: send kind, content
    FrameKind kind = FrameKind::kError;
    std::string_view content;  // valid as long as the content given
  };

  // gate.reply_cache_count (0 counts as 1) and gate.reply_cache_bytes, bytes of contents.
  ReplyWindow(std::uint32_t count_max, std::uint32_t bytes_max);

  // A request came in on the connection of this version.
  [[nodiscard]] Begun begin(std::uint32_t session, std::uint32_t version);

  // The request of the ticket ended. current_version is that of the player's connection now, 0
  // when there is none. A ticket that is not running any more is ignored: nothing to send.
  Completed complete(RequestTicket ticket, bool ok, std::string_view content,
                     std::uint32_t current_version);

  // An answer from an earlier life of the player (self:commit), before any request: it is sent
  // again to whoever asks, as if answered on an older connection.
  void restore(std::uint32_t session, std::string_view content);

  // Another conversation begins: forgets everything and frees the memory.
  void clear();

  // Whether the session number has an entry, running or answered.
  [[nodiscard]] bool contains(std::uint32_t session) const { return find(session) != 0; }
  // Calls visit(RequestTicket) for every request that runs, in no order. `visit` must not call
  // the window.
  template <class Visit>
  void each_running(Visit&& visit) const {
    for (const Entry& entry : entries_)
      if (entry.state == State::kRunning || entry.state == State::kRepeated)
        visit(RequestTicket{entry.session, conversation_});
  }
  [[nodiscard]] std::uint32_t running() const { return running_; }
  [[nodiscard]] std::uint32_t answered() const { return answered_; }
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
  };

  // The session is here too, so that looking for one touches no entry but its own.
  struct Place {
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

  // entries_[0] is no entry but the ends of the list of answers: next is the oldest, previous the
  // youngest. Entry numbers of 0 mean none.
  std::vector<Entry> entries_;
  std::unique_ptr<Place[]> index_;  // open addressing by session
  std::uint32_t index_mask_ = 0;
  std::uint32_t free_ = 0;
  std::uint32_t running_ = 0;
  std::uint32_t answered_ = 0;
  std::uint32_t content_bytes_ = 0;
  std::uint32_t conversation_ = 0;
  std::uint32_t count_max_;
  std::uint32_t bytes_max_;
};

// A logged-in player who has sent nothing yet costs no more than this.
static_assert(sizeof(ReplyWindow) <= 64);

}  // namespace gatehouse::protocol
