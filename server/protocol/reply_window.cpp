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

ReplyWindow::~ReplyWindow() = default;

ReplyWindow::Begun ReplyWindow::begin(std::uint32_t session, std::uint32_t version,
                                      Counting counting) {
  GATEHOUSE_ASSERT(version != 0);
  const bool once = counting == Counting::kConversation;
  std::uint32_t number = find(session);
  if (number == kNone) {
    if (once && session < floor_) return {Verdict::kGone, {}, FrameKind::kError, kGoneForgotten};
    number = insert(session);
    Entry& entry = entries_[number];
    entry.version = version;
    entry.state = State::kRunning;
    ++running_;
    GATEHOUSE_ASSERT(running_ + answered_ < size_);
    return {Verdict::kRun, {session, conversation_number_}, {}, {}};
  }
  Entry& entry = entries_[number];
  GATEHOUSE_ASSERT(entry.state != State::kFree && entry.session == session);
  if (!once && entry.mark) entry.version = 0;
  // A connection that a newer one replaced has nothing to ask any more.
  if (version < entry.version) return {Verdict::kWait, {}, {}, {}};
  const bool newer = version > entry.version;
  entry.version = version;
  if (entry.state != State::kAnswered) {
    if (!once && !newer && entry.state == State::kRepeated) return {Verdict::kConflict, {}, {}, {}};
    entry.state = newer ? State::kRunning : State::kRepeated;
    return {Verdict::kWait, {}, {}, {}};
  }
  if (once && entry.mark) {
    if (entry.lost) return {Verdict::kGone, {}, FrameKind::kError, kGoneDone};
    return {Verdict::kResend, {}, entry.kind, {}};
  }
  unlink(number);
  if (once || (newer && !entry.mark)) {
    link_youngest(number);
    return {Verdict::kResend, {}, entry.kind, entry.content};
  }
  GATEHOUSE_ASSERT(answered_ > 0 && content_bytes_ >= entry.content.size());
  --answered_;
  content_bytes_ -= static_cast<std::uint32_t>(entry.content.size());
  if (entry.content.capacity() > kReusedBytesMax) std::string().swap(entry.content);
  GATEHOUSE_ASSERT(!entry.mark || marks_ > 0);
  if (std::exchange(entry.mark, false)) --marks_;
  entry.state = State::kRunning;
  ++running_;
  return {Verdict::kRun, {session, conversation_number_}, {}, {}};
}

ReplyWindow::Completed ReplyWindow::complete(RequestTicket ticket, bool ok,
                                             std::string_view content,
                                             std::uint32_t current_version) {
  if (ticket.conversation_number != conversation_number_) return {};
  const std::uint32_t number = find(ticket.session);
  if (number == kNone || entries_[number].state == State::kAnswered) return {};
  if (content.size() > kResponseContentBytesMax) {
    ok = false;
    content = {};
  }
  std::string spare = expire(content.size());
  Entry& entry = entries_[number];  // expire() drops answers only
  GATEHOUSE_ASSERT(entry.session == ticket.session && !entry.mark);
  if (entry.content.capacity() < spare.capacity() && worth_reusing(spare, content.size()))
    entry.content.swap(spare);
  entry.content.assign(content);
  entry.kind = ok ? FrameKind::kOk : FrameKind::kError;
  entry.state = State::kAnswered;
  entry.held = false;
  link_youngest(number);
  GATEHOUSE_ASSERT(running_ > 0);
  --running_;
  ++answered_;
  content_bytes_ += static_cast<std::uint32_t>(content.size());
  GATEHOUSE_ASSERT(answered_ <= count_max_ && marks_ < answered_);
  return {entry.version == current_version, entry.kind, content};
}

void ReplyWindow::hold(RequestTicket ticket) {
  if (ticket.conversation_number != conversation_number_) return;
  const std::uint32_t number = find(ticket.session);
  if (number != kNone && entries_[number].state != State::kAnswered) entries_[number].held = true;
}

