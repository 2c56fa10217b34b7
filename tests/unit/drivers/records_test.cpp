#include "store_fixture.hpp"
#include "test_world.hpp"

namespace gatehouse::drivers {
namespace {

class Records : public StoreTest {};
GATEHOUSE_ON_BOTH_STORES(Records);

TEST_P(Records, GameServersAreWrittenReadAndListed) {
  EXPECT_FALSE(must(driver_->game_server("sample")));
  must(driver_->upsert_game_server(
      {.name = "sample", .state = store::ServerState::kOpen, .capacity = 7}));
  must(driver_->upsert_game_server({.name = "Sample", .state = store::ServerState::kMaintenance}));
  must(driver_->upsert_game_server(
      {.name = "sample", .state = store::ServerState::kClosed, .capacity = 4'294'967'295}));

  const auto server = must(driver_->game_server("sample"));
  ASSERT_TRUE(server);
  EXPECT_EQ(server->state, store::ServerState::kClosed);
  EXPECT_EQ(server->capacity, 4'294'967'295u);
  const auto all = must(driver_->list_game_servers());
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].name, "Sample");
  EXPECT_EQ(all[0].state, store::ServerState::kMaintenance);
}

// MySQL's collations would take "sample " for "sample".
TEST_P(Records, GameServerNamesAreByteExact) {
  must(driver_->upsert_game_server({.name = "sample"}));
  for (const char* other : {"sample ", " sample", "SAMPLE", "sample\t", "\xff", ""})
    EXPECT_FALSE(must(driver_->game_server(other))) << other;
  for (const char* bad : {"sample ", " ", "", "a\nb", "\xff"})
    EXPECT_EQ(code_of(driver_->upsert_game_server({.name = bad})), Errc::kInvalid) << bad;
}

TEST_P(Records, AddressBansInForceAreListed) {
  const bool mysql = GetParam() == Kind::kMysql;
  const std::string until = mysql ? "'2030-01-01 00:00:00'" : "unixepoch('2030-01-01 00:00:00')";
  constexpr std::int64_t kUntil = 1'893'456'000;
  change(
      "INSERT INTO address_ban (network, banned_until, reason) VALUES "
      "('192.0.2.7', " +
      until + ", 'flood'), ('198.51.100.0/24', NULL, 'botnet');");
  auto bans = must(driver_->list_address_bans(kUntil - 1));
  ASSERT_EQ(bans.size(), 2u);
  EXPECT_EQ(bans[0].network, "192.0.2.7");
  EXPECT_EQ(bans[0].until_s, kUntil);
  EXPECT_EQ(bans[0].reason, "flood");
  EXPECT_EQ(bans[1].network, "198.51.100.0/24");
  EXPECT_EQ(bans[1].until_s, 0);
  bans = must(driver_->list_address_bans(kUntil));
  ASSERT_EQ(bans.size(), 1u);
  EXPECT_EQ(bans[0].network, "198.51.100.0/24");
}

TEST_P(Records, LoginAuditTakesWhateverAClientSends) {
  must(driver_->create_account("clock", "its created_at is the database's time"));
  store::LoginAudit audit{.name = "test1",
                          .account = AccountId{3},
                          .server = "sample",
                          .address = "127.0.0.1",
                          .suite = "skynet",
                          .result = "200",
                          .transport = "wss",
                          .tls = "TLSv1.3 TLS_AES_256_GCM_SHA384",
                          .proxy = "192.0.2.7",
                          .at_s = 1'893'456'000};
  must(driver_->record_logins({&audit, 1}));
  audit = {.name = "bad\xff" + std::string(200, 'x'),
           .account = {},
           .server = std::string("\0", 1),
           .address = std::string(300, 'a'),
           .suite = "",
           .result = "401",
           .transport = std::string(300, 't'),
           .tls = std::string(300, 't'),
           .proxy = std::string(300, 't'),
           .at_s = 0};
  must(driver_->record_logins({&audit, 1}));
  // The driver has no call that reads the audit: a migration that breaks on any other content
  // stands for it.
  change(
      "CREATE TABLE expected (n INTEGER NOT NULL, CHECK (n = 1));"
      "INSERT INTO expected SELECT COUNT(*) FROM login_audit WHERE name = 'test1' AND "
      "account = 3 AND server = 'sample' AND address = '127.0.0.1' AND suite = 'skynet' AND "
      "result = '200' AND transport = 'wss' AND tls = 'TLSv1.3 TLS_AES_256_GCM_SHA384' AND "
      "proxy = '192.0.2.7';"
      "INSERT INTO expected SELECT COUNT(*) FROM login_audit WHERE name LIKE 'bad?xxx%' AND "
      "account IS NULL AND server = '?' AND LENGTH(name) = 64 AND LENGTH(address) = 64 AND "
      "LENGTH(transport) = 16 AND LENGTH(tls) = 64 AND LENGTH(proxy) = 64 AND result = '401' AND "
      "at >= (SELECT MAX(created_at) FROM account);");
}

TEST_P(Records, AuditIsWrittenInBulkAndTrimmedOldestFirst) {
  constexpr std::int64_t kStart = 1'893'456'000;
  std::vector<store::LoginAudit> rows;
  for (int i = 0; i < 300; ++i)
    rows.push_back({.name = "test" + std::to_string(i),
                    .account = {},
                    .server = "sample",
                    .address = "127.0.0.1",
                    .suite = "plain",
                    .result = "401",
                    .at_s = kStart + i});
  must(driver_->record_logins(rows));
  must(driver_->record_logins({}));
  rows.resize(64);
  must(driver_->record_logins(rows));
  EXPECT_EQ(must(driver_->trim_login_audit(kStart, 1'000)), 0u);
  EXPECT_EQ(must(driver_->trim_login_audit(kStart + 100, 30)), 30u);
  EXPECT_EQ(must(driver_->trim_login_audit(kStart + 15, 1'000)), 0u) << "the oldest went first";
  EXPECT_EQ(must(driver_->trim_login_audit(kStart + 64, 1'000)), 98u);
  EXPECT_EQ(must(driver_->trim_login_audit(kStart + 1'000, 1'000)), 236u);
}

TEST_P(Records, RefusalsOfAnAddressAreOneRowAMinute) {
  constexpr std::int64_t kStart = 1'893'456'000;
  store::LoginAudit refused{.name = "first",
                            .account = {},
                            .server = "sample",
                            .address = "192.0.2.1",
                            .suite = "plain",
                            .result = "401",
                            .at_s = kStart,
                            .minute = kStart / 60,
                            .attempts = 3,
                            .names = 2};
  store::LoginAudit other = refused, later = refused, last = refused, admitted = refused;
  other.address = "*";
  later.minute += 1;
  last.name = "last";
  last.result = "429";
  last.names = 1;
  admitted.minute = 0;
  admitted.attempts = admitted.names = 1;
  must(driver_->record_logins(std::vector{refused, admitted, other, last, later, admitted}));
  must(driver_->record_logins({&last, 1}));
  EXPECT_EQ(must(driver_->measure_login_audit(0, 100)).rows, 5u);
  change(
      "CREATE TABLE expected (n INTEGER NOT NULL, CHECK (n = 1));"
      "INSERT INTO expected SELECT COUNT(*) FROM login_audit WHERE address = '192.0.2.1' AND "
      "name = 'last' AND result = '429' AND attempts = 9 AND names = 2;"
      "INSERT INTO expected SELECT COUNT(*) - 1 FROM login_audit WHERE minute IS NULL;"
      "INSERT INTO expected SELECT COUNT(*) FROM login_audit WHERE address = '*' AND "
      "name = 'first' AND attempts = 3;");
}

TEST_P(Records, AuditIsMeasuredAndCutInTheOrderOfItsRows) {
  std::vector<store::LoginAudit> rows(300, {.name = "严",
                                            .account = {},
                                            .server = "sample",
                                            .address = "192.0.2.1",
                                            .suite = "plain",
                                            .result = "200"});
  must(driver_->record_logins(rows));
  const store::AuditPart first = must(driver_->measure_login_audit(0, 120));
  EXPECT_EQ(first.rows, 120u);
  EXPECT_GT(first.bytes, 120u * 200);
  EXPECT_LT(first.bytes, 120u * 400);
  const store::AuditPart rest = must(driver_->measure_login_audit(first.last_id, 1'000));
  EXPECT_EQ(rest.rows, 180u);
  EXPECT_EQ(must(driver_->measure_login_audit(rest.last_id, 1'000)).rows, 0u);
  EXPECT_EQ(must(driver_->cut_login_audit(first.last_id, 100)), 100u);
  EXPECT_EQ(must(driver_->cut_login_audit(first.last_id, 100)), 20u);
  EXPECT_EQ(must(driver_->cut_login_audit(first.last_id, 100)), 0u);
  EXPECT_EQ(must(driver_->measure_login_audit(0, 1'000)).rows, 180u);
}

TEST_P(Records, AllowedNetworksAreListed) {
  EXPECT_TRUE(must(driver_->list_address_allows()).empty());
  change(
      "INSERT INTO address_allow (network, note) VALUES "
      "('192.0.2.0/24', 'office'), ('127.0.0.1', '');");
  const auto allows = must(driver_->list_address_allows());
  ASSERT_EQ(allows.size(), 2u);
  EXPECT_EQ(allows[0].network, "127.0.0.1");
  EXPECT_EQ(allows[1].network, "192.0.2.0/24");
  EXPECT_EQ(allows[1].note, "office");
}

TEST(StoreMysql, TablesHoldWhatTheDriverWrote) {
  test::TempFolder folder;
  const store::Options options = fresh_options(Kind::kMysql, folder);
  auto driver = must(open(test_world(), options));
  must(driver->migrate());
  const auto query = [&](const std::string& sql) {
    return mariadb().query(options.mysql.database, sql);
  };
  const store::Account account = must(driver->create_account("' OR 1=1 --", "hash"));
  must(driver->create_account("严", "hash"));
  must(driver->create_account("a ", "hash"));
  EXPECT_EQ(query("SELECT name, HEX(name_key), status FROM account ORDER BY id"),
            "' OR 1=1 --\t27204F5220313D31202D2D\tactive\n严\tE4B8A5\tactive\n"
            "a \t6120\tactive\n");
  const auto epoch = must(driver->claim_session(
      account.id, {.gate = "gate1", .server = "sample", .address = "127.0.0.1", .subid = {}}));
  EXPECT_EQ(query("SELECT session_epoch, session_gate, session_server, session_subid, "
                  "last_login_addr, ABS(TIMESTAMPDIFF(SECOND, last_login_at, UTC_TIMESTAMP())) < 5 "
                  "FROM account WHERE id = 1"),
            "1\tgate1\tsample\t1\t127.0.0.1\t1\n");
  must(driver->load_player(account.id, "sample", epoch));
  must(driver->save_player(account.id, "sample", epoch, 1, std::string("a\0b", 3), std::nullopt));
  EXPECT_EQ(query("SELECT epoch, version, HEX(data), replies FROM player_data"),
            "1\t1\t610062\tNULL\n");
  const store::LoginAudit audit{.name = "严",
                                .account = account.id,
                                .server = "sample",
                                .address = "127.0.0.1",
                                .suite = "skynet",
                                .result = "200",
                                .at_s = 4'102'444'800};
  must(driver->record_logins({&audit, 1}));
  EXPECT_EQ(query("SELECT at, name, account, result FROM login_audit"),
            "2100-01-01 00:00:00\t严\t1\t200\n");
  must(driver->set_ban("a ", true, 4'102'444'800, "x"));
  EXPECT_EQ(query("SELECT status, banned_until FROM account WHERE id = 3"),
            "banned\t2100-01-01 00:00:00\n");
}

// What ops do by hand (sql/README.md) is what the server reads.
TEST(StoreMysql, RowsWrittenByHandAreRead) {
  test::TempFolder folder;
  const store::Options options = fresh_options(Kind::kMysql, folder);
  auto driver = must(open(test_world(), options));
  must(driver->migrate());
  mariadb().query(options.mysql.database,
                  "INSERT INTO account (name, password_hash) VALUES ('by hand', 'hash');"
                  "INSERT INTO game_server (name, state) VALUES ('sample', 'maintenance')");
  const auto account = must(driver->find_account("by hand"));
  ASSERT_TRUE(account);
  EXPECT_EQ(account->status, store::AccountStatus::kActive);
  EXPECT_NEAR(static_cast<double>(account->created_at_s), static_cast<double>(wall_ms() / 1000), 5);
  EXPECT_EQ(must(driver->game_server("sample"))->state, store::ServerState::kMaintenance);
}

TEST(StoreMysql, ExamplesOfTheReadmeRun) {
  test::TempFolder folder;
  const store::Options options = fresh_options(Kind::kMysql, folder);
  auto driver = must(open(test_world(), options));
  must(driver->migrate());
  must(driver->create_account("test1", "hash"));
  mariadb().query(options.mysql.database, readme_sql("-- MySQL."));
  const auto account = must(driver->find_account("test1"));
  ASSERT_TRUE(account);
  EXPECT_EQ(account->status, store::AccountStatus::kActive);
  EXPECT_EQ(account->password_hash, "");
  EXPECT_EQ(account->ticket_generation, 5u);
  EXPECT_TRUE(account->staff);
  EXPECT_EQ(must(driver->game_server("sample"))->state, store::ServerState::kOpen);
  EXPECT_EQ(must(driver->list_address_bans(0)).size(), 1u);
}

}  // namespace
}  // namespace gatehouse::drivers
