#include "game/conversations.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "base/limits.hpp"
#include "store/records.hpp"

namespace gatehouse::game {
namespace {

constexpr char kOldVersion = 1;
constexpr char kVersion = 2;

// The stored form: a number has 33 bits at most, which is five bytes, a length three.
constexpr std::size_t kReplyBytes = 5 + 3;
constexpr std::size_t kConversationBytes = 1 + kConversationCharactersMax + 5 + 5;
static_assert(kResponseContentBytesMax <= Conversations::kBytesMax);
static_assert(1 + Conversations::kConversationsMax * kConversationBytes +
                  Conversations::kCountMax * kReplyBytes + Conversations::kBytesMax <=
              store::kPlayerRepliesBytesMax);

void append_number(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

std::uint64_t zigzag(std::int64_t value) {
  return static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63);
}

std::int64_t unzigzag(std::uint64_t value) {
  return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
}

std::uint32_t after(std::uint32_t session) {
  return session == UINT32_MAX ? session : session + 1;
}

// What can be stored: no client has a longer name, no reply is larger.
bool storable(const Conversations::Conversation& conversation) {
  return conversation.name.size() <= kConversationCharactersMax &&
         std::ranges::all_of(conversation.replies, [](const Conversations::Reply& reply) {
           return reply.content.size() <= kResponseContentBytesMax;
         });
}

tl::unexpected<Error> corrupt() {
  return fail(Errc::kCorrupt, "stored replies do not parse");
}

}  // namespace

// Takes pieces off the front; what is not there makes it fail for good.
class Conversations::Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  [[nodiscard]] bool failed() const { return failed_; }
  [[nodiscard]] bool empty() const { return rest_.empty(); }
  std::string_view bytes(std::uint64_t size) {
    if (size > rest_.size()) {
      failed_ = true;
      return {};
    }
    const std::string_view piece = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return piece;
  }
  std::uint8_t byte() {
    const std::string_view piece = bytes(1);
    return piece.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(piece[0]);
  }
  std::uint32_t be32() {
    const std::string_view piece = bytes(4);
    return piece.empty() ? 0 : load_be32(piece.data());
  }
  std::uint64_t number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 63; shift += 7) {
      const std::uint8_t next = byte();
      value |= static_cast<std::uint64_t>(next & 0x7f) << shift;
      if (next < 0x80) return value;
    }
    failed_ = true;
    return 0;
  }
  // A session number, a floor or a count.
  std::uint32_t small(std::uint64_t value) {
    if (value > UINT32_MAX) failed_ = true;
    return static_cast<std::uint32_t>(value);
  }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

const Conversations::Conversation& Conversations::enter(std::string_view name,
                                                        std::uint32_t number) {
  const auto it = std::find_if(conversations_.begin(), conversations_.end(),
                               [name](const Conversation& c) { return c.name == name; });
  if (it != conversations_.end()) {
    std::rotate(it, it + 1, conversations_.end());
  } else {
    if (conversations_.size() == kConversationsMax) {
      for (const Reply& reply : conversations_.front().replies) take_away(reply);
      conversations_.erase(conversations_.begin());
    }
    conversations_.push_back({});
    conversations_.back().name = name;
  }
  conversations_.back().number = number;
  return conversations_.back();
}

Conversations::Conversation* Conversations::find(protocol::RequestTicket ticket) {
  for (auto it = conversations_.rbegin(); it != conversations_.rend(); ++it)
    if (it->number == ticket.conversation_number) return &*it;
  return nullptr;
}

void Conversations::accept(protocol::RequestTicket ticket) {
  if (Conversation* conversation = find(ticket))
    conversation->accepted = std::max(conversation->accepted, after(ticket.session));
}

void Conversations::start(protocol::RequestTicket ticket) {
  if (Conversation* conversation = find(ticket))
    conversation->floor = std::max(conversation->floor, after(ticket.session));
}

void Conversations::add(protocol::RequestTicket ticket, std::string_view content) {
  Conversation* conversation = find(ticket);
  if (conversation == nullptr) return;
  drop(ticket);
  append(*conversation, {.session = ticket.session, .content = std::string(content)});
  shrink();
}

void Conversations::drop(protocol::RequestTicket ticket) {
  Conversation* conversation = find(ticket);
  if (conversation == nullptr) return;
  auto& replies = conversation->replies;
  const auto it = std::find_if(replies.begin(), replies.end(), [ticket](const Reply& reply) {
    return reply.session == ticket.session;
  });
  if (it == replies.end()) return;
  take_away(*it);
  replies.erase(it);
}

