#include "protocol/ws_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/bytes.hpp"
#include "base/limits.hpp"
#include "protocol/frame.hpp"
#include "ws_cases.hpp"

namespace gatehouse::protocol {
namespace {

using test::ws_binary;
using test::ws_close;
using test::ws_frame;
using test::ws_more;
using test::ws_ping;
using test::ws_received;
using test::ws_text;
using test::WsCase;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr WsReader::Limits kWide{kFrameBytesMax, kFrameBytesMax};

// A reader with what it said so far.
struct Fed {
  explicit Fed(WsFraming framing = WsFraming::kFrames, WsReader::Limits limits = kWide)
      : reader(framing, limits) {}

  WsReader::Status feed(std::string_view bytes) { return reader.feed(bytes, plain, answers); }
  // In pieces of so many bytes.
  WsReader::Status feed(std::string_view bytes, std::size_t piece) {
    auto status = WsReader::Status::kOpen;
    for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size())))
      status = feed(bytes.substr(0, piece));
    return status;
  }
  std::vector<std::string> messages() const {
    std::vector<std::string> found;
    FrameReader frames(kFrameBytesMax);
    frames.feed(plain, [&](std::string_view body) {
      found.emplace_back(body);
      return true;
    });
    return found;
  }
  std::vector<std::string> pongs() const {
    std::vector<std::string> found;
    for (const auto& frame : ws_received(answers)) {
      EXPECT_EQ(frame.opcode, 10);
      found.push_back(frame.payload);
    }
    return found;
  }

  WsReader reader;
  std::string plain, answers;
};

TEST(WsReaderTest, DoesWhatAutobahnAsksHoweverItIsCut) {
  for (const WsCase& wanted : test::all_ws_cases()) {
    for (const std::size_t piece :
         {std::size_t{1}, std::size_t{2}, std::size_t{5}, std::size_t{997}, wanted.sent.size()}) {
      SCOPED_TRACE(wanted.number + " in pieces of " + std::to_string(piece));
      Fed fed;
      const auto status = fed.feed(wanted.sent, piece);
      EXPECT_EQ(fed.messages(), wanted.messages);
      EXPECT_EQ(fed.pongs(), wanted.pongs);
      if (wanted.code == WsCase::kOpen) {
        EXPECT_EQ(status, WsReader::Status::kOpen);
        EXPECT_EQ(fed.reader.heap_bytes(), 0u) << "between messages it holds nothing";
      } else {
        EXPECT_NE(status, WsReader::Status::kOpen);
        EXPECT_EQ(fed.reader.code(), wanted.code);
      }
    }
  }
}

TEST(WsReaderTest, SaysTheSameWhereverItIsCutInTwo) {
  const std::string sent = ws_text("one") + ws_binary("two", false) + ws_ping("p") +
                           ws_more("three", true) + ws_binary(std::string(300, 'x')) +
                           ws_close(1000, "\xe4\xb8\xa5");
  Fed whole;
  EXPECT_EQ(whole.feed(sent), WsReader::Status::kPeerCloses);
  EXPECT_THAT(whole.messages(), ElementsAre("one", "twothree", std::string(300, 'x')));
  for (std::size_t cut = 0; cut <= sent.size(); ++cut) {
    Fed fed;
    fed.feed(std::string_view(sent).substr(0, cut));
    EXPECT_EQ(fed.feed(std::string_view(sent).substr(cut)), WsReader::Status::kPeerCloses) << cut;
    EXPECT_EQ(fed.plain, whole.plain) << cut;
    EXPECT_EQ(fed.answers, whole.answers) << cut;
    EXPECT_EQ(fed.reader.code(), 1000) << cut;
  }
}

TEST(WsReaderTest, GivesOutWhatHasArrivedOfAMessageInOneFrame) {
  Fed fed;
  const std::string sent = ws_binary("0123456789");
  fed.feed(std::string_view(sent).substr(0, sent.size() - 4));
  EXPECT_EQ(fed.plain, std::string("\0\x0a", 2) + "012345");
  EXPECT_EQ(fed.reader.heap_bytes(), 0u) << "the protocol above has it";
  fed.feed(std::string_view(sent).substr(sent.size() - 4));
  EXPECT_THAT(fed.messages(), ElementsAre("0123456789"));
  EXPECT_EQ(fed.reader.heap_bytes(), 0u);
}

