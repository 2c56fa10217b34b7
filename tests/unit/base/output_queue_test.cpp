// A queue in front of readers who stop, come back, or go away.
#include "base/output_queue.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <string>
#include <thread>
#include <vector>

#include "base/signals.hpp"
#include "temp_folder.hpp"
#include "waiting.hpp"

namespace gatehouse {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A pipe whose reader does as the test says.
class Pipe {
 public:
  Pipe() { EXPECT_EQ(pipe2(ends_.data(), O_CLOEXEC), 0); }
  ~Pipe() {
    close_reader();
    close_writer();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  [[nodiscard]] int writer() const { return ends_[1]; }
  // Leaves no room.
  std::size_t fill() {
    fcntl(writer(), F_SETFL, O_NONBLOCK);
    std::size_t count = 0;
    const std::string block(4096, '.');
    for (ssize_t done; (done = ::write(writer(), block.data(), block.size())) > 0;) {
      count += static_cast<std::size_t>(done);
    }
    fcntl(writer(), F_SETFL, 0);
    return count;
  }
  // At least so many bytes more.
  std::string read(std::size_t size) {
    std::string text;
    std::array<char, 65536> block;
    while (text.size() < size) {
      const ssize_t done = ::read(ends_[0], block.data(), block.size());
      if (done <= 0) break;
      text.append(block.data(), static_cast<std::size_t>(done));
    }
    return text;
  }
  // Until the text ends with this.
  std::string read_until(std::string_view end) {
    std::string text;
    while (!text.ends_with(end)) {
      const std::string more = read(1);
      if (more.empty()) break;
      text += more;
    }
    return text;
  }
  void close_reader() { close_end(0); }
  void close_writer() { close_end(1); }

 private:
  void close_end(std::size_t end) {
    if (ends_[end] >= 0) ::close(ends_[end]);
    ends_[end] = -1;
  }
  std::array<int, 2> ends_{-1, -1};
};

TEST(OutputQueue, HandsOnInOrder) {
  Pipe pipe;
  const auto queue = OutputQueue::on(pipe.writer());
  std::string expected;
  for (int i = 0; i < 1'000; ++i) {
    const std::string line = "line " + std::to_string(i) + "\n";
    EXPECT_TRUE(queue->write(line));
    expected += line;
  }
  EXPECT_EQ(pipe.read(expected.size()), expected);
  EXPECT_TRUE(queue->flush(seconds(30)));
  EXPECT_EQ(queue->lines_lost(), 0u);
  EXPECT_EQ(queue->accepted(), queue->settled());
}

TEST(OutputQueue, CountsWhatFindsNoRoomAndSaysSoBehindWhatDid) {
  Pipe pipe;
  const std::size_t filled = pipe.fill();
  const auto queue = OutputQueue::on(pipe.writer(), {.bytes_max = 1'000, .lines_max = 10});
  int taken = 0;
  while (queue->write("line " + std::to_string(taken) + "\n")) ++taken;
  EXPECT_EQ(taken, 10);
  EXPECT_FALSE(queue->write("one more\n"));
  EXPECT_FALSE(queue->write("two\nin one\n"));
  EXPECT_EQ(queue->lines_lost(), 4u);
  EXPECT_FALSE(queue->flush(milliseconds(20)));
  std::string expected;
  for (int i = 0; i < taken; ++i) expected += "line " + std::to_string(i) + "\n";
  expected += "4 lines were lost\n";
  EXPECT_EQ(pipe.read_until("lost\n").substr(filled), expected);
  EXPECT_TRUE(queue->flush(seconds(30)));
  EXPECT_TRUE(queue->write("again\n"));
  EXPECT_EQ(pipe.read_until("again\n"), "again\n");
}

TEST(OutputQueue, BytesAreBoundedToo) {
  Pipe pipe;
  pipe.fill();
  const auto queue = OutputQueue::on(pipe.writer(), {.bytes_max = 1'000, .lines_max = 1'000});
  EXPECT_FALSE(queue->write(std::string(1'001, 'x')));
  EXPECT_EQ(queue->lines_lost(), 1u);
}

TEST(OutputQueue, SpeaksOfALossThatNothingFollows) {
  Pipe pipe;
  const auto queue = OutputQueue::on(pipe.writer(), {.bytes_max = 100, .lines_max = 10});
  EXPECT_FALSE(queue->write(std::string(200, 'x') + "\n"));
  EXPECT_EQ(pipe.read_until("lost\n"), "1 lines were lost\n");
}

TEST(OutputQueue, AReaderThatWentAwayIsAnErrorThatIsCounted) {
  ignore_sigpipe();
  Pipe pipe;
  const auto queue = OutputQueue::on(pipe.writer());
  pipe.close_reader();
  EXPECT_TRUE(queue->write("one\ntwo\n"));
  EXPECT_TRUE(queue->flush(seconds(30)));
  EXPECT_EQ(queue->lines_lost(), 2u);
  EXPECT_EQ(queue->write_errors(), 1u);
}

TEST(OutputQueue, SaysAfterAnErrorWhatWasLostAndWhy) {
  test::TempFolder folder;
  const std::string path = folder / "log";
  ASSERT_EQ(symlink("/dev/full", path.c_str()), 0);
  auto queue = OutputQueue::open(path);
  ASSERT_TRUE(queue);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE((*queue)->write("lost\n"));
    EXPECT_TRUE((*queue)->flush(seconds(30)));
  }
  ASSERT_EQ(unlink(path.c_str()), 0);
  ASSERT_TRUE((*queue)->reopen(seconds(30)));
  EXPECT_TRUE((*queue)->write("here\n"));
  EXPECT_TRUE((*queue)->flush(seconds(30)));
  EXPECT_EQ(test::read_file(path), "3 lines were lost: No space left on device\nhere\n");
}

TEST(OutputQueue, OpensAnewWhileTheReaderTakesNothing) {
  test::TempFolder folder;
  const std::string path = folder / "log";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  auto queue = OutputQueue::open(path);
  ASSERT_TRUE(queue);
  std::string all;
  for (int i = 0; i < 20'000; ++i) {
    const std::string line = "line " + std::to_string(i) + "\n";
    EXPECT_TRUE((*queue)->write(line));
    all += line;
  }
  EXPECT_FALSE((*queue)->flush(milliseconds(20)));
  ASSERT_EQ(rename(path.c_str(), (path + ".1").c_str()), 0);
  ASSERT_TRUE((*queue)->reopen(seconds(30)));
  EXPECT_TRUE((*queue)->flush(seconds(30)));
  const std::string rest = test::read_file(path);
  EXPECT_TRUE(all.ends_with(rest));
  EXPECT_TRUE(rest.starts_with("line "));
  EXPECT_LT(rest.size(), all.size());
}

TEST(OutputQueue, EndsWithAReaderWhoTakesNothing) {
  Pipe pipe;
  pipe.fill();
  auto queue = OutputQueue::on(pipe.writer());
  EXPECT_TRUE(queue->write("never read\n"));
  queue.reset();
}

TEST(OutputQueue, FinishDoesNotWaitAndLosesNothing) {
  test::TempFolder folder;
  const std::string path = folder / "log";
  auto queue = OutputQueue::open(path);
  ASSERT_TRUE(queue);
  const std::string text(100'000, 'x');
  EXPECT_TRUE((*queue)->write(text));
  OutputQueue::finish(std::move(*queue));
  EXPECT_TRUE(test::eventually([] { return OutputQueue::finishing() == 0; }));
  EXPECT_EQ(test::read_file(path), text);
}

TEST(OutputQueue, FinishGivesUpOnAReaderWhoTakesNothing) {
  Pipe pipe;
  pipe.fill();
  auto queue = OutputQueue::on(pipe.writer());
  EXPECT_TRUE(queue->write("never read\n"));
  OutputQueue::finish(std::move(queue));
  EXPECT_TRUE(test::eventually([] { return OutputQueue::finishing() == 0; }));
}

TEST(OutputQueue, ManyThreadsKeepTheirOrder) {
  constexpr int kThreads = 4, kLines = 5'000;
  Pipe pipe;
  const auto queue = OutputQueue::on(pipe.writer());
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([t, &queue] {
      for (int i = 0; i < kLines; ++i) {
        queue->write(std::to_string(t) + " " + std::to_string(i) + "\n");
      }
    });
  }
  std::array<int, kThreads> next{};
  std::string text;
  for (int seen = 0; seen < kThreads * kLines;) {
    text += pipe.read(1);
    for (std::size_t end; (end = text.find('\n')) != std::string::npos; ++seen) {
      const auto thread = static_cast<std::size_t>(text[0] - '0');
      ASSERT_LT(thread, next.size());
      EXPECT_EQ(text.substr(2, end - 2), std::to_string(next[thread]++));
      text.erase(0, end + 1);
    }
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(queue->lines_lost(), 0u);
}

}  // namespace
}  // namespace gatehouse
