#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>

#include "store_fixture.hpp"
#include "test_world.hpp"

namespace gatehouse::drivers {
namespace {

class SqliteFile : public testing::Test {
 protected:
  void SetUp() override {
    options_ = fresh_options(Kind::kSqlite, folder_);
    options_.io_timeout_ms = 200;
    driver_ = must(open(test_world(), options_));
    must(driver_->migrate());
  }
  static unsigned mode(const std::string& path) {
    struct stat status {};
    EXPECT_EQ(stat(path.c_str(), &status), 0) << path;
    return status.st_mode & 0777u;
  }

  test::TempFolder folder_;
  store::Options options_;
  std::unique_ptr<store::Driver> driver_;
};

TEST_F(SqliteFile, IsPrivate) {
  must(driver_->create_account("test1", "hash"));
  EXPECT_EQ(mode(options_.sqlite.path), 0600u);
  EXPECT_EQ(mode(options_.sqlite.path + "-wal"), 0600u);
  EXPECT_EQ(mode(options_.sqlite.path + "-shm"), 0600u);
  EXPECT_EQ(mode(folder_ / "var"), 0700u);
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder_ / "var"))
    ++files;
  EXPECT_EQ(files, 3u);  // no draft is left
}

TEST_F(SqliteFile, LockedByAnotherProgramIsUnavailableInTime) {
  must(driver_->create_account("test1", "hash"));
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(options_.sqlite.path.c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  const MonotonicMs start_ms = monotonic_ms();
  EXPECT_EQ(code_of(driver_->create_account("other", "hash")), Errc::kUnavailable);
  EXPECT_GE(monotonic_ms() - start_ms, 150);
  EXPECT_LT(monotonic_ms() - start_ms, 5'000);
  EXPECT_TRUE(must(driver_->find_account("test1")));  // readers go on
  ASSERT_EQ(sqlite3_exec(other, "COMMIT", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(other);
  must(driver_->create_account("other", "hash"));
}

TEST_F(SqliteFile, GroupThatCannotBeginFailsAsAWhole) {
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(options_.sqlite.path.c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  driver_->begin_group();
  EXPECT_EQ(code_of(driver_->create_account("a", "hash")), Errc::kUnavailable);
  // Free by now, but a group is written whole or not at all.
  ASSERT_EQ(sqlite3_exec(other, "COMMIT", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(other);
  EXPECT_EQ(code_of(driver_->create_account("b", "hash")), Errc::kUnavailable);
  EXPECT_FALSE(must(driver_->find_account("b")));
  // A migration ends the group early; the group's own end says the same.
  EXPECT_EQ(code_of(driver_->migrate()), Errc::kUnavailable);
  EXPECT_EQ(code_of(driver_->end_group()), Errc::kUnavailable);
  driver_->begin_group();
  must(driver_->create_account("b", "hash"));
  EXPECT_TRUE(driver_->end_group());
}

TEST_F(SqliteFile, GroupOnABrokenFileFails) {
  must(driver_->create_account("a", "hash"));
  for (const char* end : {"", "-wal", "-shm"}) {
    std::ofstream file(options_.sqlite.path + end, std::ios::binary);
    file << std::string(100'000, '?');
  }
  driver_->begin_group();
  EXPECT_FALSE(driver_->create_account("b", "hash"));
  EXPECT_FALSE(driver_->set_ban("a", true, 0, "test"));
  EXPECT_FALSE(driver_->end_group());
}

TEST_F(SqliteFile, GroupIsInvisibleUntilItEnds) {
  auto other = must(open(test_world(), options_));
  driver_->begin_group();
  must(driver_->create_account("a", "hash"));
  EXPECT_FALSE(must(other->find_account("a")));
  EXPECT_TRUE(driver_->end_group());
  EXPECT_TRUE(must(other->find_account("a")));
}

// The file may not grow any more: SQLite undoes the transaction, whichever call notices.
TEST_F(SqliteFile, FullDiskUndoesTheGroupAndSaysSo) {
  signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const AccountId account = must(driver_->create_account("test1", "hash")).id;
  const auto epoch = must(
      driver_->claim_session(account, {.gate = "g", .server = "s", .address = "", .subid = {}}));
  must(driver_->load_player(account, "s", epoch));
  rlimit tight = before;
  tight.rlim_cur = 512 * 1024;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &tight), 0);
  driver_->begin_group();
  must(driver_->create_account("small", "hash"));
  const bool saved =
      driver_->save_player(account, "s", epoch, 1, std::string(4u << 20, 'x'), {}).has_value();
  const auto durable = driver_->end_group();
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_FALSE(saved && durable);
  EXPECT_FALSE(durable);
  EXPECT_FALSE(must(driver_->find_account("small")));
  driver_->begin_group();
  must(driver_->create_account("small", "hash"));
  EXPECT_TRUE(driver_->end_group());
  EXPECT_TRUE(must(must(open(test_world(), options_))->find_account("small")));
}

TEST_F(SqliteFile, WritersWaitForEachOther) {
  options_.io_timeout_ms = 30'000;
  in_parallel(4, [&](int thread) {
    auto driver = must(open(test_world(), options_));
    for (int i = 0; i < 25; ++i)
      must(driver->create_account(std::to_string(thread) + "/" + std::to_string(i), "hash"));
  });
  EXPECT_EQ(must(driver_->list_accounts("", 1'000)).size(), 100u);
}

TEST_F(SqliteFile, ManyConnectionsMayMakeTheFileAtOnce) {
  options_.sqlite.path = folder_ / "new/folder/gatehouse.db";
  options_.io_timeout_ms = 30'000;
  in_parallel(8, [&](int) {
    EXPECT_EQ(must(must(open(test_world(), options_))->migrate()), kSchemaVersion);
  });
}

TEST_F(SqliteFile, ExamplesOfTheReadmeRun) {
  must(driver_->create_account("test1", "hash"));
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open(options_.sqlite.path.c_str(), &other), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(other, readme_sql("-- SQLite").c_str(), nullptr, nullptr, nullptr),
            SQLITE_OK);
  sqlite3_close(other);
  const store::Account account = *must(driver_->find_account("test1"));
  EXPECT_EQ(account.ban_reason, "cheating");
  EXPECT_TRUE(banned_at(account, wall_ms() / 1000));
}

}  // namespace
}  // namespace gatehouse::drivers
