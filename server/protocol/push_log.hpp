// The pushes of a player that a reconnecting client may ask for again (docs/protocol.md 3.13,
// 3.14). They are numbered from 1 up, in the order of append(). One per player; the player's worker
// is its only thread.
//
// Invariant: the log holds the numbers first_number() to last_number() without a hole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace gatehouse::protocol {

// A client that has seen the pushes up to last_push gets next_push as its next. When that is not
// last_push + 1 the numbers between are lost; when it is not above last_push the client counts
// in another log than this (the server lost its memory) and starts anew.
struct PushGap {
  std::uint32_t last_push = 0;
  std::uint32_t next_push = 1;
  explicit operator bool() const { return next_push != last_push + 1; }
};

class PushLog {
 public:
  // gate_push_log_count_max and gate_push_log_bytes_max, bytes of contents. The oldest pushes go
  // first; one push that is over the bytes on its own is kept until the next.
  PushLog(std::uint32_t count_max, std::uint32_t bytes_max)
      : count_max_(count_max), bytes_max_(bytes_max) {}

  // The number of the push. kInvalid over kResponseContentBytesMax; kFull when the numbers are
  // used up.
  [[nodiscard]] Result<std::uint32_t> append(std::string_view content);

  [[nodiscard]] PushGap gap_after(std::uint32_t last_push) const {
    return {last_push, first_after(last_push)};
  }

  // Calls send(std::uint32_t number, std::string_view content) for every push after last_push
  // that is still here, oldest first; for a client that counts in another log, for all.
  template <class Send>
  void replay_after(std::uint32_t last_push, Send&& send) const {
    for (std::uint32_t number = first_after(last_push); number <= last_number_; ++number)
      send(number, content(number));
  }

  // The client has seen these: they need not be kept.
  void acknowledge(std::uint32_t last_push);

  // Another conversation begins: numbers start at 1 again.
  void clear();

  [[nodiscard]] std::uint32_t count() const { return count_; }
  [[nodiscard]] std::uint32_t first_number() const { return last_number_ - count_ + 1; }
  // For tests.
  [[nodiscard]] std::uint32_t last_number() const { return last_number_; }
  [[nodiscard]] std::uint32_t content_bytes() const { return content_bytes_; }
  [[nodiscard]] std::size_t heap_bytes() const;

 private:
  [[nodiscard]] std::uint32_t first_after(std::uint32_t last_push) const;
  [[nodiscard]] std::string_view content(std::uint32_t number) const;
  void drop_oldest();
  void grow();

  std::vector<std::string> ring_;
  std::uint32_t head_ = 0;  // place of the oldest in ring_
  std::uint32_t count_ = 0;
  std::uint32_t last_number_ = 0;
  std::uint32_t content_bytes_ = 0;
  std::uint32_t count_max_;
  std::uint32_t bytes_max_;
};

}  // namespace gatehouse::protocol
