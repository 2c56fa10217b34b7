// Several database servers, of which one is the primary.
#include <gmock/gmock.h>

#include "store_fixture.hpp"
#include "test_world.hpp"

namespace gatehouse::drivers {
namespace {

using testing::HasSubstr;

class MysqlFailover : public testing::Test {
 protected:
  static void SetUpTestSuite() { second = std::make_unique<test::MariaDb>(); }
  static void TearDownTestSuite() { second.reset(); }

  void SetUp() override {
    options_ = fresh_options(Kind::kMysql, folder_);
    options_.reconnect_pause_ms = 1;
    const std::string& database = options_.mysql.database;
    second->create_database(database);
    for (test::MariaDb* server : {&mariadb(), second.get()}) {
      store::Options one = options_;
      one.mysql.port = server->port();
      must(must(open(test_world(), one))->migrate());
      // One whom read_only stops.
      server->query("",
                    "CREATE OR REPLACE USER 'app'@'%' IDENTIFIED BY 'p';"
                    "GRANT SELECT, INSERT, UPDATE, DELETE ON " +
                        database + ".* TO 'app'@'%'");
    }
    options_.mysql.user = "app";
    options_.mysql.password = Secret("p");
    options_.mysql.hosts = {{"127.0.0.1", mariadb().port()}, {"127.0.0.1", second->port()}};
    driver_ = must(open(test_world(), options_, drivers::DriverMetrics::in(metrics_, "")));
  }
  void TearDown() override {
    set_read_only(mariadb(), false);
    set_read_only(*second, false);
  }
  static void set_read_only(test::MariaDb& server, bool read_only) {
    server.query("", std::string("SET GLOBAL read_only = ") + (read_only ? "1" : "0"));
  }
  std::string names(test::MariaDb& server) {
    return server.query(options_.mysql.database, "SELECT name FROM account ORDER BY id");
  }
  std::string port(test::MariaDb& server) { return ":" + std::to_string(server.port()); }

  static inline std::unique_ptr<test::MariaDb> second;
  test::TempFolder folder_;
  store::Options options_;
  MetricSet metrics_;
  std::unique_ptr<store::Driver> driver_;
};

TEST_F(MysqlFailover, FirstThatTakesWritesIsUsed) {
  must(driver_->create_account("first", "hash"));
  EXPECT_EQ(names(mariadb()), "first\n");
  set_read_only(mariadb(), true);
  auto late = must(open(test_world(), options_));
  must(late->create_account("second", "hash"));
  EXPECT_EQ(names(*second), "second\n");
}

TEST_F(MysqlFailover, PrimaryThatBecomesReadOnlyIsLeftAtTheNextWrite) {
  must(driver_->create_account("before", "hash"));
  set_read_only(mariadb(), true);
  EXPECT_TRUE(must(driver_->find_account("before"))) << "reads stay where they are";
  must(driver_->create_account("after", "hash"));
  EXPECT_EQ(names(mariadb()), "before\n");
  EXPECT_EQ(names(*second), "after\n");
  EXPECT_EQ(metrics_.counter("store_repeats_total", ",reason=\"read_only\"", "").value(), 1);
  // Back again: connections stay where they are, new ones prefer the first.
  set_read_only(mariadb(), false);
  must(driver_->create_account("still there", "hash"));
  EXPECT_EQ(names(*second), "after\nstill there\n");
  must(must(open(test_world(), options_))->create_account("new", "hash"));
  EXPECT_EQ(names(mariadb()), "before\nnew\n");
}

TEST_F(MysqlFailover, TransactionOnAServerThatBecameReadOnlyFailsAndTheNextMoves) {
  must(driver_->create_account("before", "hash"));
  set_read_only(mariadb(), true);
  const std::vector<store::NewAccount> accounts = {{"a", "hash"}, {"b", "hash"}};
  EXPECT_EQ(code_of(driver_->create_accounts(accounts)), Errc::kUnavailable);
  must(driver_->create_accounts(accounts));
  EXPECT_EQ(names(*second), "a\nb\n");
}

TEST_F(MysqlFailover, DeadPrimaryIsReplacedByThePromotedOne) {
  set_read_only(*second, true);
  must(driver_->create_account("before", "hash"));
  mariadb().kill();
  const auto away = driver_->create_account("lost", "hash");
  EXPECT_EQ(code_of(away), Errc::kUnavailable);
  const auto named = driver_->ping();
  ASSERT_FALSE(named);
  EXPECT_THAT(named.error().message, HasSubstr(port(mariadb())));
  EXPECT_THAT(named.error().message, HasSubstr(port(*second) + ": it takes no writes"));
  set_read_only(*second, false);
  EXPECT_TRUE(eventually([&] { return driver_->create_account("after", "hash").has_value(); }));
  EXPECT_EQ(names(*second), "after\n");
  mariadb().start();
}

TEST_F(MysqlFailover, OneServerAloneIsUsedWhateverItSays) {
  options_.mysql.hosts = {{"127.0.0.1", mariadb().port()}};
  auto driver = must(open(test_world(), options_));
  set_read_only(mariadb(), true);
  EXPECT_FALSE(must(driver->find_account("nobody")));
  const auto refused = driver->create_account("test1", "hash");
  EXPECT_EQ(code_of(refused), Errc::kUnavailable);
  EXPECT_THAT(refused.error().message, HasSubstr("read-only"));
  set_read_only(mariadb(), false);
  must(driver->create_account("test1", "hash"));
}

}  // namespace
}  // namespace gatehouse::drivers
