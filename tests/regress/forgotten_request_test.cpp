// What is older than the memory of it ran again. Random lives of a player, with reconnects, new
// logins, other devices, crashes and saves whose outcome is not known, against the one rule: the
// effect of a number is there once at most, and once for good when a commit was acknowledged.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "game/conversations.hpp"
#include "protocol/reply_window.hpp"

namespace gatehouse {
namespace {

using game::Conversations;
using protocol::Counting;
using protocol::ReplyWindow;
using protocol::RequestTicket;
using Verdict = ReplyWindow::Verdict;

using Number = std::pair<std::string, std::uint32_t>;  // conversation and session

// What the store has: data and replies, written together.
struct Stored {
  std::map<Number, int> effects;
  std::string replies;
};

class Life {
 public:
  explicit Life(unsigned seed)
      : random_(seed), window_max_(1 + pick(8)), bytes_max_(pick(2) == 0 ? 60 : 10'000) {
    log_in();
  }

  void run(int steps) {
    for (int step = 0; step < steps && !::testing::Test::HasFatalFailure(); ++step) act();
  }

 private:
  struct Running {
    Number number;
    RequestTicket ticket;
    std::string content;
    [[nodiscard]] bool commits() const { return number.second % 2 == 0; }
  };
  // One device: its conversation, the next number, and what it has no answer to.
  struct Device {
    std::string name;
    std::uint32_t next = 1;
    std::set<std::uint32_t> unanswered;
  };

  std::uint32_t pick(std::uint32_t below) { return static_cast<std::uint32_t>(random_() % below); }
  Device& device() { return devices_[current_]; }

  void act() {
    const std::uint32_t what = pick(100);
    if (what < 35) {
      if (device().unanswered.size() < window_max_) send(device().next++);
    } else if (what < 50) {
      repeat();
    } else if (what < 80) {
      complete();
    } else if (what < 85) {
      save(pick(3) != 0);
    } else if (what < 93) {
      connect();
    } else if (what < 96) {
      current_ = pick(static_cast<std::uint32_t>(devices_.size()));
      connect();
    } else if (what < 98) {
      save(true);  // a logout
      log_in();
    } else {
      log_in();  // a crash
    }
  }

  // A new agent with what the store has.
  void log_in() {
    window_ = std::make_unique<ReplyWindow>(window_max_, bytes_max_);
    running_.clear();
    effects_ = store_.effects;
    known_ = std::make_unique<Conversations>(window_max_);
    if (!store_.replies.empty()) {
      auto decoded = Conversations::decode(store_.replies, window_max_);
      ASSERT_TRUE(decoded);
      *known_ = std::move(*decoded);
    }
    conversation_.clear();
    connect();
  }

  // The device asks again for all that it has no answer to, before anything new.
  void connect() {
    ++version_;
    if (conversation_ != device().name) {
      conversation_ = device().name;
      window_->clear();
      const auto& known = known_->enter(conversation_, window_->conversation_number());
      window_->restore_floor(std::max(known.floor, known.accepted));
      for (const auto& reply : known.replies)
        if (!reply.kept) window_->restore_mark(reply.session);
      for (const auto& reply : known.replies)
        if (reply.kept) window_->restore(reply.session, reply.content);
    }
    const std::set<std::uint32_t> again = device().unanswered;
    for (const std::uint32_t session : again) send(session);
  }

  void repeat() {
    if (device().next == 1) return;
    send(1 + pick(device().next - 1));  // also what was answered long ago
  }

  void send(std::uint32_t session) {
    const bool known = window_->knows(session, Counting::kConversation);
    if (!known && window_->running() >= window_->count_max()) return;  // it is held back
    device().unanswered.insert(session);
    const auto begun = window_->begin(session, version_, Counting::kConversation);
    const Number number{conversation_, session};
    if (begun.verdict == Verdict::kRun) {
      known_->accept(begun.ticket);
      known_->start(begun.ticket);
      ASSERT_EQ(++effects_[number], 1) << number.first << ' ' << session << " runs again";
      const std::string content(pick(30), static_cast<char>('a' + pick(26)));
      running_.push_back({number, begun.ticket, content});
    } else if (begun.verdict == Verdict::kResend) {
      answered(number, std::string(begun.content));
    } else if (begun.verdict == Verdict::kGone) {
      device().unanswered.erase(session);
    } else {
      ASSERT_EQ(begun.verdict, Verdict::kWait);
    }
  }

