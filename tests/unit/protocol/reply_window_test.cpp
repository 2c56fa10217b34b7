#include "protocol/reply_window.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "base/limits.hpp"

namespace gatehouse::protocol {
namespace {

using Verdict = ReplyWindow::Verdict;

constexpr std::uint32_t kCount = 128;
constexpr std::uint32_t kBytes = 256 * 1024;

// Runs and answers a new request at once.
void answer(ReplyWindow& window, std::uint32_t session, std::string_view content,
            std::uint32_t version = 1) {
  const auto begun = window.begin(session, version);
  ASSERT_EQ(begun.verdict, Verdict::kRun) << session;
  EXPECT_TRUE(window.complete(begun.ticket, true, content, version).send);
}

void expect_resend(ReplyWindow& window, std::uint32_t session, std::uint32_t version,
                   std::string_view content, FrameKind kind = FrameKind::kOk) {
  const auto begun = window.begin(session, version);
  ASSERT_EQ(begun.verdict, Verdict::kResend) << session;
  EXPECT_EQ(begun.content, content);
  EXPECT_EQ(begun.kind, kind);
}

TEST(ReplyWindow, Rule1NewSessionRunsAndItsAnswerGoesToTheAsker) {
  ReplyWindow window(kCount, kBytes);
  const auto begun = window.begin(1, 1);
  EXPECT_EQ(begun.verdict, Verdict::kRun);
  EXPECT_EQ(window.running(), 1u);
  const auto done = window.complete(begun.ticket, true, "reply", 1);
  EXPECT_TRUE(done.send);
  EXPECT_EQ(done.kind, FrameKind::kOk);
  EXPECT_EQ(done.content, "reply");
  EXPECT_EQ(window.running(), 0u);
  EXPECT_EQ(window.answered(), 1u);
  EXPECT_EQ(window.content_bytes(), 5u);
}

TEST(ReplyWindow, Rule2AnsweredSessionOfTheSameVersionRunsAgain) {
  ReplyWindow window(kCount, kBytes);
  answer(window, 1, "first");
  answer(window, 1, "second");
  EXPECT_EQ(window.answered(), 1u);
  EXPECT_EQ(window.content_bytes(), 6u);
  expect_resend(window, 1, 2, "second");
  // The repeated request came with version 2: from here the number may be used again.
  EXPECT_EQ(window.begin(1, 2).verdict, Verdict::kRun);
}

TEST(ReplyWindow, Rule3SecondDuplicateOfARunningRequestIsAConflict) {
  ReplyWindow window(kCount, kBytes);
  const auto begun = window.begin(7, 1);
  EXPECT_EQ(window.begin(7, 1).verdict, Verdict::kWait);
  EXPECT_EQ(window.begin(7, 1).verdict, Verdict::kConflict);
  EXPECT_EQ(window.running(), 1u);
  // The connection closed; the request is not lost and does not run twice.
  EXPECT_EQ(window.begin(7, 2).verdict, Verdict::kWait);
  EXPECT_TRUE(window.complete(begun.ticket, true, "once", 2).send);
}

TEST(ReplyWindow, Rule4AnsweredBeforeTheReconnectIsSentAgain) {
  ReplyWindow window(kCount, kBytes);
  answer(window, 1, "cached");
  expect_resend(window, 1, 2, "cached");
  expect_resend(window, 1, 5, "cached");
  EXPECT_EQ(window.answered(), 1u);
}

TEST(ReplyWindow, Rule5RunningRequestAnswersTheNewConnectionOnce) {
  ReplyWindow window(kCount, kBytes);
  const auto begun = window.begin(1, 1);
  EXPECT_EQ(window.begin(1, 2).verdict, Verdict::kWait);
  EXPECT_TRUE(window.complete(begun.ticket, true, "x", 2).send);
  EXPECT_FALSE(window.complete(begun.ticket, true, "x", 2).send);
}

TEST(ReplyWindow, Rule5WithoutARepeatTheAnswerIsKeptNotSent) {
  ReplyWindow window(kCount, kBytes);
  const auto begun = window.begin(1, 1);
  EXPECT_FALSE(window.complete(begun.ticket, true, "x", 2).send);
  expect_resend(window, 1, 2, "x");
  const auto offline = window.begin(2, 2);
  EXPECT_FALSE(window.complete(offline.ticket, true, "y", 0).send);
  expect_resend(window, 2, 3, "y");
}

TEST(ReplyWindow, Rule6CompletionAfterTheNewHandshakeDoesNotRunTwice) {
  ReplyWindow window(kCount, kBytes);
  const auto begun = window.begin(9, 1);
  // The handshake of version 2 happens here; then the handler ends; then the client asks again.
  EXPECT_FALSE(window.complete(begun.ticket, true, "bought", 2).send);
  expect_resend(window, 9, 2, "bought");
}

TEST(ReplyWindow, Rule7AnswersExpireByCountOldestFirst) {
  ReplyWindow window(kCount, kBytes);
  for (std::uint32_t session = 1; session <= kCount + 1; ++session)
    answer(window, session, "r" + std::to_string(session));
  EXPECT_EQ(window.answered(), kCount);
  for (std::uint32_t session = 2; session <= kCount + 1; ++session)
    expect_resend(window, session, 2, "r" + std::to_string(session));
  EXPECT_EQ(window.begin(1, 2).verdict, Verdict::kRun);
}

TEST(ReplyWindow, Rule7SendingAgainMakesAnAnswerYoung) {
  ReplyWindow window(4, kBytes);
  for (std::uint32_t session = 1; session <= 4; ++session) answer(window, session, "x");
  expect_resend(window, 1, 2, "x");
  for (std::uint32_t session = 11; session <= 13; ++session) answer(window, session, "y", 2);
  expect_resend(window, 1, 3, "x");
  EXPECT_EQ(window.begin(2, 3).verdict, Verdict::kRun);
}

TEST(ReplyWindow, Rule7RunningRequestsNeverExpire) {
  ReplyWindow window(4, kBytes);
  const auto begun = window.begin(1, 1);
  for (std::uint32_t session = 2; session <= 1000; ++session) answer(window, session, "x");
  EXPECT_EQ(window.begin(1, 2).verdict, Verdict::kWait);
  EXPECT_TRUE(window.complete(begun.ticket, true, "late", 2).send);
  expect_resend(window, 1, 3, "late");
}

TEST(ReplyWindow, Design6BytesBound) {
  ReplyWindow window(kCount, 100);
  answer(window, 1, std::string(40, 'a'));
  answer(window, 2, std::string(60, 'b'));
  EXPECT_EQ(window.content_bytes(), 100u);
  answer(window, 3, "c");
  EXPECT_EQ(window.answered(), 2u);
  EXPECT_EQ(window.content_bytes(), 61u);
  answer(window, 4, std::string(5000, 'd'));  // the youngest always lives
  EXPECT_EQ(window.answered(), 1u);
  expect_resend(window, 4, 2, std::string(5000, 'd'));
  answer(window, 5, "", 2);
  EXPECT_EQ(window.answered(), 1u);
  expect_resend(window, 5, 3, "");
}

TEST(ReplyWindow, Design6MemoryFollowsTheBytesBound) {
  ReplyWindow window(kCount, kBytes);
  for (std::uint32_t session = 1; session <= 3000; ++session)
    answer(window, session, std::string(session % 7 == 0 ? kResponseContentBytesMax : 3, 'x'));
  EXPECT_LE(window.content_bytes(), kBytes);
  EXPECT_LE(window.heap_bytes(), 2 * kBytes);
  for (std::uint32_t session = 3001; session <= 3400; ++session) answer(window, session, "x");
  EXPECT_LE(window.heap_bytes(), 64u * 1024);
}

TEST(ReplyWindow, Rule8OversizedAnswerBecomesAnErrorAndTheSessionLives) {
  ReplyWindow window(kCount, kBytes);
  const auto begun = window.begin(1, 1);
  const auto done =
      window.complete(begun.ticket, true, std::string(kResponseContentBytesMax + 1, 'x'), 1);
  EXPECT_TRUE(done.send);
  EXPECT_EQ(done.kind, FrameKind::kError);
  EXPECT_EQ(done.content, "");
  expect_resend(window, 1, 2, "", FrameKind::kError);
  answer(window, 1, std::string(kResponseContentBytesMax, 'x'), 2);
}

TEST(ReplyWindow, Rule9FailedRequestIsRemembered) {
  ReplyWindow window(kCount, kBytes);
  const auto begun = window.begin(1, 1);
  const auto done = window.complete(begun.ticket, false, "", 1);
  EXPECT_TRUE(done.send);
  EXPECT_EQ(done.kind, FrameKind::kError);
  expect_resend(window, 1, 2, "", FrameKind::kError);
}

TEST(ReplyWindow, ARequestOfAReplacedConnectionChangesNothing) {
  ReplyWindow window(kCount, kBytes);
  const auto begun = window.begin(1, 2);
  EXPECT_EQ(window.begin(1, 1).verdict, Verdict::kWait);
  EXPECT_TRUE(window.complete(begun.ticket, true, "x", 2).send);
  EXPECT_EQ(window.begin(1, 1).verdict, Verdict::kWait);
  expect_resend(window, 1, 3, "x");
}

TEST(ReplyWindow, Design6ANewConversationKnowsNothingOfTheOld) {
  ReplyWindow window(kCount, kBytes);
  answer(window, 1, "old");
  const auto old = window.begin(2, 1);
  window.clear();
  EXPECT_EQ(window.heap_bytes(), 0u);
  EXPECT_EQ(window.running(), 0u);
  const auto begun = window.begin(2, 2);
  EXPECT_EQ(begun.verdict, Verdict::kRun);
  // The old conversation's request ends now: its answer is not the new one's.
  EXPECT_FALSE(window.complete(old.ticket, true, "old", 2).send);
  EXPECT_EQ(window.begin(2, 2).verdict, Verdict::kWait);
  EXPECT_TRUE(window.complete(begun.ticket, true, "new", 2).send);
  EXPECT_EQ(window.begin(1, 3).verdict, Verdict::kRun);
}

TEST(ReplyWindow, AnyNumberIsASession) {
  ReplyWindow window(kCount, kBytes);
  for (const std::uint32_t session : {0u, 1u, 0x7fffffffu, 0x80000000u, 0xfffffffeu, 0xffffffffu})
    answer(window, session, std::to_string(session));
  for (const std::uint32_t session : {0u, 1u, 0x7fffffffu, 0x80000000u, 0xfffffffeu, 0xffffffffu})
    expect_resend(window, session, 2, std::to_string(session));
}

TEST(ReplyWindow, AnIdlePlayerIsSmall) {
  ReplyWindow window(kCount, kBytes);
  EXPECT_EQ(window.heap_bytes(), 0u);
  for (std::uint32_t session = 1; session <= 4; ++session)
    answer(window, session, std::string(64, 'x'));
  EXPECT_LT(sizeof window + window.heap_bytes(), 1000u);
}

TEST(ReplyWindow, ACountOfZeroIsOne) {
  ReplyWindow window(0, 0);
  answer(window, 1, "a");
  expect_resend(window, 1, 2, "a");
  answer(window, 2, "b", 2);
  EXPECT_EQ(window.answered(), 1u);
}

// --- In a conversation

ReplyWindow::Begun ask(ReplyWindow& window, std::uint32_t session, std::uint32_t version = 1) {
  return window.begin(session, version, Counting::kConversation);
}

void answer_once(ReplyWindow& window, std::uint32_t session, std::string_view content) {
  const auto begun = ask(window, session);
  ASSERT_EQ(begun.verdict, Verdict::kRun) << session;
  EXPECT_TRUE(window.complete(begun.ticket, true, content, 1).send);
}

void expect_gone(ReplyWindow& window, std::uint32_t session, std::string_view content) {
  const auto begun = ask(window, session, 2);
  ASSERT_EQ(begun.verdict, Verdict::kGone) << session;
  EXPECT_EQ(begun.kind, FrameKind::kError);
  EXPECT_EQ(begun.content, content);
}

TEST(ReplyWindow, InAConversationANumberIsAnsweredAgainOnTheSameConnection) {
  ReplyWindow window(kCount, kBytes);
  answer_once(window, 1, "once");
  for (int i = 0; i < 3; ++i) {
    const auto begun = ask(window, 1);
    ASSERT_EQ(begun.verdict, Verdict::kResend);
    EXPECT_EQ(begun.content, "once");
  }
}

TEST(ReplyWindow, InAConversationEveryDuplicateOfARunningRequestWaits) {
  ReplyWindow window(kCount, kBytes);
  const auto begun = ask(window, 1);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ask(window, 1).verdict, Verdict::kWait);
  EXPECT_TRUE(window.complete(begun.ticket, true, "x", 1).send);
}

TEST(ReplyWindow, InAConversationWhatIsForgottenIsRefused) {
  ReplyWindow window(2, kBytes);
  EXPECT_EQ(window.floor(), 0u);
  for (const std::uint32_t session : {5u, 9u, 7u}) answer_once(window, session, "x");
  EXPECT_EQ(window.floor(), 6u);
  answer_once(window, 8, "x");
  EXPECT_EQ(window.floor(), 10u);
  for (const std::uint32_t session : {0u, 5u, 6u, 9u}) expect_gone(window, session, kGoneForgotten);
  EXPECT_EQ(ask(window, 7, 2).verdict, Verdict::kResend) << "below, but remembered";
  EXPECT_EQ(ask(window, 10, 2).verdict, Verdict::kRun);
  EXPECT_EQ(window.begin(5, 2).verdict, Verdict::kRun) << "skynet's rule";
  window.clear();
  EXPECT_EQ(ask(window, 5, 3).verdict, Verdict::kRun);
}

TEST(ReplyWindow, InAConversationAMarkStaysOfWhatIsTooBigToKeep) {
  ReplyWindow window(4, 100);
  answer_once(window, 1, std::string(60, 'a'));
  answer_once(window, 2, "");
  answer_once(window, 3, std::string(90, 'c'));
  EXPECT_EQ(window.answered(), 2u);
  expect_gone(window, 1, kGoneDone);
  EXPECT_EQ(ask(window, 2, 2).verdict, Verdict::kResend) << "there is nothing of it to lose";
  EXPECT_EQ(ask(window, 3, 2).content.size(), 90u);
  EXPECT_EQ(window.begin(1, 3).verdict, Verdict::kRun) << "skynet's rule";
}

TEST(ReplyWindow, WhatAnEarlierLifeKnewComesBack) {
  ReplyWindow window(3, kBytes);
  window.restore_floor(50);
  window.restore_mark(10);
  window.restore(11, "eleven");
  expect_gone(window, 10, kGoneDone);
  expect_gone(window, 12, kGoneForgotten);
  EXPECT_EQ(ask(window, 11).content, "eleven");
  EXPECT_EQ(ask(window, 50).verdict, Verdict::kRun);
  EXPECT_TRUE(window.knows(49, Counting::kConversation));
  EXPECT_FALSE(window.knows(49, Counting::kSkynet));
}

TEST(ReplyWindow, AHeldRequestIsNotAmongThoseThatFail) {
  ReplyWindow window(kCount, kBytes);
  const auto held = ask(window, 1);
  static_cast<void>(ask(window, 2));
  window.hold(held.ticket);
  std::vector<std::uint32_t> failing;
  window.each_running([&](RequestTicket ticket) { failing.push_back(ticket.session); });
  EXPECT_EQ(failing, std::vector<std::uint32_t>{2});
  EXPECT_TRUE(window.complete(held.ticket, true, "x", 1).send);
}

}  // namespace
}  // namespace gatehouse::protocol
