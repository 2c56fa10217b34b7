#include "store_fixture.hpp"
#include "test_world.hpp"

namespace gatehouse::drivers {
namespace {

// A MySQL server that goes away and comes back under a driver that stays.
class MysqlOutage : public testing::Test {
 protected:
  void SetUp() override {
    options_ = fresh_options(Kind::kMysql, folder_);
    must(must(open(test_world(), options_))->migrate());
    options_.connect_timeout_ms = 1'000;
    options_.io_timeout_ms = 1'000;
    options_.reconnect_pause_ms = 50;
    driver_ = must(open(test_world(), options_, {.errors = &errors_}));
  }

  // Milliseconds that a call takes which must fail with kUnavailable.
  template <class Call>
  MonotonicMs unavailable_after_ms(Call&& call) {
    const MonotonicMs start_ms = monotonic_ms();
    const auto result = call();
    EXPECT_EQ(code_of(result), Errc::kUnavailable);
    if (!result) {
      EXPECT_FALSE(result.error().message.empty());
      EXPECT_EQ(result.error().message.find(test::MariaDb::kPassword), std::string::npos);
    }
    return monotonic_ms() - start_ms;
  }
  MonotonicMs find_unavailable_after_ms() {
    return unavailable_after_ms([&] { return driver_->find_account("test1"); });
  }
  MonotonicMs create_unavailable_after_ms() {
    return unavailable_after_ms([&] { return driver_->create_account("other", "hash"); });
  }
  bool back_again() {
    return eventually([&] { return driver_->find_account("test1").has_value(); });
  }
  std::string query(const std::string& sql) {
    return mariadb().query(options_.mysql.database, sql);
  }

  test::TempFolder folder_;
  store::Options options_;
  Metric errors_{"errors", "", "", false};
  std::unique_ptr<store::Driver> driver_;
};

TEST_F(MysqlOutage, AwayFromTheStart) {
  must(driver_->create_account("test1", "hash"));
  driver_ = must(open(test_world(), options_, {.errors = &errors_}));  // has not connected yet
  mariadb().stop();
  EXPECT_LT(find_unavailable_after_ms(), 2'000);
  EXPECT_LT(create_unavailable_after_ms(), 2'000);
  EXPECT_EQ(code_of(driver_->ping()), Errc::kUnavailable);
  EXPECT_EQ(code_of(driver_->migrate()), Errc::kUnavailable);
  EXPECT_EQ(errors_.value(), 3);
  mariadb().start();
  EXPECT_TRUE(back_again());
  EXPECT_FALSE(must(driver_->find_account("other")));
}

TEST_F(MysqlOutage, KilledBetweenCalls) {
  must(driver_->create_account("test1", "hash"));
  mariadb().kill();
  EXPECT_LT(find_unavailable_after_ms(), 2'000);
  EXPECT_LT(create_unavailable_after_ms(), 2'000);
  mariadb().start();
  EXPECT_TRUE(back_again());
  must(driver_->create_account("other", "hash"));
}

TEST_F(MysqlOutage, RestartedBetweenCallsIsNotEvenNoticed) {
  const store::Account account = must(driver_->create_account("test1", "hash"));
  mariadb().stop();
  mariadb().start();
  EXPECT_EQ(must(driver_->claim_session(
                     account.id, {.gate = "g", .server = "s", .address = "127.0.0.1", .subid = {}}))
                .epoch,
            1u);
  mariadb().stop();
  mariadb().start();
  EXPECT_TRUE(must(driver_->find_account("test1")));
  EXPECT_EQ(errors_.value(), 0);
}

TEST_F(MysqlOutage, ConnectionEndedByTheServerIsReplaced) {
  must(driver_->create_account("test1", "hash"));
  query(
      "SET @id = (SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND "
      "user = 'gatehouse'); KILL @id");
  EXPECT_TRUE(back_again());
  must(driver_->create_account("other", "hash"));
}

TEST_F(MysqlOutage, PausedServerTimesOut) {
  must(driver_->create_account("test1", "hash"));
  mariadb().pause();
  EXPECT_LT(find_unavailable_after_ms(), 3'000);    // one time-out, no second attempt
  EXPECT_LT(create_unavailable_after_ms(), 3'000);  // connecting times out
  mariadb().resume();
  EXPECT_TRUE(back_again());
}

TEST_F(MysqlOutage, QueueOfCallsIsAnsweredQuicklyWhilePaused) {
  options_.reconnect_pause_ms = 20'000;
  driver_ = must(open(test_world(), options_));
  mariadb().pause();
  find_unavailable_after_ms();
  MonotonicMs all_ms = 0;
  for (int i = 0; i < 100; ++i) all_ms += create_unavailable_after_ms();
  mariadb().resume();
  EXPECT_LT(all_ms, 500);
}

TEST_F(MysqlOutage, OneConnectionThatGetsThroughEndsThePauseOfTheOthers) {
  options_.reconnect_pause_ms = 600'000;
  options_.connected_ms = std::make_shared<std::atomic<std::int64_t>>(0);
  const auto first = must(open(test_world(), options_));
  mariadb().stop();
  EXPECT_EQ(code_of(first->ping()), Errc::kUnavailable);
  mariadb().start();
  EXPECT_EQ(code_of(first->ping()), Errc::kUnavailable) << "it pauses";
  const auto second = must(open(test_world(), options_));
  must(second->ping());
  EXPECT_TRUE(first->ping().has_value());
}

TEST_F(MysqlOutage, RefusedPasswordAndUnknownDatabaseAreOutages) {
  const store::Options good = options_;
  options_.mysql.password = Secret("a wrong password");
  driver_ = must(open(test_world(), options_));
  const auto refused = driver_->find_account("test1");
  EXPECT_EQ(code_of(refused), Errc::kUnavailable);
  EXPECT_EQ(refused.error().message.find("a wrong password"), std::string::npos);
  options_ = good;
  options_.mysql.database = "no_such_database";
  driver_ = must(open(test_world(), options_));
  find_unavailable_after_ms();
}

TEST_F(MysqlOutage, UnixSocketIsAnotherWayIn) {
  options_.mysql.socket = mariadb().socket();
  options_.mysql.port = 1;
  must(must(open(test_world(), options_))->create_account("test1", "hash"));
  EXPECT_TRUE(must(driver_->find_account("test1")));
}

TEST(SqliteOutage, FileThatCannotBeMadeIsAnOutageUntilItCan) {
  test::TempFolder folder;
  store::Options options = fresh_options(Kind::kSqlite, folder);
  test::write_file(folder / "var", "a file where the folder should be");
  Metric errors{"errors", "", "", false};
  auto driver = must(open(test_world(), options, {.errors = &errors}));
  EXPECT_EQ(code_of(driver->find_account("a")), Errc::kUnavailable);
  EXPECT_EQ(code_of(driver->migrate()), Errc::kUnavailable);
  EXPECT_EQ(errors.value(), 1);
  std::filesystem::remove(folder / "var");
  must(driver->migrate());
  EXPECT_FALSE(must(driver->find_account("a")));
}

TEST(SqliteOutage, FileThatIsNoDatabaseIsCorruptAndLeftAlone) {
  test::TempFolder folder;
  store::Options options = fresh_options(Kind::kSqlite, folder);
  const std::string text(5'000, 'x');
  test::write_file(options.sqlite.path, text);
  EXPECT_EQ(code_of(must(open(test_world(), options))->migrate()), Errc::kCorrupt);
  EXPECT_EQ(std::filesystem::file_size(options.sqlite.path), text.size());
}

}  // namespace
}  // namespace gatehouse::drivers