  void answered(const Number& number, const std::string& content) {
    device().unanswered.erase(number.second);
    const auto [it, fresh] = replies_.try_emplace(number, content);
    // What did not commit may have been lost with the memory, and have run anew since.
    if (!committed_.contains(number)) return;
    EXPECT_TRUE(fresh || it->second == content) << it->second << " then " << content;
    EXPECT_EQ(store_.effects[number], 1);
  }

  void complete() {
    if (running_.empty()) return;
    const std::size_t place = pick(static_cast<std::uint32_t>(running_.size()));
    const Running request = running_[place];
    if (request.commits()) {
      known_->add(request.ticket, request.content);
      if (!save(pick(3) != 0)) return;  // not known: it stays running, and is tried again
      committed_.insert(request.number);
    }
    running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(place));
    const auto done = window_->complete(request.ticket, true, request.content, version_);
    if (!done.send || request.number.first != conversation_) return;
    answered(request.number, request.content);
  }

  // False: the store does not tell, whether or not it did it.
  bool save(bool tells) {
    if (tells || pick(2) == 0) store_ = {effects_, known_->encode()};
    for (const Number& number : committed_) EXPECT_EQ(store_.effects[number], 1) << number.second;
    return tells;
  }

  std::mt19937 random_;
  std::uint32_t window_max_, bytes_max_;
  Stored store_;
  std::map<Number, int> effects_;  // in memory
  std::unique_ptr<ReplyWindow> window_;
  std::unique_ptr<Conversations> known_;
  std::vector<Running> running_;
  std::vector<Device> devices_ = {{"phone", 1, {}}, {"tablet", 1, {}}, {"desk", 1, {}}};
  std::size_t current_ = 0;
  std::string conversation_;
  std::uint32_t version_ = 0;
  std::map<Number, std::string> replies_;
  std::set<Number> committed_;
};

TEST(ForgottenRequest, RandomLivesRunNoNumberTwice) {
  for (unsigned seed = 1; seed <= 400; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Life life(seed);
    life.run(500);
    if (HasFailure()) return;
  }
}

Conversations decoded(std::string_view stored, std::uint32_t count_max) {
  auto read = Conversations::decode(stored, count_max);
  EXPECT_TRUE(read);
  return read ? std::move(*read) : Conversations(count_max);
}

TEST(ForgottenRequest, WhatIsStoredComesBack) {
  Conversations known(4);
  known.enter("phone", 1);
  for (std::uint32_t n = 1; n <= 6; ++n) known.add({n, 1}, "r" + std::to_string(n));
  known.enter("tablet", 2);
  known.start({4'000'000'000, 2});
  known.add({7, 1}, "of the phone");
  const Conversations back = decoded(known.encode(), 4);
  ASSERT_EQ(back.all().size(), 2u);
  const auto& phone = back.all()[0];
  EXPECT_EQ(phone.name, "phone");
  EXPECT_EQ(phone.floor, 8u);
  ASSERT_EQ(phone.replies.size(), 4u);
  EXPECT_EQ(phone.replies[0].session, 4u);
  EXPECT_EQ(phone.replies[3].content, "of the phone");
  EXPECT_EQ(back.all()[1].floor, 4'000'000'001u);
}

TEST(ForgottenRequest, AMarkStaysOfWhatIsTooBig) {
  Conversations known(16);
  known.enter("a", 0);
  for (std::uint32_t n = 1; n <= 5; ++n) known.add({n, 0}, std::string(30'000, 'x'));
  const std::string stored = known.encode();
  EXPECT_LE(stored.size(), Conversations::kBytesMax + 100);
  const Conversations read = decoded(stored, 16);
  const auto& replies = read.all()[0].replies;
  ASSERT_EQ(replies.size(), 5u);
  EXPECT_FALSE(replies[2].kept);
  EXPECT_TRUE(replies[3].kept);
  EXPECT_EQ(replies[4].content.size(), 30'000u);
}

TEST(ForgottenRequest, TheFormBeforeIsRead) {
  using namespace std::string_literals;
  const auto known = decoded("\1\4shop\0\0\0\7\0\0\0\2ok"s, 8);
  ASSERT_EQ(known.all().size(), 1u);
  EXPECT_EQ(known.all()[0].name, "shop");
  EXPECT_EQ(known.all()[0].replies[0].content, "ok");
  for (const std::string& wrong : {""s, "\3"s, "\1\5shop"s, "\2\1a"s, "\2\1a\0\1"s,
                                   "\2\1a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"s})
    EXPECT_FALSE(Conversations::decode(wrong, 8)) << wrong.size();
}

}  // namespace
}  // namespace gatehouse