TEST(WsReaderTest, HasATighterLimitForTheFirstMessage) {
  constexpr WsReader::Limits kTight{10, 20};
  Fed fits(WsFraming::kFrames, kTight);
  EXPECT_EQ(fits.feed(ws_binary(std::string(10, 'a')) + ws_binary(std::string(20, 'b'))),
            WsReader::Status::kOpen);
  for (const std::string& sent :
       {ws_binary(std::string(11, 'a')), ws_binary("123456", false) + ws_more("78901", true),
        ws_binary("a") + ws_binary(std::string(21, 'b')),
        ws_binary("a") + ws_binary(std::string(20, 'b'), false) + ws_more("c")}) {
    Fed fed(WsFraming::kFrames, kTight);
    EXPECT_EQ(fed.feed(sent), WsReader::Status::kBroken);
    EXPECT_EQ(fed.reader.code(), kWsTooBig);
    EXPECT_EQ(fed.reader.heap_bytes(), 0u);
  }
}

TEST(WsReaderTest, MakesALineOfAMessage) {
  Fed fed(WsFraming::kLines);
  fed.feed(ws_text("one") + ws_text("two\n") + ws_text("th", false) + ws_more("r\r\n") +
           ws_more("", true) + ws_binary("four") + ws_text(""));
  EXPECT_EQ(fed.plain, "one\ntwo\nthr\r\nfour\n\n");
}

TEST(WsReaderTest, CountsMessagesAndTheFramesThatEndNone) {
  Fed fed;
  fed.feed(ws_text("a") + ws_ping("") + ws_frame(10, "") + ws_text("b", false) + ws_more("") +
           ws_more("", true));
  const auto counts = fed.reader.take_counts();
  EXPECT_EQ(counts.messages, 2u);
  EXPECT_EQ(counts.other_frames, 4u);
  EXPECT_EQ(fed.reader.take_counts().other_frames, 0u);
}

TEST(WsReaderTest, IgnoresWhatFollowsTheEnd) {
  Fed fed;
  EXPECT_EQ(fed.feed(ws_close(4000)), WsReader::Status::kPeerCloses);
  EXPECT_EQ(fed.feed(ws_text("more") + "garbage"), WsReader::Status::kPeerCloses);
  EXPECT_THAT(fed.messages(), IsEmpty());
  Fed broken;
  EXPECT_EQ(broken.feed(std::string(kWsHeadBytesMax, '\x7f')), WsReader::Status::kBroken);
  EXPECT_NE(broken.reader.reason(), "");
  EXPECT_EQ(broken.feed(ws_text("more")), WsReader::Status::kBroken);
}

TEST(WsWriterTest, WritesAMessageForEachFrameAndLine) {
  std::string wire;
  EXPECT_EQ(append_ws_messages(wire, WsFraming::kLines, "one\n\ntwo\n"), 3u);
  EXPECT_THAT(ws_received(wire), ElementsAre(test::WsReceived{1, "one"}, test::WsReceived{1, ""},
                                             test::WsReceived{1, "two"}));
  wire.clear();
  std::string frames;
  std::vector<test::WsReceived> wanted;
  for (const std::size_t size : {0, 1, 125, 126, 127, 65'535}) {
    const std::string body(size, 'b');
    ASSERT_TRUE(append_frame(frames, body));
    wanted.push_back({2, body});
  }
  EXPECT_EQ(append_ws_messages(wire, WsFraming::kFrames, frames), wanted.size());
  EXPECT_EQ(ws_received(wire), wanted);
}

TEST(WsWriterTest, CutsTheReasonBetweenCharacters) {
  std::string wire;
  append_ws_close(wire, 1001, "the server stops");
  append_ws_close(wire, kWsNoCode, "not said");
  std::string characters;
  for (int i = 0; i < 60; ++i) characters += "\xe4\xb8\xa5";
  append_ws_close(wire, 4403, characters);
  const auto frames = ws_received(wire);
  ASSERT_EQ(frames.size(), 3u);
  EXPECT_EQ(frames[0].payload, test::ws_code(1001) + "the server stops");
  EXPECT_EQ(frames[1].payload, "");
  EXPECT_EQ(frames[2].payload, test::ws_code(4403) + characters.substr(0, 123));
}

}  // namespace
}  // namespace gatehouse::protocol
