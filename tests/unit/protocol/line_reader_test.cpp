#include "protocol/line_reader.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "vectors.hpp"

namespace gatehouse::protocol {
namespace {

using Lines = std::vector<std::string>;
using LineStatus = LineReader::Status;

TEST(LineReader, EveryCutOfAHandshakeGivesTheSameLines) {
  const std::string stream = "mE4UGCgyNe0=\nNANH+LpAlaU=\r\n\n\r\ngvLK8TO5hEmV\r\r\n";
  const Lines expected = {"mE4UGCgyNe0=", "NANH+LpAlaU=", "", "", "gvLK8TO5hEmV\r"};
  for (const auto& pieces : all_cuts(stream)) {
    LineReader reader;
    Lines lines;
    for (const std::string& piece : pieces) {
      ASSERT_EQ(reader.feed(piece, [&](auto line) { return lines.emplace_back(line), true; }),
                LineStatus::kMore);
    }
    EXPECT_EQ(lines, expected);
    EXPECT_EQ(reader.kept_bytes(), 0u);
  }
}

TEST(LineReader, LinesInTheChunkAreNotCopied) {
  const std::string chunk = "one\ntwo\nthr";
  LineReader reader;
  (void)reader.feed(chunk, [&](std::string_view line) {
    EXPECT_GE(line.data(), chunk.data());
    EXPECT_LT(line.data(), chunk.data() + chunk.size());
    return true;
  });
  EXPECT_EQ(reader.kept_bytes(), 3u);
}

TEST(LineReader, Design5LimitIsFinal) {
  const auto take = [](std::string_view) { return true; };
  for (const std::size_t step : {1u, 7u, 100u, 9000u}) {
    LineReader reader(100);
    const std::string fits = std::string(100, 'x') + "\n";
    for (std::size_t i = 0; i < fits.size(); i += step)
      ASSERT_EQ(reader.feed(fits.substr(i, step), take), LineStatus::kMore) << step;
    const std::string over(101, 'x');
    LineStatus status = LineStatus::kMore;
    for (std::size_t i = 0; i < over.size(); i += step)
      status = reader.feed(over.substr(i, step), take);
    EXPECT_EQ(status, LineStatus::kTooLong) << step;
    EXPECT_EQ(reader.feed("\n", take), LineStatus::kTooLong);
  }
}

TEST(LineReader, ALineOverTheLimitIsNotGivenOut) {
  LineReader reader(4);
  Lines lines;
  EXPECT_EQ(
      reader.feed("1234\n12345\nx\n", [&](auto line) { return lines.emplace_back(line), true; }),
      LineStatus::kTooLong);
  EXPECT_EQ(lines, Lines{"1234"});
}

TEST(LineReader, SinkStopsAndTheRestIsHandedOver) {
  for (const auto& pieces : all_cuts("one\ntwo\nthree\nfo")) {
    LineReader reader;
    Lines lines;
    std::string unfed;
    bool stopped = false;
    for (const std::string& piece : pieces) {
      if (stopped) {
        unfed += piece;
        continue;
      }
      const auto status = reader.feed(piece, [&](std::string_view line) {
        lines.emplace_back(line);
        return line != "two";
      });
      stopped = status == LineStatus::kStopped;
    }
    EXPECT_EQ(lines, (Lines{"one", "two"}));
    EXPECT_EQ(reader.take_rest() + unfed, "three\nfo");
    EXPECT_EQ(reader.kept_bytes(), 0u);
  }
}

TEST(LineReader, AStoppedReaderGoesOnWhereItWas) {
  LineReader reader;
  Lines lines;
  const auto one_by_one = [&](std::string_view line) { return lines.emplace_back(line), false; };
  EXPECT_EQ(reader.feed("a\nb\nc", one_by_one), LineStatus::kStopped);
  EXPECT_EQ(reader.feed("", one_by_one), LineStatus::kStopped);
  EXPECT_EQ(reader.feed("d\ne\n", one_by_one), LineStatus::kStopped);
  EXPECT_EQ(reader.feed("", one_by_one), LineStatus::kStopped);
  EXPECT_EQ(reader.feed("", one_by_one), LineStatus::kMore);
  EXPECT_EQ(lines, (Lines{"a", "b", "cd", "e"}));
}

TEST(LineReader, RandomStreamsInRandomPieces) {
  const unsigned seed = 7001;
  std::mt19937 random(seed);
  for (int round = 0; round < 300; ++round) {
    std::string stream;
    const std::size_t size = random() % 400;
    while (stream.size() < size) stream += "ab\r\n\0"[random() % 5];
    Lines expected, lines;
    std::size_t from = 0;
    for (std::size_t end; (end = stream.find('\n', from)) != std::string::npos; from = end + 1) {
      std::string line = stream.substr(from, end - from);
      if (!line.empty() && line.back() == '\r') line.pop_back();
      expected.push_back(line);
    }
    LineReader reader;
    for (std::size_t i = 0; i < stream.size();) {
      const std::size_t piece = 1 + random() % 30;
      (void)reader.feed(stream.substr(i, piece),
                        [&](auto line) { return lines.emplace_back(line), true; });
      i += piece;
    }
    ASSERT_EQ(lines, expected) << "seed " << seed << " round " << round;
    ASSERT_EQ(reader.take_rest(), stream.substr(from)) << "seed " << seed << " round " << round;
  }
}

}  // namespace
}  // namespace gatehouse::protocol
