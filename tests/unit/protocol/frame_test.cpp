#include "protocol/frame.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "vectors.hpp"

namespace gatehouse::protocol {
namespace {

using Bodies = std::vector<std::string>;
using Status = FrameReader::Status;

std::string framed(std::string_view body) {
  std::string out;
  EXPECT_TRUE(append_frame(out, body));
  return out;
}

TEST(Frame, EchoByteExact) {
  Bodies bodies;
  FrameReader reader;
  (void)reader.feed(unhex("00086563686f00000001"),
                    [&](auto body) { return bodies.emplace_back(body), true; });
  ASSERT_EQ(bodies.size(), 1u);
  const auto request = parse_request(bodies[0]);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->content, "echo");
  EXPECT_EQ(request->session, 1u);

  std::string out;
  EXPECT_TRUE(append_response(out, "echo", FrameKind::kOk, 1));
  EXPECT_EQ(out, unhex("00096563686f0100000001"));
  out.clear();
  EXPECT_TRUE(append_response(out, "", FrameKind::kError, 1));
  EXPECT_EQ(out, unhex("00050000000001"));
}

TEST(Frame, Design6PushControlAndPing) {
  std::string out;
  EXPECT_TRUE(append_response(out, "p", FrameKind::kPush, 0x01020304));
  EXPECT_EQ(out, unhex("0006700201020304"));
  out.clear();
  EXPECT_TRUE(append_response(out, "{}", FrameKind::kControl, 0));
  EXPECT_EQ(out, unhex("00077b7d0300000000"));
  EXPECT_EQ(parse_request(unhex("61ffffffff"))->session, kPingSession);
}

TEST(Frame, ShortBodyIsNoRequest) {
  for (const char* body : {"", "a", "ab", "abc"}) EXPECT_FALSE(parse_request(body));
  ASSERT_TRUE(parse_request("abcd"));
  EXPECT_TRUE(parse_request("abcd")->content.empty());
}

TEST(Frame, Limits) {
  std::string out;
  EXPECT_TRUE(append_response(out, std::string(kResponseContentBytesMax, 'x'), FrameKind::kOk, 1));
  EXPECT_EQ(out.size(), 2 + kFrameBytesMax);
  EXPECT_EQ(load_be16(out.data()), 0xffff);
  out = "kept";
  const std::string over(kResponseContentBytesMax + 1, 'x');
  EXPECT_FALSE(append_response(out, over, FrameKind::kOk, 1));
  EXPECT_FALSE(append_frame(out, std::string(kFrameBytesMax + 1, 'x')));
  EXPECT_EQ(out, "kept");
  const std::string largest = std::string(kRequestContentBytesMax, 'y') + std::string(4, '\0');
  Bodies bodies;
  FrameReader reader;
  EXPECT_EQ(reader.feed(framed(largest), [&](auto b) { return bodies.emplace_back(b), true; }),
            Status::kMore);
  EXPECT_EQ(bodies, Bodies{largest});
}

TEST(Frame, EveryCutGivesTheSameFrames) {
  const Bodies expected = {"", "handshake", std::string(300, 'z'), std::string(2, '\0'), ""};
  std::string stream;
  for (const std::string& body : expected) stream += framed(body);
  for (const auto& pieces : all_cuts(stream)) {
    FrameReader reader;
    Bodies bodies;
    for (const std::string& piece : pieces) {
      ASSERT_EQ(reader.feed(piece, [&](auto body) { return bodies.emplace_back(body), true; }),
                Status::kMore);
    }
    EXPECT_EQ(bodies, expected);
    EXPECT_EQ(reader.kept_bytes(), 0u);
    EXPECT_EQ(reader.heap_bytes(), 0u);
  }
}

TEST(Frame, WholeFramesAreNotCopied) {
  const std::string chunk = framed(std::string(100, 'a')) + framed(std::string(200, 'b'));
  FrameReader reader;
  int count = 0;
  (void)reader.feed(chunk, [&](std::string_view body) {
    EXPECT_GE(body.data(), chunk.data());
    EXPECT_LE(body.data() + body.size(), chunk.data() + chunk.size());
    return ++count > 0;
  });
  EXPECT_EQ(count, 2);
}

TEST(Frame, OversizedFrameIsRefusedByItsLengthAndForGood) {
  for (const bool split : {false, true}) {
    FrameReader reader(1024);
    Bodies bodies;
    const auto take = [&](std::string_view body) { return bodies.emplace_back(body), true; };
    const std::string stream = framed(std::string(1024, 'a')) + unhex("0401");
    if (split) {
      EXPECT_EQ(reader.feed(stream.substr(0, stream.size() - 1), take), Status::kMore);
      EXPECT_EQ(reader.feed(stream.substr(stream.size() - 1), take), Status::kTooBig);
    } else {
      EXPECT_EQ(reader.feed(stream, take), Status::kTooBig);
    }
    EXPECT_EQ(bodies.size(), 1u);
    EXPECT_EQ(reader.feed(framed("x"), take), Status::kTooBig);
    EXPECT_EQ(bodies.size(), 1u);
  }
}

TEST(Frame, TheSinkRaisesTheLimitForPipelinedRequests) {
  FrameReader reader(8);
  Bodies bodies;
  EXPECT_EQ(reader.feed(framed("hello") + framed(std::string(5000, 'r')),
                        [&](std::string_view body) {
                          bodies.emplace_back(body);
                          reader.set_limit(kFrameBytesMax);
                          return true;
                        }),
            Status::kMore);
  EXPECT_EQ(bodies.size(), 2u);
}

TEST(Frame, SinkStopsAndTheRestIsHandedOver) {
  const std::string tail = framed("three") + "\x01";
  for (const auto& pieces : all_cuts(framed("one") + framed("two") + tail)) {
    FrameReader reader;
    Bodies bodies;
    std::string unfed;
    bool stopped = false;
    for (const std::string& piece : pieces) {
      if (stopped) {
        unfed += piece;
        continue;
      }
      stopped = reader.feed(piece, [&](std::string_view body) {
        bodies.emplace_back(body);
        return body != "two";
      }) == Status::kStopped;
    }
    EXPECT_EQ(bodies, (Bodies{"one", "two"}));
    EXPECT_EQ(reader.take_rest() + unfed, tail);
    EXPECT_EQ(reader.heap_bytes(), 0u);
  }
}

TEST(Frame, AStoppedReaderGoesOnWhereItWas) {
  FrameReader reader;
  Bodies bodies;
  const auto one_by_one = [&](std::string_view body) { return bodies.emplace_back(body), false; };
  const std::string c = framed("c");
  EXPECT_EQ(reader.feed(framed("a") + framed("b") + c.substr(0, 1), one_by_one), Status::kStopped);
  EXPECT_EQ(reader.feed(c.substr(1), one_by_one), Status::kStopped);
  EXPECT_EQ(reader.feed("", one_by_one), Status::kStopped);
  EXPECT_EQ(reader.feed(framed("d"), [&](auto b) { return bodies.emplace_back(b), true; }),
            Status::kMore);
  EXPECT_EQ(bodies, (Bodies{"a", "b", "c", "d"}));
}

TEST(Frame, RandomStreamsInRandomPieces) {
  const unsigned seed = 4410;
  std::mt19937 random(seed);
  for (int round = 0; round < 300; ++round) {
    Bodies expected, bodies;
    std::string stream;
    for (std::size_t n = random() % 20; n > 0; --n) {
      expected.emplace_back(random() % (random() % 8 == 0 ? 5000 : 40), 'x');
      stream += framed(expected.back());
    }
    FrameReader reader;
    for (std::size_t i = 0; i < stream.size();) {
      const std::size_t piece = 1 + random() % 200;
      ASSERT_EQ(reader.feed(stream.substr(i, piece),
                            [&](auto body) { return bodies.emplace_back(body), true; }),
                Status::kMore);
      i += piece;
    }
    ASSERT_EQ(bodies, expected) << "seed " << seed << " round " << round;
    ASSERT_EQ(reader.heap_bytes(), 0u) << "seed " << seed << " round " << round;
  }
}

TEST(Frame, GarbageKeepsWithinTheLimit) {
  std::mt19937 random(99);
  for (int round = 0; round < 500; ++round) {
    FrameReader reader(1024);
    for (int n = 0; n < 20; ++n) {
      std::string piece(random() % 300, '\0');
      for (char& c : piece) c = static_cast<char>(random() % (round % 2 == 0 ? 256 : 5));
      const auto status = reader.feed(piece, [&](std::string_view body) {
        EXPECT_LE(body.size(), 1024u);
        return true;
      });
      if (status == Status::kTooBig) break;
      ASSERT_LE(reader.kept_bytes(), 1024u + kFrameHeaderBytes);
    }
  }
}

}  // namespace
}  // namespace gatehouse::protocol