void ReplyWindow::restore(std::uint32_t session, std::string_view content) {
  if (content.size() > kResponseContentBytesMax || find(session) != kNone) return;
  expire(content.size());
  const std::uint32_t number = add_answer(session);
  GATEHOUSE_ASSERT(number != kNone && running_ == 0);  // before any request
  entries_[number].content.assign(content);
  content_bytes_ += static_cast<std::uint32_t>(content.size());
  link_youngest(number);
}

void ReplyWindow::restore_mark(std::uint32_t session) {
  if (find(session) != kNone) return;
  expire(0);
  const std::uint32_t number = add_answer(session);
  GATEHOUSE_ASSERT(oldest_kept_ == kEnds);  // marks are older than all else
  entries_[number].mark = entries_[number].lost = true;
  ++marks_;
  link_youngest(number);
}

void ReplyWindow::restore_floor(std::uint32_t floor) {
  floor_ = std::max(floor_, floor);
}

// An answer that is in no list yet, of a version before every connection's.
std::uint32_t ReplyWindow::add_answer(std::uint32_t session) {
  const std::uint32_t number = insert(session);
  Entry& entry = entries_[number];
  entry.version = 0;
  entry.kind = FrameKind::kOk;
  entry.state = State::kAnswered;
  ++answered_;
  GATEHOUSE_ASSERT(answered_ <= count_max_ && running_ + answered_ < size_);
  return number;
}

void ReplyWindow::clear() {
  entries_.reset();
  index_.reset();
  size_ = index_mask_ = free_ = oldest_kept_ = marks_ = running_ = answered_ = 0;
  content_bytes_ = floor_ = 0;
  ++conversation_number_;
}

std::size_t ReplyWindow::heap_bytes() const {
  std::size_t bytes = size_ * sizeof(Entry);
  if (index_) bytes += (std::size_t{index_mask_} + 1) * sizeof(Slot);
  for (std::uint32_t number = 0; number < size_; ++number) {
    const std::size_t capacity = entries_[number].content.capacity();
    if (capacity > kInlineBytes) bytes += capacity + 1;
  }
  return bytes;
}

// Fibonacci hashing: consecutive sessions, which are the rule, spread without collisions.
std::uint32_t ReplyWindow::home(std::uint32_t session) const {
  const std::uint32_t hash = session * 0x9e3779b1u;
  return (hash ^ hash >> 16) & index_mask_;
}

std::uint32_t ReplyWindow::find(std::uint32_t session) const {
  if (!index_) return kNone;
  for (std::uint32_t slot = home(session);; slot = (slot + 1) & index_mask_) {
    const Slot& found = index_[slot];
    if (found.number == kNone || found.session == session) return found.number;
  }
}

// An entry for a session that has none, in the index and in no list.
std::uint32_t ReplyWindow::insert(std::uint32_t session) {
  if (free_ == kNone) grow();
  const std::uint32_t number = free_;
  GATEHOUSE_ASSERT(number != kEnds && number < size_);
  Entry& entry = entries_[number];
  GATEHOUSE_ASSERT(entry.state == State::kFree);
  free_ = entry.next;
  entry.session = session;
  entry.held = entry.mark = entry.lost = false;
  index_entry(number);
  return number;
}

void ReplyWindow::index_entry(std::uint32_t number) {
  GATEHOUSE_ASSERT(number != kEnds && number < size_);
  const std::uint32_t session = entries_[number].session;
  std::uint32_t slot = home(session);
  while (index_[slot].number != kNone) slot = (slot + 1) & index_mask_;
  index_[slot] = {session, number};
}

// Takes the entry out of the index, moving back what was pushed behind it, and frees it.
void ReplyWindow::erase(std::uint32_t number) {
  GATEHOUSE_ASSERT(number != kEnds && entries_[number].state == State::kAnswered);
  std::uint32_t hole = home(entries_[number].session);
  while (index_[hole].number != number) {
    GATEHOUSE_ASSERT(index_[hole].number != kNone);  // it is in the index
    hole = (hole + 1) & index_mask_;
  }
  for (std::uint32_t slot = (hole + 1) & index_mask_; index_[slot].number != kNone;
       slot = (slot + 1) & index_mask_) {
    const std::uint32_t wanted = home(index_[slot].session);
    if (((slot - wanted) & index_mask_) < ((slot - hole) & index_mask_)) continue;
    index_[hole] = index_[slot];
    hole = slot;
  }
  index_[hole] = {};
  entries_[number].state = State::kFree;
  entries_[number].next = free_;
  free_ = number;
}

