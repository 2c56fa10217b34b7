// docs/protocol.md 3.19.
#include "protocol/sealed_frames.hpp"

#include <gtest/gtest.h>

#include "protocol/frame.hpp"
#include "protocol/gate_handshake.hpp"
#include "vectors.hpp"

namespace gatehouse::protocol {
namespace {

class SealedFramesTest : public testing::Test {
 protected:
  // What a client of the case sends, in the order of its frames.
  std::vector<std::string> sent() const {
    std::vector<std::string> bodies;
    for (const auto& frame : case_["frames"]["c2s"])
      bodies.push_back(unhex(text_of(frame["sealed"])));
    return bodies;
  }
  std::string body(std::size_t number) const {
    return unhex(text_of(case_["frames"]["c2s"][number]["body"]));
  }

  std::unique_ptr<Sealer> sealer_ = std::make_unique<Sealer>();
  const nlohmann::json case_ = load_cases("sealed-frames.json")[0];
  const Secret secret_{unhex(text_of(case_["secret"]))};
  SealedFrames frames_{*sealer_, secret_, text_of(case_["text"])};
};

TEST_F(SealedFramesTest, Vectors) {
  int frames = 0;
  for (const auto& c : load_cases("sealed-frames.json")) {
    SCOPED_TRACE(text_of(c["text"]));
    const Secret secret(unhex(text_of(c["secret"])));
    const std::string handshake_body = text_of(c["handshake"]);
    const GateHandshake handshake = parse_gate_handshake(handshake_body);
    EXPECT_EQ(handshake.text, text_of(c["text"]));
    EXPECT_TRUE(has_option(handshake.options, kSealedOption));
    const GateSession session{Suite::kX25519, secret, 0};
    EXPECT_EQ(judge_gate_handshake(handshake, &session), kGateOk);
    SealedFrames sealed(*sealer_, secret, handshake.text);
    for (const auto& frame : c["frames"]["c2s"]) {
      const auto body = sealed.open(unhex(text_of(frame["sealed"])));
      ASSERT_TRUE(body);
      EXPECT_EQ(*body, unhex(text_of(frame["body"])));
      ++frames;
    }
    std::string out = "before";
    for (const auto& frame : c["frames"]["s2c"]) {
      const std::size_t begin = out.size();
      ASSERT_TRUE(append_frame(out, unhex(text_of(frame["body"]))));
      sealed.seal(out, begin);
      std::string expected;
      ASSERT_TRUE(append_frame(expected, unhex(text_of(frame["sealed"]))));
      EXPECT_EQ(out.substr(begin), expected);
      ++frames;
    }
  }
  EXPECT_GE(frames, 24);
}

TEST_F(SealedFramesTest, ReplayedReorderedAndMissingFramesDoNotOpen) {
  const auto bodies = sent();
  EXPECT_FALSE(frames_.open(bodies[1])) << "the first is missing";
  ASSERT_TRUE(frames_.open(bodies[0]));
  EXPECT_FALSE(frames_.open(bodies[0])) << "replayed";
  EXPECT_FALSE(frames_.open(bodies[2])) << "the second is missing";
  EXPECT_EQ(frames_.open(bodies[1]), body(1));
}

TEST_F(SealedFramesTest, ChangedFramesDoNotOpen) {
  const std::string first = sent()[0];
  for (std::size_t at = 0; at < first.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = first;
      changed[at] = static_cast<char>(changed[at] ^ 1 << bit);
      EXPECT_FALSE(frames_.open(changed));
    }
    EXPECT_FALSE(frames_.open(first.substr(0, at)));
  }
  EXPECT_FALSE(frames_.open(first + first));
  EXPECT_FALSE(frames_.open(""));
  EXPECT_FALSE(frames_.open(body(0))) << "not sealed at all";
  EXPECT_EQ(frames_.open(first), body(0));
}

// The keys of the two directions differ: nobody is answered with what he said.
TEST_F(SealedFramesTest, OwnFramesDoNotOpen) {
  std::string out;
  ASSERT_TRUE(append_frame(out, body(0)));
  frames_.seal(out, 0);
  EXPECT_FALSE(frames_.open(out.substr(kFrameHeaderBytes)));
}

// Every handshake has keys of its own: index and conversation are in its text.
TEST_F(SealedFramesTest, OfAnotherHandshakeNothingOpens) {
  std::string text = text_of(case_["text"]);
  text.replace(text.find(":1:"), 3, ":2:");
  SealedFrames other(*sealer_, secret_, text);
  EXPECT_FALSE(other.open(sent()[0]));
}

TEST_F(SealedFramesTest, FrameThatIsLeftComesAgain) {
  const auto bodies = sent();
  ASSERT_TRUE(frames_.open(bodies[0]));
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(frames_.open(bodies[1]));
    frames_.leave();
    EXPECT_FALSE(frames_.open(bodies[2]));
  }
  EXPECT_EQ(frames_.open(bodies[1]), body(1));
  EXPECT_EQ(frames_.open(bodies[2]), body(2));
}

TEST_F(SealedFramesTest, LargestFrame) {
  std::string out;
  ASSERT_TRUE(append_response(out, std::string(kResponseContentBytesMax - kSealBytes, 'x'),
                              FrameKind::kOk, 1));
  frames_.seal(out, 0);
  EXPECT_EQ(out.size(), kFrameHeaderBytes + kFrameBytesMax);
  EXPECT_EQ(load_be16(out.data()), kFrameBytesMax);
}

}  // namespace
}  // namespace gatehouse::protocol
