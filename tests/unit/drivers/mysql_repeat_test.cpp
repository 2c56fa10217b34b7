// What the MySQL driver repeats, and what it never does twice.
#include <future>

#include "cutting_proxy.hpp"
#include "mysql_session.hpp"
#include "test_world.hpp"

namespace gatehouse::drivers {
namespace {

class MysqlRepeats : public testing::Test {
 protected:
  void SetUp() override {
    options_ = fresh_options(Kind::kMysql, folder_);
    options_.io_timeout_ms = 30'000;
    direct_ = must(open(test_world(), options_));
    must(direct_->migrate());
    id_ = must(direct_->create_account("test1", "hash")).id;
    options_.mysql.port = proxy_.port();
    driver_ = must(open(test_world(), options_, drivers::DriverMetrics::in(metrics_, "")));
    fence_ = must(driver_->claim_session(id_, claim()));
    must(driver_->load_player(id_, "s", fence_));
    must(driver_->save_player(id_, "s", fence_, 1, "first", std::nullopt));
    EXPECT_EQ(proxy_.connections(), 1);
  }
  static store::SessionClaim claim() {
    return {.gate = "g", .server = "s", .address = "127.0.0.1", .subid = {}};
  }
  std::int64_t repeats(const std::string& reason) {
    return metrics_.counter("store_repeats_total", ",reason=\"" + reason + "\"", "").value();
  }
  std::string query(const std::string& sql) {
    return mariadb().query(options_.mysql.database, sql);
  }
  // Makes the session's transaction the dearer one, so that a deadlock undoes the other.
  static void grow(MysqlSession& session) {
    session.run(
        "INSERT INTO login_audit (at, name, server, address, suite, result) "
        "SELECT UTC_TIMESTAMP(), 'x', 's', 'a', 'plain', '200' "
        "FROM information_schema.columns LIMIT 500");
  }

