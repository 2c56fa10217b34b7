// What is left of a login: log lines, counters and rows of login_audit, and no secret in any.
#include <algorithm>
#include <fstream>

#include "base/log.hpp"
#include "crypto/encoding.hpp"
#include "login/audit.hpp"
#include "login/outcome_log.hpp"
#include "login_fixture.hpp"
#include "test_world.hpp"

namespace gatehouse::login {
namespace {

// Sends the log to a file while it lives.
class LogFile {
 public:
  explicit LogFile(log::Level level = log::Level::kInfo) {
    EXPECT_TRUE(log::start({.level = level, .file = folder_ / "log"}));
  }
  ~LogFile() { EXPECT_TRUE(log::start({})); }
  std::string text() const {
    log::flush();
    std::ifstream in(folder_ / "log");
    std::stringstream all;
    all << in.rdbuf();
    return all.str();
  }

 private:
  test::TempFolder folder_;
};

TEST(LoginRecord, RefusalsAreLoggedWithReasonAndEscapedName) {
  LogFile file;
  {
    TestServer server;
    EXPECT_EQ(server.plain("quote\"d", "right"), "200");
    EXPECT_EQ(server.plain("quote\"d", "a-password-to-look-for"), "401 Unauthorized");
  }
  const std::string log = file.text();
  EXPECT_NE(log.find("[:00000000] login 127.0.0.1:"), std::string::npos) << log;
  EXPECT_NE(log.find(" over tcp, suite plain, refused 401: wrong_password, user \"quote\\\"d\", "
                     "server \"sample\"\n"),
            std::string::npos)
      << log;
}

TEST(LoginRecord, NoSecretIsLogged) {
  LogFile file(log::Level::kDebug);
  std::vector<std::string> secrets{"a-password-to-look-for"};
  {
    TestServer server;
    for (const char* suite : {"plain", "skynet", "wrong"}) {
      LoginClient client(server.address());
      const std::string token = make_token("test1", "a-password-to-look-for");
      if (suite[0] == 's') {
        client.login_skynet(token);
      } else {
        client.login_plain(suite[0] == 'w' ? make_token("test1", "wrong-password") : token);
      }
      if (!client.secret().empty()) secrets.push_back(client.secret());
    }
    EXPECT_EQ(secrets.size(), 3u);
    secrets.push_back("wrong-password");
    secrets.push_back(server.accounts().at(0).password_hash);
  }
  const std::string log = file.text();
  EXPECT_NE(log.find("wrong_password"), std::string::npos) << "the log is not empty";
  for (const std::string& secret : secrets) {
    EXPECT_EQ(log.find(secret), std::string::npos);
    EXPECT_EQ(log.find(crypto::base64_encode(secret)), std::string::npos);
    EXPECT_EQ(log.find(crypto::hex_encode(secret)), std::string::npos);
  }
}

TEST(LoginRecord, AFloodOfRefusalsIsCountedAndSummedUp) {
  LogFile file;
  constexpr int kFlood = 1'000;
  MetricSet metrics;
  actor::System idle(test_world(), {}, metrics);
  OutcomeLog outcomes(idle.worker(0), metrics);
  const auto peer = net::Address::from("127.0.0.1", 5000).value();
  const MonotonicMs begin = monotonic_ms();
  for (int i = 0; i < kFlood; ++i) outcomes.refused(peer, kWrongPassword);
  const auto seconds = static_cast<std::size_t>((monotonic_ms() - begin) / 1'000 + 1);
  const std::string log = file.text();
  const auto lines = static_cast<std::size_t>(std::count(log.begin(), log.end(), '\n'));
  EXPECT_GE(lines, OutcomeLog::kLinesPerSecond);
  EXPECT_LE(lines, (OutcomeLog::kLinesPerSecond + 1) * seconds);
  EXPECT_EQ(metrics.counter("login_total", "result=\"wrong_password\"", "").value(), kFlood);
  // The worker comes by a second later.
  idle.worker(0).timers().advance(monotonic_ms() + 1'001);
  const std::string summed = file.text();
  EXPECT_NE(summed.find("more refusals, not logged one by one"), std::string::npos) << summed;
}

TEST(LoginRecord, LoginsAreAudited) {
  TestServer server;
  EXPECT_EQ(server.plain("quote'd", "right"), "200");
  EXPECT_EQ(server.plain("quote'd", "wrong"), "401 Unauthorized");
  LoginClient skynet(server.address());
  EXPECT_EQ(skynet.login_skynet(make_token("other", "right", "atlantis")), "403 Forbidden");
  const std::string id = std::to_string(server.accounts().at(0).id.value);
  EXPECT_TRUE(
      eventually([&] { return server.sql("SELECT SUM(attempts) FROM login_audit") == "3\n"; }));
  const std::string columns =
      "SELECT name, server, address, suite, result, transport, tls, proxy FROM login_audit ";
  EXPECT_EQ(server.sql(columns + "WHERE minute IS NULL"),
            "quote'd|sample|127.0.0.1|plain|200|tcp||\n");
  EXPECT_EQ(server.sql(columns + "WHERE minute IS NOT NULL ORDER BY id DESC LIMIT 1"),
            "other|atlantis|127.0.0.1|skynet|403|tcp||\n");
  EXPECT_EQ(server.sql("SELECT account FROM login_audit WHERE result = '200'"), id + "\n");
  EXPECT_EQ(server.metric("login_audit_dropped"), 0);
}

TEST(LoginRecord, AnAuditThatCannotBeWrittenIsCounted) {
  test::TempFolder broken;
  TestOptions options;
  options.store_path = broken.path();
  TestServer server(std::move(options));
  EXPECT_EQ(server.plain("test1", "x"), "503 Service Unavailable");
  EXPECT_TRUE(eventually([&] { return server.metric("login_audit_dropped") == 1; }));
}

TEST(LoginRecord, AllLoginsOfABurstAreCounted) {
  TestServer server;
  Audit audit(test_world().clock, *server.store, server.metrics, true, 2);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&audit] {
      for (int i = 0; i < 125; ++i) {
        audit.record({"n", AccountId{}, "s", "127.0.0.1", "plain", "200"});
        const std::string guess = "guess" + std::to_string(i % 5);
        audit.record({guess, AccountId{}, "s", "192.0.2." + std::to_string(i), "plain", "401"});
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto counted = [&] {
    audit.flush();
    return server.sql("SELECT SUM(attempts) FROM login_audit") == "1000\n";
  };
  EXPECT_TRUE(eventually(counted)) << server.sql("SELECT SUM(attempts) FROM login_audit");
  EXPECT_EQ(server.sql("SELECT COUNT(*) FROM login_audit WHERE minute IS NULL"), "500\n");
  EXPECT_EQ(server.sql("SELECT COUNT(*) <= 3 * COUNT(DISTINCT minute), MAX(names) FROM login_audit "
                       "WHERE minute IS NOT NULL"),
            "1|5\n");
  EXPECT_EQ(server.metric("login_audit_dropped"), 0);
}

}  // namespace
}  // namespace gatehouse::login
