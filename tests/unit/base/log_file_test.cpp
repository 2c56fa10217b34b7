// The log's file: opened, moved away, opened again, from many threads.
#include <atomic>
#include <set>
#include <thread>

#include "log_fixture.hpp"

namespace gatehouse {
namespace {

namespace fs = std::filesystem;

class LogFile : public test::LogFixture {};

TEST_F(LogFile, AppendsToAFileThatIsThere) {
  test::write_file(file(), "earlier\n");
  start(log::Format::kText);
  log::info({}, "later");
  const auto all = lines();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0], "earlier");
}

TEST_F(LogFile, StartFailsWhereNoFileCanBe) {
  test::write_file(folder_ / "plain", "");
  const auto started = log::start({log::Level::kInfo, log::Format::kText, folder_ / "plain/log"});
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().code, Errc::kIo);
}

TEST_F(LogFile, ReopenWritesToANewFileAfterAMove) {
  start(log::Format::kJson);
  log::info({}, "one");
  fs::rename(file(), folder_ / "old");
  log::info({}, "two");
  ASSERT_TRUE(log::reopen());
  log::info({}, "three");
  EXPECT_EQ(lines_of(test::read_file(folder_ / "old")).size(), 2u);
  const auto fresh = lines();
  ASSERT_EQ(fresh.size(), 1u);
  EXPECT_NE(fresh[0].find("\"text\":\"three\""), std::string::npos) << fresh[0];
  EXPECT_TRUE(fresh[0].starts_with('{')) << fresh[0];
}

TEST_F(LogFile, UnflushedLinesSurviveReopen) {
  start(log::Format::kText, log::Level::kDebug);
  log::debug({}, "not flushed at once");
  fs::rename(file(), folder_ / "old");
  ASSERT_TRUE(log::reopen());
  EXPECT_EQ(lines_of(test::read_file(folder_ / "old")).size(), 1u);
}

TEST_F(LogFile, OldFileStaysInUseWhenReopenFails) {
  const std::string inner = folder_ / "logs/gatehouse.log";
  ASSERT_TRUE(log::start({log::Level::kInfo, log::Format::kText, inner}));
  fs::rename(folder_ / "logs", folder_ / "moved");
  test::write_file(folder_ / "logs", "a file where the folder was");
  const auto reopened = log::reopen();
  ASSERT_FALSE(reopened);
  EXPECT_EQ(reopened.error().code, Errc::kIo);
  log::info({}, "still here");
  log::flush();
  EXPECT_NE(test::read_file(folder_ / "moved/gatehouse.log").find("still here"), std::string::npos);
}

TEST_F(LogFile, ReopenOfStdoutDoesNothing) {
  ASSERT_TRUE(log::start({}));
  EXPECT_TRUE(log::reopen());
}

TEST_F(LogFile, ReopenWhileThreadsLogLosesNoLine) {
  constexpr int kThreads = 4, kLines = 500, kFiles = 20;
  start(log::Format::kText);
  std::atomic<int> running{kThreads};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([t, &running] {
      const ServiceId source{static_cast<std::uint32_t>(t)};
      for (int i = 0; i < kLines; ++i) log::info(source, "n{}n", i);
      --running;
    });
  }
  int files = 0;
  do {
    fs::rename(file(), folder_ / ("old" + std::to_string(files++)));
    EXPECT_TRUE(log::reopen());
  } while (files < kFiles || running > 0);
  for (std::thread& thread : threads) thread.join();

  std::multiset<std::string> seen;
  const auto collect = [&seen](const std::string& content) {
    for (const std::string& line : lines_of(content)) {
      const std::size_t at = line.find('[');
      ASSERT_NE(at, std::string::npos) << line;
      seen.insert(line.substr(at));
    }
  };
  collect(text());
  for (int i = 0; i < files; ++i) collect(test::read_file(folder_ / ("old" + std::to_string(i))));
  EXPECT_EQ(seen.size(), static_cast<std::size_t>(kThreads * kLines));
  for (int t = 0; t < kThreads; ++t) {
    for (int i = 0; i < kLines; ++i) {
      EXPECT_EQ(seen.count(fmt::format("[:{:08x}] n{}n", t, i)), 1u) << t << " " << i;
    }
  }
}

}  // namespace
}  // namespace gatehouse
