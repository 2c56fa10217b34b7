// The replies of committed requests (self:commit), stored with the player's data in the same
// statement: a client that asks again after a crash gets the reply of the work that was done.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace gatehouse::script {

// The newest replies of one conversation, bounded by count and bytes; the newest always stays.
class CommittedReplies {
 public:
  struct Entry {
    std::uint32_t session = 0;
    std::string content;
  };
  static constexpr std::size_t kCountMax = 16;
  static constexpr std::size_t kBytesMax = 65'536;

  // Adds a reply; another conversation than before drops the older replies.
  void add(std::string_view conversation, std::uint32_t session, std::string_view content);
  // Takes the reply of a session back: its save failed.
  void drop(std::uint32_t session);

  [[nodiscard]] const std::string& conversation() const { return conversation_; }
  [[nodiscard]] const std::deque<Entry>& entries() const { return entries_; }

  // Stored form: version byte 1, conversation (u8 length), then session (u32), content (u32
  // length) for each reply, oldest first; integers big-endian.
  [[nodiscard]] std::string encode() const;
  // kCorrupt for anything that encode() did not write.
  [[nodiscard]] static Result<CommittedReplies> decode(std::string_view stored);

 private:
  std::string conversation_;
  std::deque<Entry> entries_;
  std::size_t bytes_ = 0;
};

}  // namespace gatehouse::script