void ReplyWindow::grow() {
  GATEHOUSE_ASSERT(free_ == kNone);
  const std::size_t old_size = std::max<std::size_t>(size_, 1);
  const std::size_t new_size = old_size + old_size / 2 + 4;
  auto entries = std::make_unique<Entry[]>(new_size);
  std::move(entries_.get(), entries_.get() + size_, entries.get());
  entries_ = std::move(entries);
  size_ = static_cast<std::uint32_t>(new_size);
  const std::size_t slots = std::bit_ceil(new_size * 3 / 2);
  GATEHOUSE_ASSERT(slots > new_size);  // or a search would not end
  if (!index_ || slots > std::size_t{index_mask_} + 1) {
    index_ = std::make_unique<Slot[]>(slots);
    index_mask_ = static_cast<std::uint32_t>(slots - 1);
    for (std::size_t number = 1; number < old_size; ++number)
      index_entry(static_cast<std::uint32_t>(number));
  }
  for (std::size_t number = new_size; number-- > old_size;) {
    entries_[number].next = free_;
    free_ = static_cast<std::uint32_t>(number);
  }
}

void ReplyWindow::link_youngest(std::uint32_t number) {
  GATEHOUSE_ASSERT(number != kEnds && entries_[number].state == State::kAnswered);
  const std::uint32_t youngest = entries_[kEnds].previous;
  GATEHOUSE_ASSERT(entries_[youngest].next == kEnds && youngest != number);
  entries_[number].previous = youngest;
  entries_[number].next = kEnds;
  entries_[youngest].next = number;
  entries_[kEnds].previous = number;
  if (oldest_kept_ == kEnds && !entries_[number].mark) oldest_kept_ = number;
}

void ReplyWindow::unlink(std::uint32_t number) {
  const Entry& entry = entries_[number];
  GATEHOUSE_ASSERT(entries_[entry.previous].next == number);
  GATEHOUSE_ASSERT(entries_[entry.next].previous == number);
  if (oldest_kept_ == number) oldest_kept_ = entry.next;
  entries_[entry.previous].next = entry.next;
  entries_[entry.next].previous = entry.previous;
}

// Makes room for one more answer of this size; returns a buffer of an older one's.
std::string ReplyWindow::expire(std::size_t bytes_needed) {
  std::string spare;
  while (oldest_kept_ != kEnds && content_bytes_ + bytes_needed > bytes_max_)
    spare = drop_oldest_content();
  while (answered_ >= count_max_) {
    if (marks_ == 0) spare = drop_oldest_content();
    forget_oldest_mark();
  }
  GATEHOUSE_ASSERT(answered_ < count_max_ && (answered_ > marks_ || content_bytes_ == 0));
  return spare;
}

// A mark takes its place.
std::string ReplyWindow::drop_oldest_content() {
  Entry& entry = entries_[oldest_kept_];
  GATEHOUSE_ASSERT(oldest_kept_ != kEnds && entry.state == State::kAnswered && !entry.mark);
  GATEHOUSE_ASSERT(content_bytes_ >= entry.content.size());
  content_bytes_ -= static_cast<std::uint32_t>(entry.content.size());
  entry.mark = true;
  entry.lost = !entry.content.empty();
  ++marks_;
  oldest_kept_ = entry.next;
  return std::exchange(entry.content, {});
}

void ReplyWindow::forget_oldest_mark() {
  const std::uint32_t oldest = entries_[kEnds].next;
  GATEHOUSE_ASSERT(oldest != kEnds && entries_[oldest].mark);
  GATEHOUSE_ASSERT(marks_ > 0 && answered_ >= marks_);
  const std::uint32_t session = entries_[oldest].session;
  floor_ = std::max(floor_, session == UINT32_MAX ? session : session + 1);
  --marks_;
  --answered_;
  unlink(oldest);
  erase(oldest);
}

}  // namespace gatehouse::protocol
