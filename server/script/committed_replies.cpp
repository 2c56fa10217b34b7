#include "script/committed_replies.hpp"

#include <algorithm>

#include "base/bytes.hpp"

namespace gatehouse::script {
namespace {

constexpr char kVersion = 1;

void append_be32(std::string& out, std::uint32_t value) {
  char bytes[4];
  store_be32(bytes, value);
  out.append(bytes, sizeof(bytes));
}

}  // namespace

void CommittedReplies::add(std::string_view conversation, std::uint32_t session,
                           std::string_view content) {
  if (conversation != conversation_) {
    conversation_ = conversation;
    entries_.clear();
    bytes_ = 0;
  }
  drop(session);
  entries_.push_back({session, std::string(content)});
  bytes_ += content.size();
  while (entries_.size() > 1 && (entries_.size() > kCountMax || bytes_ > kBytesMax)) {
    bytes_ -= entries_.front().content.size();
    entries_.pop_front();
  }
}

void CommittedReplies::drop(std::uint32_t session) {
  const auto it = std::find_if(entries_.begin(), entries_.end(),
                               [session](const Entry& e) { return e.session == session; });
  if (it == entries_.end()) return;
  bytes_ -= it->content.size();
  entries_.erase(it);
}

std::string CommittedReplies::encode() const {
  std::string out(1, kVersion);
  out += static_cast<char>(conversation_.size());
  out += conversation_;
  for (const Entry& entry : entries_) {
    append_be32(out, entry.session);
    append_be32(out, static_cast<std::uint32_t>(entry.content.size()));
    out += entry.content;
  }
  return out;
}

Result<CommittedReplies> CommittedReplies::decode(std::string_view stored) {
  const auto corrupt = [] { return fail(Errc::kCorrupt, "stored replies do not parse"); };
  if (stored.size() < 2 || stored[0] != kVersion) return corrupt();
  const auto length = static_cast<unsigned char>(stored[1]);
  stored.remove_prefix(2);
  if (stored.size() < length) return corrupt();
  const std::string_view conversation = stored.substr(0, length);
  stored.remove_prefix(length);
  CommittedReplies replies;
  replies.conversation_ = conversation;
  while (!stored.empty()) {
    if (stored.size() < 8) return corrupt();
    const std::uint32_t session = load_be32(stored.data());
    const std::uint32_t size = load_be32(stored.data() + 4);
    stored.remove_prefix(8);
    if (stored.size() < size) return corrupt();
    replies.add(conversation, session, stored.substr(0, size));
    stored.remove_prefix(size);
  }
  return replies;
}

}  // namespace gatehouse::script
