// What a configuration means: defaults, files of the project, roles, --set.
#include <fstream>

#include "config/identity.hpp"
#include "config_fixture.hpp"
#include "test_world.hpp"

namespace gatehouse::config {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

class ConfigTest : public ConfigFixture {
 protected:
  Config value(Result<Config> result) {
    EXPECT_TRUE(result) << error_of(result);
    return result ? std::move(*result) : Config{};
  }
};

TEST_F(ConfigTest, Defaults) {
  const Config config = value(load(smallest()));
  EXPECT_TRUE(config.login_role);
  EXPECT_TRUE(config.gate_role);
  EXPECT_GE(config.workers, 1);
  EXPECT_LE(config.workers, 128);
  ASSERT_EQ(config.login.listeners.size(), 1u);
  EXPECT_TRUE(config.login.listeners[0].plain);
  EXPECT_FALSE(config.login.listeners[0].skynet);
  EXPECT_EQ(config.program_root, ".");
  EXPECT_EQ(config.login_policy, "lua/game/login_policy.lua");
  ASSERT_EQ(config.gates.size(), 1u);
  EXPECT_EQ(config.gates[0].server, "sample");
  EXPECT_EQ(config.gates[0].listen.to_string(), "127.0.0.1:0");
  EXPECT_EQ(config.gates[0].reply_cache_count, 128u);
  EXPECT_EQ(config.gates[0].reply_cache_bytes, 256u * 1024);
  EXPECT_EQ(config.agent.per_vm, 500u);
  EXPECT_EQ(config.agent.module, "lua/game/player.lua");
  EXPECT_EQ(config.store.driver.kind, store::Options::Kind::kSqlite);
  EXPECT_EQ(config.store.driver.sqlite.path, folder_ / "var/gatehouse.db");
  EXPECT_EQ(config.login.auth.registration,
            login::AuthenticatorOptions::Registration::kClosed);  // nobody registers by accident
  EXPECT_EQ(config.shutdown_timeout_ms, 10'000u);
  EXPECT_EQ(config.log.level, log::Level::kInfo);
  EXPECT_EQ(config.log.format, log::Format::kText);
  EXPECT_EQ(config.log.players.per_key, 10u);
  EXPECT_EQ(config.log.players.all, 600u);
  EXPECT_EQ(config.log.queue.bytes_max, 8u << 20);
  EXPECT_EQ(config.log.queue.lines_max, 100'000u);
  EXPECT_EQ(config.log.leave_timeout, std::chrono::seconds(1));
  EXPECT_EQ(config.limits.login_handshake_timeout_ms, 10'000u);
  EXPECT_TRUE(config.warnings.empty());
}

TEST_F(ConfigTest, TheOldNameOfTheLoginPolicyStillMeansIt) {
  json root = smallest();
  root["login"]["policy"] = "lua/service/logind.lua";
  const Config config = value(load(root));
  EXPECT_EQ(config.login_policy, "lua/game/login_policy.lua");
  ASSERT_EQ(config.warnings.size(), 1u);
  EXPECT_NE(config.warnings[0].find("login.policy"), std::string::npos);
}

TEST_F(ConfigTest, ValuesArrive) {
  json root = smallest();
  root["workers"] = 3;
  root["limits"] = {{"sockets_max", 17}, {"mailbox_bytes_max", 1ull << 33}};
  root["gate"]["reply_cache_count"] = 9;
  root["log"] = {{"level", "error"}, {"format", "json"}, {"file", "x.log"}};
  root["store"] = {{"driver", "mysql"}, {"mysql", {{"port", 65535}, {"password", "p"}}}};
  root["auth"] = {{"registration", "auto"}, {"argon2", {{"passes", 3}}}};
  const Config config = value(load(root));
  EXPECT_EQ(config.workers, 3);
  EXPECT_EQ(config.limits.sockets_max, 17u);
  EXPECT_EQ(config.limits.mailbox_bytes_max, 1ull << 33);
  EXPECT_EQ(config.gates[0].limits.sockets_max, 17u);
  EXPECT_EQ(config.gates[0].reply_cache_count, 9u);
  EXPECT_EQ(config.log.level, log::Level::kError);
  EXPECT_EQ(config.log.format, log::Format::kJson);
  EXPECT_EQ(config.log.file, folder_ / "x.log");
  EXPECT_EQ(config.store.driver.kind, store::Options::Kind::kMysql);
  EXPECT_EQ(config.store.driver.mysql.port, 65535);
  EXPECT_EQ(config.store.driver.mysql.password.reveal(), "p");
  EXPECT_EQ(config.login.auth.cost.passes, 3u);
}

TEST_F(ConfigTest, MigratesUnlessToldToCheck) {
  using Migrate = store::Options::Migrate;
  json root = smallest();
  EXPECT_EQ(value(load(root)).store.driver.migrate, Migrate::kAuto);
  root["store"]["migrate"] = "check";
  EXPECT_EQ(value(load(root)).store.driver.migrate, Migrate::kCheck);
  root["store"] = {{"driver", "mysql"}};
  EXPECT_EQ(value(load(root)).store.driver.migrate, Migrate::kAuto);
}

TEST_F(ConfigTest, DatabaseServersAndTheirTls) {
  using Mode = mysql::Tls::Mode;
  json root = smallest();
  root["store"] = {{"driver", "mysql"}};
  EXPECT_TRUE(value(load(root)).store.driver.mysql.hosts.empty());
  EXPECT_EQ(value(load(root)).store.driver.mysql.tls.mode, Mode::kOff);
  json& mysql = root["store"]["mysql"];
  mysql = {{"hosts", {"db1.example:3306", "[::1]:3307"}},
           {"tls", {{"ca", std::filesystem::absolute("CMakeLists.txt").string()}}}};  // any file
  Config config = value(load(root));
  ASSERT_EQ(config.store.driver.mysql.hosts.size(), 2u);
  EXPECT_EQ(config.store.driver.mysql.hosts[1].host, "::1");
  EXPECT_EQ(config.store.driver.mysql.hosts[1].port, 3307);
  EXPECT_EQ(config.store.driver.mysql.tls.mode, Mode::kVerify) << "the default with a ca";
  EXPECT_THAT(describe(config), HasSubstr("@db1.example:3306,::1:3307/gatehouse (TLS, server v"));
  mysql["tls"] = {{"mode", "required"}};
  EXPECT_EQ(value(load(root)).store.driver.mysql.tls.mode, Mode::kRequired);
}

TEST_F(ConfigTest, DatabaseElsewhereWithoutTlsIsWarnedOf) {
  json root = smallest();
  root["store"] = {{"driver", "mysql"}, {"mysql", {{"host", "localhost"}}}};
  EXPECT_TRUE(value(load(root)).warnings.empty());
  json& mysql = root["store"]["mysql"];
  mysql["hosts"] = {"127.0.0.1:3306", "192.0.2.1:3306"};
  ASSERT_EQ(value(load(root)).warnings.size(), 1u);
  EXPECT_THAT(value(load(root)).warnings[0], StartsWith("store.mysql.tls: "));
  mysql["tls"] = {{"mode", "required"}};
  EXPECT_TRUE(value(load(root)).warnings.empty());
  mysql["tls"] = json::object();
  mysql["socket"] = "/run/db.sock";
  EXPECT_TRUE(value(load(root)).warnings.empty());
}

// Whoever takes the files has the server's identity made first.
const std::vector<std::string> kWithoutIdentity = {"login.identity_key_make=true"};

TEST_F(ConfigTest, ProjectsFilesLoad) {
  for (const char* file : {"config/quickstart.json", "config/production.json"}) {
    const auto config = load_config(file, kWithoutIdentity);
    ASSERT_TRUE(config) << file << ": " << error_of(config);
    EXPECT_FALSE(config->login.listeners.empty());
    EXPECT_FALSE(config->gates.empty());
    EXPECT_FALSE(describe(*config).empty());
  }
}

TEST_F(ConfigTest, ProductionFileShowsTheDefaults) {
  const auto loaded = load_config("config/production.json", kWithoutIdentity);
  ASSERT_TRUE(loaded);
  std::ifstream in("config/production.json");
  const json limits = json::parse(in)["limits"];
  json without = json::parse(std::ifstream("config/production.json"));
  without.erase("limits");
  const auto bare = load(without, kWithoutIdentity);
  ASSERT_TRUE(bare) << error_of(bare);
  const Limits& a = loaded->limits;
  const Limits& b = bare->limits;
  EXPECT_EQ(loaded->websocket.ping_s, bare->websocket.ping_s);
  EXPECT_EQ(loaded->websocket.other_frames_per_s_max, bare->websocket.other_frames_per_s_max);
  EXPECT_EQ(a.login_connections_max, b.login_connections_max);
  EXPECT_EQ(a.gate_frames_per_s_max, b.gate_frames_per_s_max);
  EXPECT_EQ(a.gate_bytes_per_s_max, b.gate_bytes_per_s_max);
  EXPECT_EQ(a.mailbox_bytes_max, b.mailbox_bytes_max);
  EXPECT_EQ(a.vm_memory_bytes_max, b.vm_memory_bytes_max);
  EXPECT_EQ(a.vm_memory_reserve_bytes, b.vm_memory_reserve_bytes);
  EXPECT_EQ(a.endless_loop_break_ms, b.endless_loop_break_ms);
  EXPECT_EQ(a.endless_loop_close_ms, b.endless_loop_close_ms);
  EXPECT_EQ(a.worker_stuck_ms, b.worker_stuck_ms);
  const edge::TlsHandshakeLimits& tls = loaded->tls.handshakes;
  EXPECT_EQ(tls.per_s, bare->tls.handshakes.per_s);
  EXPECT_EQ(tls.threads, bare->tls.handshakes.threads);
  EXPECT_EQ(tls.waiting_max, bare->tls.handshakes.waiting_max);
  EXPECT_EQ(loaded->tls.ciphers, edge::TlsOptions().ciphers);
  EXPECT_EQ(loaded->tls.ticket_lifetime_s, edge::TlsOptions().ticket_lifetime_s);
  // A key for each number of Limits, three of TLS, and the profile.
  EXPECT_EQ(limits.size(), 59u);
}

TEST_F(ConfigTest, MemoryIsNotSetSoLowThatNothingRuns) {
  json root = smallest();
  root["limits"] = {{"memory_bytes", 1'000'000}};
  EXPECT_THAT(error_of(load(root)), StartsWith("limits.memory_bytes: "));
  root["limits"] = {{"memory_bytes", 64u << 20}};
  EXPECT_EQ(value(load(root)).limits.memory_bytes, 64u << 20);
}

TEST_F(ConfigTest, LoginsHandshakeTimeoutWinsOverItsDouble) {
  json root = smallest();
  root["limits"] = {{"login_handshake_timeout_ms", 111}};
  EXPECT_EQ(value(load(root)).limits.login_handshake_timeout_ms, 111u);
  root["login"]["handshake_timeout_ms"] = 222;
  EXPECT_EQ(value(load(root)).limits.login_handshake_timeout_ms, 222u);
}

TEST_F(ConfigTest, ProfileOffLiftsTheLimitsOfAdmission) {
  json root = smallest();
  root["limits"] = {{"profile", "off"}, {"gate_frames_per_s_max", 5}};
  const Config config = value(load(root));
  EXPECT_EQ(config.limits.login_connections_max, UINT32_MAX);
  EXPECT_EQ(config.limits.gate_frames_per_s_max, 0u);
  EXPECT_EQ(config.limits.gate_bytes_per_s_max, 0u);
  EXPECT_EQ(config.gates[0].limits.unauthenticated_max, 0u);
  EXPECT_EQ(config.limits.address_connections_max, 0u);
  EXPECT_EQ(config.limits.address_connections_per_s, 0u);
  EXPECT_EQ(config.limits.handshake_progress_ms, 0u);
}

// What is not known to be loopback is not.
TEST_F(ConfigTest, SuitesThatProtectNothingBeyondThisMachineAreMeantOrRefused) {
  for (const char* address :
       {"0.0.0.0:8001", "192.0.2.1:8001", "[::]:8001", "login.example:1", "127.0.0.1.example:1"}) {
    for (const char* suite : {"plain", "skynet"}) {
      SCOPED_TRACE(std::string(suite) + " " + address);
      json root = smallest();
      json& listener = root["login"]["listen"][0];
      listener["address"] = address;
      listener["suites"] = {suite};
      const std::string error = error_of(load(root));
      EXPECT_THAT(error, StartsWith("login.listen[0].suites: " + std::string(suite)));
      EXPECT_THAT(error, HasSubstr("insecure"));
      listener["insecure"] = false;
      EXPECT_EQ(error_of(load(root)), error);
      listener["insecure"] = true;
      const Config config = value(load(root));
      ASSERT_EQ(config.warnings.size(), 1u);
      EXPECT_THAT(config.warnings[0],
                  StartsWith("login.listen[0].insecure: " + std::string(suite)));
      EXPECT_THAT(describe(config), HasSubstr("warning: " + config.warnings[0]));
      EXPECT_THAT(describe(config), HasSubstr("(" + std::string(suite) + "), insecure\n"));
    }
  }
  for (const char* address : {"127.0.0.1:8001", "127.8.9.1:1", "[::1]:8001", "localhost:8001"}) {
    json root = smallest();
    root["login"]["listen"][0]["address"] = address;
    root["login"]["listen"][0]["suites"] = {"plain", "skynet"};
    EXPECT_TRUE(value(load(root)).warnings.empty()) << address;
  }
}

// Plain within TLS protects; on a port that takes both, what comes without is refused there.
TEST_F(ConfigTest, TlsMakesPlainFitForOtherMachines) {
  const auto judge = [&](const char* transport, const char* suite, bool insecure) -> std::string {
    json root = smallest();
    root["login"]["listen"][0] = {{"transport", transport},
                                  {"address", "0.0.0.0:0"},
                                  {"suites", {suite}},
                                  {"insecure", insecure}};
    const auto config = load(root);
    for (const std::string& line : {error_of(config), config ? describe(*config) : std::string()})
      if (line.find("beyond this machine") != line.npos) return config ? "warned" : "refused";
    return "fine";
  };
  for (const char* transport : {"tls", "wss", "auto"}) {
    EXPECT_EQ(judge(transport, "plain", false), "fine") << transport;
    EXPECT_EQ(judge(transport, "skynet", false), "refused") << transport;
  }
  EXPECT_EQ(judge("auto", "skynet", true), "warned");
  EXPECT_EQ(judge("auto", "plain", true), "warned");
  EXPECT_EQ(judge("ws", "plain", false), "refused");
  EXPECT_EQ(judge("ws", "plain", true), "warned");
}

class IdentityTest : public ConfigTest {
 protected:
  // smallest() with the suite x25519 and a key file, which is not there.
  json with_identity() {
    json root = smallest();
    root["login"]["listen"][0] = {{"address", "0.0.0.0:0"}, {"suites", {"x25519"}}};
    root["login"]["identity_key_file"] = "keys/identity.pem";
    return root;
  }
  const std::string file_ = folder_ / "keys/identity.pem";
};

TEST_F(IdentityTest, X25519NeedsIt) {
  json root = with_identity();
  EXPECT_THAT(error_of(load(root)), StartsWith("login.identity_key_file: " + file_));
  root["login"].erase("identity_key_file");
  EXPECT_THAT(error_of(load(root)), StartsWith("login.listen[0].suites: x25519 needs"));
  root["login"]["identity_key_make"] = true;
  EXPECT_THAT(error_of(load(root)), HasSubstr("login.identity_key_make: "));
}

TEST_F(IdentityTest, IsReadFromItsFile) {
  const Secret key = make_identity_file(test_world().random, file_).value();
  const Config config = value(load(with_identity()));
  EXPECT_EQ(config.login.identity_key.reveal(), key.reveal());
  EXPECT_TRUE(config.warnings.empty());
  const std::string pinned = identity_public(config);
  EXPECT_THAT(describe(config),
              HasSubstr("(x25519)\nidentity: " + file_ + ", clients pin " + pinned));
  EXPECT_EQ(make_identity_file(test_world().random, file_).error().code, Errc::kExists);
  EXPECT_EQ(read_identity_file(file_).value().reveal(), key.reveal()) << "it is still there";
}

TEST_F(IdentityTest, FileThatIsNoneOrThatOthersReadIsRefused) {
  ASSERT_TRUE(make_identity_file(test_world().random, file_));
  const std::string at = "login.identity_key_file: " + file_;
  std::filesystem::permissions(file_, std::filesystem::perms(0644));
  EXPECT_THAT(error_of(load(with_identity())), AllOf(StartsWith(at), HasSubstr("chmod")));
  test::write_file(file_, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
  std::filesystem::permissions(file_, std::filesystem::perms(0600));
  EXPECT_THAT(error_of(load(with_identity())), StartsWith(at + " is no Ed25519 private key"));
}

// A reading makes nothing; a start does, and another reading finds the same.
TEST_F(IdentityTest, IsMadeWhereTheConfigurationSaysSo) {
  json root = with_identity();
  root["login"]["identity_key_make"] = true;
  Config config = value(load(root));
  EXPECT_TRUE(config.login.identity_key.empty());
  EXPECT_FALSE(std::filesystem::exists(file_));
  EXPECT_THAT(describe(config), HasSubstr("made at the start"));
  EXPECT_TRUE(make_identity(test_world().random, config).value());
  EXPECT_FALSE(make_identity(test_world().random, config).value());
  const Config again = value(load(root));
  EXPECT_EQ(again.login.identity_key.reveal(), config.login.identity_key.reveal());
  EXPECT_TRUE(restart_keys(config.values, again.values).empty());
  std::filesystem::remove(file_);
  ASSERT_TRUE(make_identity_file(test_world().random, file_));
  EXPECT_THAT(restart_keys(config.values, value(load(root)).values),
              ElementsAre("login.identity_key_file"));
}

TEST_F(ConfigTest, RolesDecideWhatMustBeThere) {
  json gate_only = smallest();
  gate_only["roles"] = {"gate"};
  gate_only.erase("login");
  const Config config = value(load(gate_only));
  EXPECT_FALSE(config.login_role);
  EXPECT_TRUE(config.gate_role);

  json no_login = smallest();
  no_login.erase("login");
  EXPECT_THAT(error_of(load(no_login)), StartsWith("login.listen: "));
  json no_gate = smallest();
  no_gate.erase("gate");
  EXPECT_THAT(error_of(load(no_gate)), StartsWith("gate.gates: "));
  EXPECT_THAT(error_of(load_with("/roles", {"login"})), StartsWith("roles: login without gate"));
  EXPECT_THAT(error_of(load_with("/roles", {"login", "gate", "admin"})),
              StartsWith("roles: admin"));
  EXPECT_THAT(error_of(load_with("/roles", json::array())), StartsWith("roles: names no role"));
}

TEST_F(ConfigTest, SetTakesJsonAndStrings) {
  const Config config = value(
      load_set({"workers=2", "log.level=debug", "log.file=\"a b\"", "store.sqlite.path=/x=y.db",
                "limits.gate_idle_timeout_ms=30000",
                "store.mysql.password=", R"(gate.gates=[{"server":"s","listen":"[::1]:7"}])"}));
  EXPECT_EQ(config.workers, 2);
  EXPECT_EQ(config.log.level, log::Level::kDebug);
  EXPECT_EQ(config.log.file, "a b");
  EXPECT_EQ(config.store.driver.sqlite.path, "/x=y.db");
  EXPECT_EQ(config.limits.gate_idle_timeout_ms, 30'000u);
  EXPECT_TRUE(config.store.driver.mysql.password.empty());
  ASSERT_EQ(config.gates.size(), 1u);  // lists are set whole
  EXPECT_EQ(config.gates[0].listen.to_string(), "[::1]:7");
}

TEST_F(ConfigTest, LastSetWins) {
  EXPECT_EQ(value(load_set({"workers=2", "workers=5"})).workers, 5);
  const std::string whole = R"(log={"level":"debug","format":"json"})";
  const Config config = value(load_set({whole, "log.level=warn"}));
  EXPECT_EQ(config.log.level, log::Level::kWarn);
  EXPECT_EQ(config.log.format, log::Format::kJson);
}

TEST_F(ConfigTest, BadSetIsRefused) {
  for (const char* setting : {"workers", "=1", "", "gate.gates.x=1", "login.listen.x.y=1"}) {
    EXPECT_THAT(error_of(load_set({setting})), StartsWith(std::string("--set ") + setting));
  }
  EXPECT_EQ(error_of(load_set({"no.such.key=1"})), "no: unknown key");
  EXPECT_EQ(error_of(load_set({"log.colour=1"})), "log.colour: unknown key");
  EXPECT_EQ(error_of(load_set({"log.=1"})), "log.: unknown key");
  EXPECT_EQ(error_of(load_set({".log=1"})), ": unknown key");
  EXPECT_THAT(error_of(load_set({"log.level=5"})), StartsWith("log.level: must be a string"));
  EXPECT_THAT(error_of(load_set({"workers.x=1"})), StartsWith("workers: must be a whole"));
  EXPECT_THAT(error_of(load_set({"workers=two"})), StartsWith("workers: "));
}

TEST_F(ConfigTest, FilesThatAreNone) {
  const auto missing = load_config(folder_ / "missing.json", {});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Errc::kIo);
  EXPECT_THAT(missing.error().message, HasSubstr("missing.json"));
  for (const char* text :
       {"", "{", "[]", "7", "\"x\"", "null", "{\"workers\": 1,}", "{\"workers\": \xff}"}) {
    EXPECT_THAT(error_of(load_text(text)), HasSubstr("config.json: ")) << text;
  }
}

TEST_F(ConfigTest, DescribeNamesWhatWillRunAndNoSecret) {
  json root = smallest();
  root["store"] = {{"driver", "mysql"}, {"mysql", {{"password", "not to be seen"}}}};
  const std::string text = describe(value(load(root)));
  EXPECT_THAT(text, HasSubstr("login: tcp 127.0.0.1:0 (plain)"));
  EXPECT_THAT(text, HasSubstr("gate sample: auto 127.0.0.1:0"));
  EXPECT_THAT(text, HasSubstr("store: mysql gatehouse@"));
  EXPECT_THAT(text, Not(HasSubstr("not to be seen")));
}

TEST_F(ConfigTest, APartIsReadWithoutTheRest) {
  json root = smallest();
  root["gate"] = "nonsense";
  root["later"] = 1;
  root["store"] = {{"queue_max", 7}};
  const std::string file = folder_ / "part.json";
  test::write_file(file, root.dump());
  EXPECT_FALSE(load_config(file, {}));
  const auto part = load_config(file, {}, {}, kStorePart);
  ASSERT_TRUE(part) << error_of(part);
  EXPECT_EQ(part->store.queue_max, 7u);
  root["store"]["later"] = 1;
  test::write_file(file, root.dump());
  EXPECT_THAT(error_of(load_config(file, {}, {}, kStorePart)), StartsWith("store.later: "));
}

TEST_F(ConfigTest, WhatTakesARestartIsNamedWithoutItsValue) {
  json root = smallest();
  const Config before = value(load(root));
  EXPECT_TRUE(restart_keys(before.values, before.values).empty());
  root["gate"]["gates"][0]["maxclient"] = 5;
  root["store"] = {{"mysql", {{"password", "not to be seen"}}}};
  root["auth"]["totp"]["keys"] = {std::string(43, 'A') + "="};
  const Config after = value(load(root));
  EXPECT_THAT(restart_keys(before.values, after.values),
              ElementsAre("gate.gates[0].maxclient", "store.mysql.password"));
  EXPECT_THAT(restart_keys(after.values, before.values),
              ElementsAre("gate.gates[0].maxclient", "store.mysql.password"));
}

}  // namespace
}  // namespace gatehouse::config
