// The reply window against the shortest implementation of docs/protocol.md 3.11 that could be
// written.
#include <gtest/gtest.h>

#include <list>
#include <map>
#include <random>

#include "base/limits.hpp"
#include "protocol/reply_window.hpp"

namespace gatehouse::protocol {
namespace {

using Verdict = ReplyWindow::Verdict;

class Model {
 public:
  Model(std::size_t count_max, std::size_t bytes_max)
      : count_max_(std::max<std::size_t>(count_max, 1)), bytes_max_(bytes_max) {}

  struct Entry {
    std::uint32_t version = 0;
    bool answered = false;
    int duplicates = 0;
    bool ok = false;
    std::string content;
  };

  Verdict begin(std::uint32_t session, std::uint32_t version) {
    const auto it = entries_.find(session);
    if (it == entries_.end()) {
      entries_[session].version = version;
      return Verdict::kRun;
    }
    Entry& entry = it->second;
    if (version < entry.version) return Verdict::kWait;
    const bool newer = version > entry.version;
    entry.version = version;
    if (!entry.answered) {
      if (newer)
        entry.duplicates = 0;
      else if (++entry.duplicates > 1)
        return Verdict::kConflict;
      return Verdict::kWait;
    }
    order_.remove(session);
    if (newer) {
      order_.push_back(session);
      return Verdict::kResend;
    }
    entry = Entry{};
    entry.version = version;
    return Verdict::kRun;
  }

  // The version that asked last.
  std::uint32_t complete(std::uint32_t session, bool ok, std::string content) {
    while (!order_.empty() &&
           (order_.size() >= count_max_ || bytes() + content.size() > bytes_max_)) {
      entries_.erase(order_.front());
      order_.pop_front();
    }
    Entry& entry = entries_.at(session);
    entry.answered = true;
    entry.ok = ok;
    entry.content = std::move(content);
    order_.push_back(session);
    return entry.version;
  }

  [[nodiscard]] const Entry& at(std::uint32_t session) const { return entries_.at(session); }
  [[nodiscard]] std::size_t answered() const { return order_.size(); }
  [[nodiscard]] std::size_t running() const { return entries_.size() - order_.size(); }
  [[nodiscard]] std::size_t bytes() const {
    std::size_t sum = 0;
    for (const std::uint32_t session : order_) sum += entries_.at(session).content.size();
    return sum;
  }

 private:
  std::size_t count_max_, bytes_max_;
  std::map<std::uint32_t, Entry> entries_;
  std::list<std::uint32_t> order_;
};

// One life of a window: requests, answers, reconnects and new conversations in random order.
class Life {
 public:
  explicit Life(unsigned seed)
      : random_(seed),
        count_max_(pick(12)),
        bytes_max_(pick(2) == 0 ? 300 : 100'000),
        sessions_(1 + pick(40)),
        window_(count_max_, bytes_max_),
        model_(count_max_, bytes_max_) {}

  void run(int steps) {
    for (int step = 0; step < steps && !::testing::Test::HasFatalFailure(); ++step) {
      const std::uint32_t act = pick(100);
      if (act < 50)
        request();
      else if (act < 90)
        finish();
      else if (act < 99)
        ++version_;
      else
        restart();
      check();
    }
  }

 private:
  struct Running {
    RequestTicket ticket;
    std::uint32_t conversation = 0;
  };

  std::uint32_t pick(std::uint32_t below) { return static_cast<std::uint32_t>(random_() % below); }

  void request() {
    // Half of the sessions lie at the end of the range, so that places of the index collide.
    const std::uint32_t session = pick(2) == 0 ? pick(sessions_) : 0u - 1 - pick(sessions_) * 64;
    const std::uint32_t version = pick(20) == 0 && version_ > 1 ? version_ - 1 : version_;
    const auto begun = window_.begin(session, version);
    ASSERT_EQ(begun.verdict, model_.begin(session, version)) << session;
    if (begun.verdict == Verdict::kRun) running_.push_back({begun.ticket, conversation_});
    if (begun.verdict != Verdict::kResend) return;
    ASSERT_EQ(begun.content, model_.at(session).content);
    ASSERT_EQ(begun.kind, model_.at(session).ok ? FrameKind::kOk : FrameKind::kError);
  }

  void finish() {
    if (running_.empty()) return;
    const std::size_t place = pick(static_cast<std::uint32_t>(running_.size()));
    const Running request = running_[place];
    running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(place));
    const std::size_t size = pick(30) == 0   ? kResponseContentBytesMax + pick(2)
                             : pick(10) == 0 ? pick(2000)
                                             : pick(70);
    const std::string content(size, static_cast<char>('a' + pick(26)));
    const bool ok = pick(5) != 0;
    const std::uint32_t current = pick(4) == 0 ? 0 : version_;
    const auto done = window_.complete(request.ticket, ok, content, current);
    if (request.conversation != conversation_) {
      ASSERT_FALSE(done.send);
      return;
    }
    const bool fits = content.size() <= kResponseContentBytesMax;
    const auto asked =
        model_.complete(request.ticket.session, ok && fits, fits ? content : std::string());
    ASSERT_EQ(done.send, asked == current);
    ASSERT_EQ(done.content, fits ? content : std::string());
    ASSERT_EQ(done.kind, ok && fits ? FrameKind::kOk : FrameKind::kError);
  }

  void restart() {
    window_.clear();
    model_ = Model(count_max_, bytes_max_);
    ++conversation_;
  }

  void check() {
    ASSERT_EQ(window_.answered(), model_.answered());
    ASSERT_EQ(window_.running(), model_.running());
    ASSERT_EQ(window_.content_bytes(), model_.bytes());
  }

  std::mt19937 random_;
  std::uint32_t count_max_, bytes_max_, sessions_;
  ReplyWindow window_;
  Model model_;
  std::uint32_t version_ = 1;
  std::uint32_t conversation_ = 0;
  std::vector<Running> running_;
};

TEST(ReplyWindowModel, RandomLivesAgree) {
  for (unsigned seed = 1; seed <= 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Life life(seed);
    life.run(600);
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace gatehouse::protocol