// The reply leaves.
void Conversations::take_away(const Reply& reply) {
  GATEHOUSE_ASSERT(count_ > 0 && bytes_ >= reply.content.size());
  --count_;
  bytes_ -= reply.content.size();
}

void Conversations::append(Conversation& conversation, Reply reply) {
  bytes_ += reply.content.size();
  ++count_;
  conversation.floor = std::max(conversation.floor, after(reply.session));
  conversation.replies.push_back(std::move(reply));
}

void Conversations::shrink() {
  for (Conversation& conversation : conversations_) {
    auto& replies = conversation.replies;
    // The newest content always stays.
    const bool newest = &conversation == &conversations_.back();
    for (std::size_t i = 0; bytes_ > kBytesMax && i + (newest ? 1 : 0) < replies.size(); ++i) {
      if (!replies[i].kept) continue;
      GATEHOUSE_ASSERT(bytes_ >= replies[i].content.size());
      bytes_ -= replies[i].content.size();
      replies[i].kept = false;
      std::string().swap(replies[i].content);
    }
    const std::size_t gone =
        std::min(replies.size(), count_ > count_max_ ? count_ - count_max_ : 0);
    for (std::size_t i = 0; i < gone; ++i) take_away(replies[i]);
    replies.erase(replies.begin(), replies.begin() + static_cast<std::ptrdiff_t>(gone));
  }
}

std::string Conversations::encode() const {
  std::string out(1, kVersion);
  out.reserve(64 + bytes_ + 4 * count_);
  for (const Conversation& conversation : conversations_) {
    GATEHOUSE_ASSERT(conversation.name.size() <= UINT8_MAX);
    out += static_cast<char>(conversation.name.size());
    out += conversation.name;
    append_number(out, conversation.floor);
    append_number(out, conversation.replies.size());
    std::int64_t before = 0;
    for (const Reply& reply : conversation.replies) {
      append_number(out, zigzag(std::int64_t{reply.session} - before));
      before = reply.session;
      append_number(out, reply.kept ? reply.content.size() + 1 : 0);
      out += reply.content;
    }
  }
  return out;
}

Result<> Conversations::read_old(Reader& reader, Conversations& conversations) {
  const std::string_view name = reader.bytes(reader.byte());
  Conversation conversation;
  conversation.name = name;
  while (!reader.empty() && !reader.failed()) {
    const std::uint32_t session = reader.be32();
    const std::string_view content = reader.bytes(reader.be32());
    if (reader.failed()) break;
    conversations.append(conversation, {.session = session, .content = std::string(content)});
  }
  if (reader.failed() || !storable(conversation)) return corrupt();
  // It did not say what it had forgotten, nor what else ran.
  conversation.floor = 0;
  conversations.conversations_.push_back(std::move(conversation));
  return {};
}

Result<> Conversations::read_conversation(Reader& reader, Conversations& conversations) {
  Conversation conversation;
  conversation.name = reader.bytes(reader.byte());
  const std::uint32_t floor = reader.small(reader.number());
  const std::uint64_t count = reader.number();
  std::int64_t before = 0;
  for (std::uint64_t i = 0; i < count && !reader.failed(); ++i) {
    const std::uint32_t session =
        reader.small(static_cast<std::uint64_t>(before + unzigzag(reader.number())));
    before = session;
    const std::uint64_t length = reader.number();
    const std::string_view content = reader.bytes(length == 0 ? 0 : length - 1);
    conversations.append(
        conversation, {.session = session, .kept = length != 0, .content = std::string(content)});
  }
  if (reader.failed() || !storable(conversation)) return corrupt();
  conversation.floor = floor;
  conversations.conversations_.push_back(std::move(conversation));
  return {};
}

Result<Conversations> Conversations::decode(std::string_view stored, std::uint32_t count_max) {
  Reader reader(stored);
  const auto version = static_cast<char>(reader.byte());
  if (version != kOldVersion && version != kVersion) return corrupt();
  Conversations conversations(count_max);
  while (!reader.empty()) {
    auto read = version == kOldVersion ? read_old(reader, conversations)
                                       : read_conversation(reader, conversations);
    if (!read) return tl::unexpected(read.error());
  }
  if (reader.failed() || conversations.conversations_.size() > kConversationsMax) return corrupt();
  conversations.shrink();
  return conversations;
}

}  // namespace gatehouse::game
