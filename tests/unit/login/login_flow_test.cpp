// What becomes of a token: password check, accounts, bans, placement, and all that can fail or
// happen twice meanwhile.
#include <algorithm>
#include <ctime>
#include <limits>

#include "login_fixture.hpp"
#include "test_world.hpp"

namespace gatehouse::login {
namespace {

std::string repeat(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

void add_account(TestServer& server, std::string_view name, std::string_view hash) {
  const auto created = server.driver()->create_account(name, hash);
  ASSERT_TRUE(created) << created.error().message;
}

TEST(LoginFlow, TheFirstLoginMakesTheAccountAndTheNextFindsIt) {
  TestServer server;
  EXPECT_EQ(server.plain("test1", "123"), "200");
  EXPECT_EQ(server.plain("test1", "123"), "200");
  EXPECT_EQ(server.plain("test1", "124"), "401 Unauthorized");
  const auto accounts = server.accounts();
  ASSERT_EQ(accounts.size(), 1u);
  EXPECT_EQ(accounts[0].name, "test1");
  EXPECT_TRUE(accounts[0].password_hash.starts_with("$argon2id$v=19$m=8,t=1,p=1$"));
  EXPECT_EQ(server.placer.grants().size(), 2u);
  EXPECT_EQ(server.counted("wrong_password"), 1);
}

TEST(LoginFlow, ClosedRegistrationRefusesStrangersLikeWrongPasswords) {
  TestOptions options;
  options.login.auth.registration = AuthenticatorOptions::Registration::kClosed;
  TestServer server(std::move(options));
  add_account(server, "known",
              crypto::hash_password(test_world().random, Secret("right"), kCheapCost).value());
  EXPECT_EQ(server.plain("stranger", "x"), "401 Unauthorized");
  EXPECT_EQ(server.plain("known", "x"), "401 Unauthorized");
  EXPECT_EQ(server.plain("known", "right"), "200");
  EXPECT_EQ(server.accounts().size(), 1u);
  EXPECT_EQ(server.counted("unknown_user"), 1);
}

// The cheapest of some logins each, in CPU time of the process, which other load on the machine
// does not change; a stranger answered without a hash would take a fraction.
TEST(LoginFlow, StrangersCostTheTimeOfAWrongPassword) {
  TestOptions options;
  options.login.auth.registration = AuthenticatorOptions::Registration::kClosed;
  options.login.auth.cost = {.memory_kib = 16'384, .passes = 3, .lanes = 1};
  const auto cost = options.login.auth.cost;
  TestServer server(std::move(options));
  add_account(server, "known",
              crypto::hash_password(test_world().random, Secret("right"), cost).value());
  add_account(server, "locked", "!");
  const auto cheapest = [&](std::string_view name) {
    std::clock_t best = std::numeric_limits<std::clock_t>::max();
    for (int i = 0; i < 5; ++i) {
      const std::clock_t begin = std::clock();
      EXPECT_EQ(server.plain(name, "wrong"), "401 Unauthorized");
      best = std::min(best, std::clock() - begin);
    }
    return best;
  };
  const std::clock_t known = cheapest("known");
  EXPECT_GT(cheapest("stranger"), known / 3);
  EXPECT_GT(cheapest("locked"), known / 3);
}

TEST(LoginFlow, NamesAreKeptToTheByte) {
  TestOptions options;
  options.login.auth.names = NewNames::kAny;
  TestServer server(std::move(options));
  const std::vector<std::string> good{"' OR 1=1 --",
                                      "\"; DROP TABLE account; --",
                                      "严",
                                      repeat("x", 64),
                                      repeat("严", 64),
                                      repeat("\U0001f600", 64),
                                      "Case",
                                      "case",
                                      "case ",
                                      "a@b:c#d!e",
                                      "100%_\\"};
  for (const std::string& name : good) {
    EXPECT_EQ(server.plain(name, "x"), "200") << name;
    EXPECT_EQ(server.plain(name, "y"), "401 Unauthorized") << name;
    EXPECT_EQ(server.placer.grants().back().uid, name);
  }
  std::set<std::string> stored;
  for (const auto& account : server.accounts()) stored.insert(account.name);
  EXPECT_EQ(stored, std::set<std::string>(good.begin(), good.end()));
}

TEST(LoginFlow, NamesThatAreNoneMakeNoAccount) {
  TestServer server;
  const std::vector<std::string> bad{"",
                                     repeat("y", 65),
                                     repeat("严", 65),
                                     std::string("nul\0byte", 8),
                                     "line\nbreak",
                                     "escape\x1b[31m",
                                     "delete\x7f",
                                     "c1\u0085",
                                     "\xff\xfe"};
  for (const std::string& name : bad) {
    EXPECT_EQ(server.plain(name, "x"), "401 Unauthorized") << name;
    LoginClient skynet(server.address());
    EXPECT_EQ(skynet.login_skynet(make_token(name, "x")), "401 Unauthorized") << name;
  }
  EXPECT_EQ(server.plain("name", ""), "401 Unauthorized") << "an empty password";
  EXPECT_TRUE(server.accounts().empty());
  EXPECT_EQ(server.counted("bad_user_name"), 2 * static_cast<std::int64_t>(bad.size()));
}

TEST(LoginFlow, TwoSpellingsOfANameAreOneAccount) {
  TestServer server;
  EXPECT_EQ(server.plain("cafe\u0301", "x"), "200");
  EXPECT_EQ(server.plain("caf\u00e9", "x"), "200");
  ASSERT_EQ(server.accounts().size(), 1u);
  EXPECT_EQ(server.accounts()[0].name, "caf\u00e9");
}

TEST(LoginFlow, AServerNobodyServesIs403AndMakesNoAccount) {
  TestServer server;
  EXPECT_EQ(server.plain("test1", "123", "atlantis"), "403 Forbidden");
  EXPECT_TRUE(server.accounts().empty());
  EXPECT_EQ(server.counted("server_unknown"), 1);
}

TEST(LoginFlow, AServerThatOpsClosedIs403) {
  TestServer server;
  EXPECT_EQ(server.plain("known", "x"), "200");
  auto driver = server.driver();
  ASSERT_TRUE(driver->upsert_game_server({"sample", store::ServerState::kMaintenance, 0}));
  EXPECT_EQ(server.plain("known", "x"), "403 Forbidden");
  EXPECT_EQ(server.plain("known", "y"), "401 Unauthorized");
  EXPECT_EQ(server.plain("stranger", "x"), "403 Forbidden");
  EXPECT_EQ(server.accounts().size(), 1u);
  ASSERT_TRUE(driver->upsert_game_server({"sample", store::ServerState::kOpen, 0}));
  EXPECT_EQ(server.plain("known", "x"), "200");
}

TEST(LoginFlow, BansAreToldToWhoKnowsThePassword) {
  TestServer server;
  EXPECT_EQ(server.plain("test1", "123"), "200");
  auto driver = server.driver();
  ASSERT_TRUE(driver->set_ban("test1", true, 0, "cheating"));
  EXPECT_EQ(server.plain("test1", "wrong"), "401 Unauthorized");
  EXPECT_EQ(server.plain("test1", "123"), "403 Forbidden");
  ASSERT_TRUE(driver->set_ban("test1", true, wall_ms() / 1000 - 10, "over"));
  EXPECT_EQ(server.plain("test1", "123"), "200");
  server.sql("UPDATE account SET status = 'closed'");
  EXPECT_EQ(server.plain("test1", "wrong"), "401 Unauthorized");
  EXPECT_EQ(server.plain("test1", "123"), "403 Forbidden");
  EXPECT_EQ(server.counted("banned"), 1);
  EXPECT_EQ(server.counted("account_closed"), 1);
}

TEST(LoginFlow, UnusableHashesLetNobodyIn) {
  TestServer server;
  add_account(server, "policy", "!");
  add_account(server, "empty", "");
  add_account(server, "broken", "$argon2id$v=19$m=1,t=1,p=1$what");
  for (const char* name : {"policy", "empty", "broken"})
    EXPECT_EQ(server.plain(name, "!"), "401 Unauthorized") << name;
  EXPECT_EQ(server.counted("password_unusable"), 3);
}

TEST(LoginFlow, AGoodLoginReplacesAnOldHash) {
  TestServer server;
  const auto old =
      crypto::hash_password(test_world().random, Secret("123"), {.memory_kib = 16, .passes = 2})
          .value();
  add_account(server, "old", old);
  EXPECT_EQ(server.plain("old", "wrong"), "401 Unauthorized");
  EXPECT_EQ(server.plain("old", "123"), "200");
  ASSERT_TRUE(eventually([&] { return server.accounts()[0].password_hash != old; }));
  EXPECT_FALSE(crypto::needs_rehash(server.accounts()[0].password_hash, kCheapCost));
  EXPECT_EQ(server.plain("old", "123"), "200");
  EXPECT_EQ(server.plain("old", "wrong"), "401 Unauthorized");
}

TEST(LoginFlow, ErrorsOfThePlacerBecomeAnswers) {
  TestServer server;
  const std::map<Errc, std::string> answers{
      {Errc::kNotFound, "403 Forbidden"},         {Errc::kDenied, "403 Forbidden"},
      {Errc::kExists, "406 Not Acceptable"},      {Errc::kUnavailable, "503 Service Unavailable"},
      {Errc::kFull, "503 Service Unavailable"},   {Errc::kFenced, "503 Service Unavailable"},
      {Errc::kTimeout, "503 Service Unavailable"}};
  for (const auto& [code, answer] : answers) {
    server.placer.fail_with(code);
    EXPECT_EQ(server.plain("test1", "123"), answer);
  }
}

TEST(LoginFlow, SixLoginsOfOneUidAtOnceAreOne200AndFive406) {
  TestServer server;
  server.placer.hold(true);
  std::vector<std::unique_ptr<LoginClient>> clients;
  for (int i = 0; i < 6; ++i) {
    clients.push_back(std::make_unique<LoginClient>(server.address()));
    clients.back()->send_line(make_token("twin", "x"));
  }
  ASSERT_TRUE(eventually([&] { return server.counted("in_progress") == 5; }));
  EXPECT_EQ(server.plain("other", "x", "atlantis"), "403 Forbidden") << "others are not held up";
  ASSERT_TRUE(eventually([&] { return server.placer.held() == 1; }));
  server.placer.release();
  std::multiset<std::string> answers;
  for (const auto& client : clients) {
    client->read_line();
    answers.insert(client->read_line().substr(0, 3));
  }
  EXPECT_EQ(answers.count("200"), 1u);
  EXPECT_EQ(answers.count("406"), 5u);
  EXPECT_EQ(server.plain("twin", "x"), "200");
}

TEST(LoginFlow, AClientGoneDuringTheHashIsForgotten) {
  TestServer server;
  auto block = std::make_unique<PoolBlock>(*server.hash_pool);
  {
    LoginClient client(server.address());
    client.send_line(make_token("gone", "first"));
    ASSERT_TRUE(eventually([&] { return server.hash_pool->queue_length() == 1; }));
  }
  ASSERT_TRUE(eventually([&] { return server.login->connection_count() == 0; }));
  block.reset();
  EXPECT_EQ(server.plain("gone", "second"), "200") << "the first login has made no account";
  EXPECT_EQ(server.placer.grants().size(), 1u);
  EXPECT_EQ(server.counted("client_left"), 1);
}

TEST(LoginFlow, AClientGoneDuringThePlacementLeavesTheSession) {
  TestServer server;
  server.placer.hold(true);
  {
    LoginClient client(server.address());
    client.send_line(make_token("gone", "x"));
    ASSERT_TRUE(eventually([&] { return server.placer.held() == 1; }));
  }
  ASSERT_TRUE(eventually([&] { return server.login->connection_count() == 0; }));
  EXPECT_EQ(server.plain("gone", "x"), "406 Not Acceptable") << "its placement still runs";
  server.placer.release();
  ASSERT_TRUE(eventually([&] { return server.plain("gone", "x") == "200"; }));
  EXPECT_EQ(server.placer.grants().size(), 2u);
}

TEST(LoginFlow, AnAnswerThatTakesTooLongIs503) {
  TestOptions options;
  options.login.answer_timeout_ms = 100;
  TestServer server(std::move(options));
  server.placer.hold(true);
  EXPECT_EQ(server.plain("slow", "x"), "503 Service Unavailable");
  EXPECT_EQ(server.counted("answer_timeout"), 1);
  EXPECT_EQ(server.plain("slow", "x"), "406 Not Acceptable");
  server.placer.release();
  EXPECT_TRUE(eventually([&] { return server.plain("slow", "x") == "200"; }));
}

TEST(LoginFlow, AFullHashPoolIs503) {
  TestOptions options;
  options.hash_queue_max = 1;
  TestServer server(std::move(options));
  auto block = std::make_unique<PoolBlock>(*server.hash_pool);
  LoginClient waiting(server.address());
  waiting.send_line(make_token("waits", "x"));
  ASSERT_TRUE(eventually([&] { return server.hash_pool->queue_length() == 1; }));
  EXPECT_EQ(server.plain("late", "x"), "503 Service Unavailable");
  EXPECT_EQ(server.counted("hash_queue_full"), 1);
  block.reset();
  waiting.read_line();
  EXPECT_TRUE(waiting.read_line().starts_with("200 "));
  EXPECT_EQ(server.plain("late", "x"), "200");
}

// A folder in the database's place, and a database without tables.
TEST(LoginFlow, AStoreErrorIs503AndLetsNobodyIn) {
  test::TempFolder broken;
  for (const std::string& path : {broken.path(), broken / "empty.db"}) {
    TestOptions options;
    options.store_path = path;
    TestServer server(std::move(options));
    EXPECT_EQ(server.plain("test1", "123"), "503 Service Unavailable") << path;
    LoginClient skynet(server.address());
    EXPECT_EQ(skynet.login_skynet(make_token("test1", "123")), "503 Service Unavailable");
    EXPECT_TRUE(server.placer.grants().empty());
    EXPECT_EQ(server.counted("store_unavailable"), 2);
  }
}

TEST(LoginFlow, StopAnswers503ToAllAndCloses) {
  TestServer server;
  server.placer.hold(true);
  LoginClient silent(server.address()), placing(server.address());
  EXPECT_EQ(silent.read_line().size(), 12u);
  placing.send_line(make_token("test1", "123"));
  ASSERT_TRUE(eventually([&] { return server.placer.held() == 1; }));
  const net::Address address = server.address();
  server.login->stop();
  EXPECT_EQ(silent.read_to_end(), "503 Service Unavailable\n");
  placing.read_line();
  EXPECT_EQ(placing.read_to_end(), "503 Service Unavailable\n");
  silent.close();
  placing.close();
  EXPECT_TRUE(eventually([&] { return server.login->connection_count() == 0; }));
  EXPECT_EQ(LoginClient(address).read_to_end(), "");
  server.placer.release();
}

TEST(LoginFlow, TheServerEndsWithLoginsEverywhere) {
  TestServer server;
  server.placer.hold(true);
  LoginClient silent(server.address()), placing(server.address()), hashing(server.address());
  silent.read_line();
  placing.send_line(make_token("placing", "x"));
  ASSERT_TRUE(eventually([&] { return server.placer.held() == 1; }));
  auto block = std::make_unique<PoolBlock>(*server.hash_pool);
  hashing.send_line(make_token("hashing", "x"));
  ASSERT_TRUE(eventually([&] { return server.hash_pool->queue_length() == 1; }));
  server.system->stop();
  EXPECT_EQ(server.login->connection_count(), 0u);
  block.reset();  // its login comes back to a worker that has ended
}

TEST(LoginFlow, ManyPlayersAtOnce) {
  TestServer server;
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&server, &good, t] {
      for (int i = 0; i < 25; ++i) {
        LoginClient client(server.address());
        const std::string token = make_token(std::to_string(t * 100 + i), "x");
        const std::string answer =
            i % 2 == 0 ? client.login_plain(token) : client.login_skynet(token);
        if (answer.starts_with("200 ")) ++good;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 200);
  EXPECT_EQ(server.accounts().size(), 200u);
}

}  // namespace
}  // namespace gatehouse::login
