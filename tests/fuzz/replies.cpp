// What a client can do with the numbers of its requests, over several connections and
// conversations: the window holds its bounds, and a number that runs in a conversation ran never
// before.
#include <map>
#include <set>

#include "fuzz.hpp"
#include "protocol/reply_window.hpp"

namespace gatehouse::protocol {

namespace {

class Replies {
 public:
  explicit Replies(fuzz::Input& choices)
      : count_max_(1 + choices.byte() % 8),
        bytes_max_(choices.byte()),
        counting_(choices.byte() % 2 == 0 ? Counting::kSkynet : Counting::kConversation),
        window_(count_max_, bytes_max_) {}

  void step(fuzz::Input& choices) {
    switch (choices.byte() % 8) {
      default:
        ask(choices.byte() % 24);
        break;
      case 4:
      case 5:
        answer(choices);
        break;
      case 6:
        ++version_;
        break;
      case 7:
        if (choices.byte() % 8 == 0) clear();
        break;
    }
    GATEHOUSE_ASSERT(window_.running() == running_.size());
    GATEHOUSE_ASSERT(window_.answered() <= count_max_);
    // The youngest content is kept even when it is over the bound alone.
    GATEHOUSE_ASSERT(window_.content_bytes() <= std::max<std::size_t>(bytes_max_, largest_));
  }

 private:
  void ask(std::uint32_t session) {
    using Verdict = ReplyWindow::Verdict;
    const auto begun = window_.begin(session, version_, counting_);
    if (begun.verdict == Verdict::kRun) {
      GATEHOUSE_ASSERT(begun.ticket.session == session && !running_.contains(session));
      if (counting_ == Counting::kConversation) GATEHOUSE_ASSERT(ran_.insert(session).second);
      running_.emplace(session, begun.ticket);
    } else if (begun.verdict == Verdict::kResend) {
      GATEHOUSE_ASSERT(!running_.contains(session));
      GATEHOUSE_ASSERT(begun.content.empty() || begun.content == contents_[session]);
    } else if (begun.verdict == Verdict::kGone) {
      GATEHOUSE_ASSERT(counting_ == Counting::kConversation && !running_.contains(session));
    } else {
      GATEHOUSE_ASSERT(running_.contains(session));
    }
  }

  void answer(fuzz::Input& choices) {
    if (running_.empty()) return;
    const auto it =
        std::next(running_.begin(), static_cast<std::ptrdiff_t>(choices.below(running_.size())));
    const std::string content(choices.byte() % 64, static_cast<char>('a' + choices.byte() % 26));
    largest_ = std::max(largest_, content.size());
    const auto done = window_.complete(it->second, true, content, version_);
    GATEHOUSE_ASSERT(done.content == content);
    GATEHOUSE_ASSERT(!window_.complete(it->second, true, content, version_).send);
    contents_[it->first] = content;
    running_.erase(it);
  }

  void clear() {
    const auto old = running_;
    window_.clear();
    running_.clear();
    ran_.clear();
    contents_.clear();
    GATEHOUSE_ASSERT(window_.heap_bytes() == 0 && window_.floor() == 0);
    for (const auto& [session, ticket] : old)
      GATEHOUSE_ASSERT(!window_.complete(ticket, true, "late", version_).send);
  }

  const std::uint32_t count_max_;
  const std::uint32_t bytes_max_;
  const Counting counting_;
  ReplyWindow window_;
  std::uint32_t version_ = 1;
  std::size_t largest_ = 0;
  std::map<std::uint32_t, RequestTicket> running_;
  std::map<std::uint32_t, std::string> contents_;
  std::set<std::uint32_t> ran_;
};

}  // namespace

FUZZ_TARGET(replies) {
  fuzz::Input choices(input);
  Replies replies(choices);
  while (!choices.empty()) replies.step(choices);
}

}  // namespace gatehouse::protocol