  test::TempFolder folder_;
  store::Options options_;
  MetricSet metrics_;
  test::CuttingProxy proxy_{mariadb().port()};
  std::unique_ptr<store::Driver> direct_;
  std::unique_ptr<store::Driver> driver_;
  AccountId id_;
  store::Fence fence_;
};

TEST_F(MysqlRepeats, ReadOnAFreshConnection) {
  must(driver_->find_account("test1"));
  proxy_.cut_next_answer();
  const auto account = must(driver_->find_account("test1"));
  ASSERT_TRUE(account);
  EXPECT_EQ(account->id, id_);
  EXPECT_EQ(proxy_.connections(), 2);
  EXPECT_EQ(repeats("lost"), 1);
}

TEST_F(MysqlRepeats, ClaimWhoseAnswerIsLostIsAppliedOnce) {
  proxy_.cut_next_answer();
  EXPECT_EQ(must(driver_->claim_session(id_, claim())).epoch, fence_.epoch + 1);
  EXPECT_EQ(proxy_.connections(), 2) << "the answer was lost";
  EXPECT_EQ(query("SELECT session_epoch FROM account"), std::to_string(fence_.epoch + 1) + "\n");
  EXPECT_EQ(must(driver_->claim_session(id_, claim())).epoch, fence_.epoch + 2);
}

TEST_F(MysqlRepeats, SaveWhoseAnswerIsLostIsAppliedOnce) {
  proxy_.cut_next_answer();
  must(driver_->save_player(id_, "s", fence_, 2, "second", "replies"));
  EXPECT_EQ(proxy_.connections(), 2) << "the answer was lost";
  EXPECT_EQ(query("SELECT version, data, replies FROM player_data"), "2\tsecond\treplies\n");
}

TEST_F(MysqlRepeats, WriteThatMayNotBeDoneTwiceIsNotRepeated) {
  EXPECT_TRUE(must(driver_->use_totp_step(id_, 1)));  // the statement is prepared now
  proxy_.cut_next_answer();
  EXPECT_EQ(code_of(driver_->use_totp_step(id_, 2)), Errc::kUnavailable);
  // The server applied it once; the answer was lost.
  ASSERT_TRUE(eventually([&] { return query("SELECT totp_step FROM account") == "2\n"; }));
  EXPECT_FALSE(must(driver_->use_totp_step(id_, 2)));
}

TEST_F(MysqlRepeats, TransactionWhoseConnectionIsLostIsNotRepeated) {
  const std::vector<store::NewAccount> accounts = {{"test2", "hash"}, {"test3", "hash"}};
  must(driver_->ping());
  proxy_.cut_next_answer();  // that of START TRANSACTION: nothing was done yet
  must(driver_->create_accounts(accounts));
  EXPECT_EQ(proxy_.connections(), 2);
  MysqlSession session(options_.mysql.database);
  session.run("START TRANSACTION");
  session.run("SELECT * FROM account WHERE name_key = 'test2' FOR UPDATE");
  auto deleted = std::async(std::launch::async, [&] { return driver_->delete_account("test2"); });
  ASSERT_TRUE(waiting_for_locks(1));
  proxy_.abandon_clients();
  EXPECT_EQ(code_of(deleted.get()), Errc::kUnavailable);
  session.run("COMMIT");
}

// The first claim is still under way at the server when the driver repeats it.
TEST_F(MysqlRepeats, ClaimThatArrivesLateIsAppliedOnce) {
  MysqlSession session(options_.mysql.database);
  session.run("START TRANSACTION");
  session.run("SELECT * FROM account FOR UPDATE");
  auto claimed =
      std::async(std::launch::async, [&] { return driver_->claim_session(id_, claim()); });
  ASSERT_TRUE(waiting_for_locks(1));
  proxy_.abandon_clients();
  ASSERT_TRUE(waiting_for_locks(2));
  session.run("COMMIT");
  EXPECT_EQ(must(claimed.get()).epoch, fence_.epoch + 1);
  ASSERT_TRUE(nothing_runs());
  EXPECT_EQ(query("SELECT session_epoch FROM account"), std::to_string(fence_.epoch + 1) + "\n");
}

TEST_F(MysqlRepeats, SaveThatArrivesLateOverwritesNothing) {
  MysqlSession session(options_.mysql.database);
  session.run("START TRANSACTION");
  session.run("SELECT * FROM player_data FOR UPDATE");
  auto saved = std::async(std::launch::async, [&] {
    return driver_->save_player(id_, "s", fence_, 2, "second", std::nullopt);
  });
  ASSERT_TRUE(waiting_for_locks(1));
  proxy_.abandon_clients();
  ASSERT_TRUE(waiting_for_locks(2));
  // The next save gets there first, whichever of the others is the last.
  session.run("UPDATE player_data SET data = 'third', version = 3");
  session.run("COMMIT");
  must(saved.get());
  ASSERT_TRUE(nothing_runs());
  EXPECT_EQ(query("SELECT version, data FROM player_data"), "3\tthird\n");
}

TEST_F(MysqlRepeats, StatementThatLosesADeadlock) {
  std::vector<store::LoginAudit> rows(2, {.name = "x",
                                          .account = {},
                                          .server = "s",
                                          .address = "a",
                                          .suite = "plain",
                                          .result = "200",
                                          .at_s = 1'000});
  rows[1].at_s = 2'000;
  must(driver_->record_logins(rows));
  MysqlSession session(options_.mysql.database);
  session.run("START TRANSACTION");
  grow(session);
  session.run("SELECT * FROM login_audit WHERE id = 2 FOR UPDATE");
  // Holds the first row and waits for the second.
  auto trimmed =
      std::async(std::launch::async, [&] { return driver_->trim_login_audit(3'000, 10); });
  ASSERT_TRUE(waiting_for_locks(1));
  session.run("SELECT * FROM login_audit WHERE id = 1 FOR UPDATE");
  session.run("COMMIT");
  EXPECT_EQ(must(trimmed.get()), 2u);
  EXPECT_EQ(repeats("deadlock"), 1);
}

TEST_F(MysqlRepeats, TransactionThatLosesADeadlockRunsAgainAsAWhole) {
  MysqlSession session(options_.mysql.database);
  session.run("START TRANSACTION");
  grow(session);
  session.run("UPDATE player_data SET replies = NULL");
  auto deleted = std::async(std::launch::async, [&] { return driver_->delete_account("test1"); });
  ASSERT_TRUE(waiting_for_locks(1));
  session.run("UPDATE account SET ban_reason = 'x'");
  session.run("COMMIT");
  must(deleted.get());
  EXPECT_EQ(repeats("deadlock"), 1);
  EXPECT_EQ(query("SELECT COUNT(*) FROM player_data"), "0\n");
}

TEST_F(MysqlRepeats, ConnectionsAreCounted) {
  const auto value = [&](const char* name) { return metrics_.counter(name, "", "").value(); };
  EXPECT_EQ(value("store_connections"), 1);
  EXPECT_EQ(value("store_connects_total"), 1);
  proxy_.cut_next_answer();
  must(driver_->find_account("test1"));
  EXPECT_EQ(value("store_connections"), 1);
  EXPECT_EQ(value("store_connects_total"), 2);
  EXPECT_EQ(value("store_connect_errors_total"), 0);
  driver_.reset();
  EXPECT_EQ(value("store_connections"), 0);
}

}  // namespace
}  // namespace gatehouse::drivers
