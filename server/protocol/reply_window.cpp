#include "protocol/reply_window.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/assert.hpp"

namespace gatehouse::protocol {
namespace {

// Bytes that a std::string keeps inside itself (libstdc++).
constexpr std::size_t kInlineBytes = 15;
// A running request may keep a buffer of this size for its answer.
constexpr std::size_t kReusedBytesMax = 256;
constexpr std::uint32_t kEnds = 0;  // entries_[0], the ends of the list of answers
constexpr std::uint32_t kNone = 0;

// An expired answer's buffer serves the next unless it is far too large for it.
bool worth_reusing(const std::string& buffer, std::size_t bytes) {
  return buffer.capacity() <= std::max(kReusedBytesMax, 2 * bytes);
}

}  // namespace

ReplyWindow::ReplyWindow(std::uint32_t count_max, std::uint32_t bytes_max)
    : count_max_(std::max(count_max, 1u)), bytes_max_(bytes_max) {}

ReplyWindow::Begun ReplyWindow::begin(std::uint32_t session, std::uint32_t version) {
  GATEHOUSE_ASSERT(version != 0);
  std::uint32_t number = find(session);
  if (number == kNone) {
    number = insert(session);
    Entry& entry = entries_[number];
    entry.version = version;
    entry.state = State::kRunning;
    ++running_;
    return {Verdict::kRun, {session, conversation_}, {}, {}};
  }
  Entry& entry = entries_[number];
  // A connection that a newer one replaced has nothing to ask any more.
  if (version < entry.version) return {Verdict::kWait, {}, {}, {}};
  const bool newer = version > entry.version;
  entry.version = version;
  if (entry.state != State::kAnswered) {
    if (!newer && entry.state == State::kRepeated) return {Verdict::kConflict, {}, {}, {}};
    entry.state = newer ? State::kRunning : State::kRepeated;
    return {Verdict::kWait, {}, {}, {}};
  }
  unlink(number);
  if (newer) {
    link_youngest(number);
    return {Verdict::kResend, {}, entry.kind, entry.content};
  }
  --answered_;
  content_bytes_ -= static_cast<std::uint32_t>(entry.content.size());
  if (entry.content.capacity() > kReusedBytesMax) std::string().swap(entry.content);
  entry.state = State::kRunning;
  ++running_;
  return {Verdict::kRun, {session, conversation_}, {}, {}};
}

ReplyWindow::Completed ReplyWindow::complete(RequestTicket ticket, bool ok,
                                             std::string_view content,
                                             std::uint32_t current_version) {
  if (ticket.conversation != conversation_) return {};
  const std::uint32_t number = find(ticket.session);
  if (number == kNone || entries_[number].state == State::kAnswered) return {};
  if (content.size() > kResponseContentBytesMax) {
    ok = false;
    content = {};
  }
  std::string spare = expire(content.size());
  Entry& entry = entries_[number];
  if (entry.content.capacity() < spare.capacity() && worth_reusing(spare, content.size()))
    entry.content.swap(spare);
  entry.content.assign(content);
  entry.kind = ok ? FrameKind::kOk : FrameKind::kError;
  entry.state = State::kAnswered;
  link_youngest(number);
  GATEHOUSE_ASSERT(running_ > 0);
  --running_;
  ++answered_;
  content_bytes_ += static_cast<std::uint32_t>(content.size());
  return {entry.version == current_version, entry.kind, content};
}

void ReplyWindow::restore(std::uint32_t session, std::string_view content) {
  if (content.size() > kResponseContentBytesMax || find(session) != kNone) return;
  expire(content.size());
  const std::uint32_t number = insert(session);
  Entry& entry = entries_[number];
  entry.version = 0;
  entry.content.assign(content);
  entry.kind = FrameKind::kOk;
  entry.state = State::kAnswered;
  link_youngest(number);
  ++answered_;
  content_bytes_ += static_cast<std::uint32_t>(content.size());
}

void ReplyWindow::clear() {
  std::vector<Entry>().swap(entries_);
  index_.reset();
  index_mask_ = free_ = running_ = answered_ = content_bytes_ = 0;
  ++conversation_;
}

std::size_t ReplyWindow::heap_bytes() const {
  std::size_t bytes = entries_.capacity() * sizeof(Entry);
  if (index_) bytes += (std::size_t{index_mask_} + 1) * sizeof(Place);
  for (const Entry& entry : entries_)
    if (entry.content.capacity() > kInlineBytes) bytes += entry.content.capacity() + 1;
  return bytes;
}

// Fibonacci hashing: consecutive sessions, which are the rule, spread without collisions.
std::uint32_t ReplyWindow::home(std::uint32_t session) const {
  const std::uint32_t hash = session * 0x9e3779b1u;
  return (hash ^ hash >> 16) & index_mask_;
}

std::uint32_t ReplyWindow::find(std::uint32_t session) const {
  if (!index_) return kNone;
  for (std::uint32_t place = home(session);; place = (place + 1) & index_mask_) {
    const Place& found = index_[place];
    if (found.number == kNone || found.session == session) return found.number;
  }
}

// An entry for a session that has none, in the index and in no list.
std::uint32_t ReplyWindow::insert(std::uint32_t session) {
  if (free_ == kNone) grow();
  const std::uint32_t number = free_;
  Entry& entry = entries_[number];
  free_ = entry.next;
  entry.session = session;
  index_entry(number);
  return number;
}

void ReplyWindow::index_entry(std::uint32_t number) {
  const std::uint32_t session = entries_[number].session;
  std::uint32_t place = home(session);
  while (index_[place].number != kNone) place = (place + 1) & index_mask_;
  index_[place] = {session, number};
}

// Takes the entry out of the index, moving back what was pushed behind it, and frees it.
void ReplyWindow::erase(std::uint32_t number) {
  std::uint32_t hole = home(entries_[number].session);
  while (index_[hole].number != number) hole = (hole + 1) & index_mask_;
  for (std::uint32_t place = (hole + 1) & index_mask_; index_[place].number != kNone;
       place = (place + 1) & index_mask_) {
    const std::uint32_t wanted = home(index_[place].session);
    if (((place - wanted) & index_mask_) < ((place - hole) & index_mask_)) continue;
    index_[hole] = index_[place];
    hole = place;
  }
  index_[hole] = {};
  entries_[number].state = State::kFree;
  entries_[number].next = free_;
  free_ = number;
}

void ReplyWindow::grow() {
  const std::size_t old_size = std::max<std::size_t>(entries_.size(), 1);
  const std::size_t new_size = old_size + old_size / 2 + 4;
  entries_.reserve(new_size);
  entries_.resize(new_size);
  const std::size_t places = std::bit_ceil(new_size * 3 / 2);
  if (!index_ || places > std::size_t{index_mask_} + 1) {
    index_ = std::make_unique<Place[]>(places);
    index_mask_ = static_cast<std::uint32_t>(places - 1);
    for (std::size_t number = 1; number < old_size; ++number)
      index_entry(static_cast<std::uint32_t>(number));
  }
  for (std::size_t number = new_size; number-- > old_size;) {
    entries_[number].next = free_;
    free_ = static_cast<std::uint32_t>(number);
  }
}

void ReplyWindow::link_youngest(std::uint32_t number) {
  const std::uint32_t youngest = entries_[kEnds].previous;
  entries_[number].previous = youngest;
  entries_[number].next = kEnds;
  entries_[youngest].next = number;
  entries_[kEnds].previous = number;
}

void ReplyWindow::unlink(std::uint32_t number) {
  const Entry& entry = entries_[number];
  entries_[entry.previous].next = entry.next;
  entries_[entry.next].previous = entry.previous;
}

// Forgets the oldest answers until one more of this size fits; returns a buffer of theirs.
std::string ReplyWindow::expire(std::size_t bytes_needed) {
  std::string spare;
  while (answered_ > 0 && (answered_ >= count_max_ || content_bytes_ + bytes_needed > bytes_max_)) {
    const std::uint32_t oldest = entries_[kEnds].next;
    GATEHOUSE_ASSERT(oldest != kEnds && entries_[oldest].state == State::kAnswered);
    spare = std::exchange(entries_[oldest].content, {});
    content_bytes_ -= static_cast<std::uint32_t>(spare.size());
    --answered_;
    unlink(oldest);
    erase(oldest);
  }
  return spare;
}

}  // namespace gatehouse::protocol
