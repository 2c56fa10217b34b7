// The login port as a client sees it: docs/protocol.md 2, and every way to
// get them wrong.
#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "crypto/encoding.hpp"
#include "crypto/skynet_suite.hpp"
#include "crypto/x25519.hpp"
#include "login_fixture.hpp"
#include "protocol/token.hpp"
#include "test_world.hpp"

namespace gatehouse::login {
namespace {

nlohmann::json vectors(const std::string& file) {
  std::ifstream in(std::string(GATEHOUSE_VECTORS_DIR) + "/" + file);
  return nlohmann::json::parse(in).at("cases");
}

TestOptions with_handshake_timeout(std::uint32_t ms) {
  TestOptions options;
  options.limits.login_handshake_timeout_ms = ms;
  return options;
}

// Sends `lines` behind the challenge and returns all that comes back after it.
std::string after_challenge(TestServer& server, std::string_view lines, std::size_t listener = 0) {
  LoginClient client(server.address(listener));
  EXPECT_EQ(client.read_line().size(), 12u);
  client.send(lines);
  return client.read_to_end();
}

TEST(LoginWire, PlainAnswerHoldsWhatTheGateNeeds) {
  TestServer server;
  LoginClient client(server.address());
  ASSERT_TRUE(client.login_plain(make_token("test1", "123")).starts_with("200 MQ== "));
  EXPECT_EQ(client.read_to_end(), "");
  EXPECT_EQ(client.subid(), "1");
  EXPECT_EQ(client.uid(), "test1");
  EXPECT_EQ(client.gates(), std::vector<std::string>{"127.0.0.1:8888"});
  EXPECT_EQ(client.secret().size(), 32u);
  const auto grants = server.placer.grants();
  ASSERT_EQ(grants.size(), 1u);
  EXPECT_EQ(grants[0].secret.reveal(), client.secret());
  EXPECT_EQ(grants[0].uid, "test1");
  EXPECT_EQ(grants[0].server, "sample");
  EXPECT_EQ(grants[0].suite, protocol::Suite::kPlain);
  EXPECT_EQ(grants[0].address, "127.0.0.1");
  EXPECT_EQ(grants[0].account, server.accounts().at(0).id);
  EXPECT_EQ(server.counted("ok"), 1);
}

TEST(LoginWire, SkynetAnswerIsTheSubidAndNothingMore) {
  TestServer server;
  LoginClient client(server.address());
  EXPECT_EQ(client.login_skynet(make_token("test1", "123")), "200 MQ==");
  EXPECT_EQ(client.read_to_end(), "");
  ASSERT_EQ(server.placer.grants().size(), 1u);
  EXPECT_EQ(server.placer.grants()[0].secret.reveal(), client.secret());
  EXPECT_EQ(client.secret().size(), 8u);
}

// Each vector's client key and token, against the server's fresh key.
TEST(LoginWire, SkynetVectorsThroughTheWire) {
  TestServer server;
  for (const auto& test : vectors("skynet-suite.json")) {
    const std::string key = crypto::hex_decode(test["client_private"].get<std::string>()).value();
    const std::string token = test["token"];
    const std::string wanted_public = test["client_public"];
    ASSERT_EQ(crypto::hex_encode(crypto::dh_exchange(key).value()), wanted_public);
    LoginClient client(server.address());
    const std::string answer = client.login_skynet(token, key);
    const auto parsed = protocol::parse_token(token);
    if (!parsed || parsed->password.empty()) {
      EXPECT_EQ(answer, "401 Unauthorized") << token;
    } else if (parsed->server != "sample") {
      EXPECT_EQ(answer, "403 Forbidden") << token;
    } else {
      EXPECT_TRUE(answer.starts_with("200 ")) << token << ": " << answer;
    }
  }
}

TEST(LoginWire, X25519) {
  TestOptions options;
  const std::string identity = random_bytes(32);
  options.login.identity_key = Secret(identity);
  options.login.listeners = {{.address = {"127.0.0.1", 0}, .x25519 = true}};
  TestServer server(std::move(options));
  const std::string identity_public = crypto::ed25519_public(identity).value();
  LoginClient client(server.address());
  EXPECT_TRUE(client.login_x25519(make_token("test1", "123"), identity_public).starts_with("200 "));
  EXPECT_EQ(server.placer.grants().at(0).secret.reveal(), client.secret());
  EXPECT_EQ(client.uid(), "test1");
  LoginClient wrong(server.address());
  EXPECT_EQ(wrong.login_x25519(make_token("test1", "124"), identity_public), "401 Unauthorized");
  LoginClient garbage(server.address());
  EXPECT_EQ(garbage.login_x25519("no token", identity_public), "401 Unauthorized");
}

// Reached by a name, which may be anybody's: what protects nothing there is not offered, unless
// the listener says that it is meant.
TEST(LoginWire, SuitesThatDoNotProtectAreNotOfferedBeyondThisMachine) {
  const std::string identity = random_bytes(32);
  const std::string pinned = crypto::ed25519_public(identity).value();
  TestOptions all;
  all.login.identity_key = Secret(identity);
  const net::Endpoint name{"LOCALHOST", 0};
  all.login.listeners = {
      {.address = name, .plain = true, .skynet = true, .x25519 = true},
      {.address = name, .plain = true, .skynet = true, .x25519 = true, .insecure = true}};
  TestServer server(std::move(all));
  EXPECT_EQ(LoginClient(server.address(0)).login_plain(make_token("test1", "123")),
            "426 Upgrade Required");
  LoginClient skynet(server.address(0));
  EXPECT_FALSE(skynet.read_line().empty());
  skynet.send_line(crypto::base64_encode(crypto::dh_exchange("12345678").value()));
  EXPECT_EQ(skynet.read_line(), "426 Upgrade Required");
  for (const std::size_t listener : {0u, 1u}) {
    LoginClient client(server.address(listener));
    EXPECT_TRUE(client.login_x25519(make_token("test1", "123"), pinned).starts_with("200 "));
  }
  EXPECT_TRUE(
      LoginClient(server.address(1)).login_plain(make_token("test1", "123")).starts_with("200 "));
  EXPECT_TRUE(
      LoginClient(server.address(1)).login_skynet(make_token("test1", "123")).starts_with("200 "));
}

TEST(LoginWire, StartRefusesListenersThatCannotWork) {
  TestServer server;
  const auto start = [&](ListenerOptions listener) {
    LoginOptions options;
    options.listeners = {listener};
    LoginServer other({*server.system, *server.network, *server.store, *server.hash_pool,
                       server.placer, server.policy, server.metrics, *server.guard},
                      {}, std::move(options));
    const auto started = other.start();
    EXPECT_FALSE(started);
    return started ? Errc::kIo : started.error().code;
  };
  EXPECT_EQ(start({.address = {"127.0.0.1", 0}}), Errc::kInvalid);
  EXPECT_EQ(start({.address = {"127.0.0.1", 0}, .x25519 = true}), Errc::kInvalid);
  EXPECT_EQ(start({.address = {"127.0.0.1", server.address().port()}, .plain = true}),
            Errc::kExists);
}

TEST(LoginWire, Answer400ForALineOfNoSuite) {
  TestServer server;
  const std::string sixteen = crypto::base64_encode(std::string(16, 'x'));
  for (const std::string& line :
       {std::string("hello"), std::string(), std::string("YWJj"), sixteen, std::string("@"),
        std::string("YQ==@YQ=="), std::string("\xff\xfe\0", 3)}) {
    EXPECT_EQ(after_challenge(server, line + "\n"), "400 Bad Request\n") << line;
  }
  EXPECT_GT(server.counted("no_suite"), 0);
}

TEST(LoginWire, Answer401ForBrokenSkynetSteps) {
  TestServer server;
  const std::string weak = crypto::base64_encode(std::string("\1\0\0\0\0\0\0\0", 8));
  EXPECT_EQ(after_challenge(server, weak + "\n"), "401 Unauthorized\n");
  const std::string key = crypto::base64_encode(crypto::dh_exchange("12345678").value());
  const std::string mac = crypto::base64_encode("wrongmac");
  LoginClient client(server.address());
  client.read_line();
  client.send(key + "\n" + mac + "\n" + mac + "\n");
  EXPECT_EQ(client.read_line().size(), 12u);
  EXPECT_EQ(client.read_to_end(), "401 Unauthorized\n");
  LoginClient garbage(server.address());
  EXPECT_EQ(garbage.login_skynet("no token"), "401 Unauthorized");
}

TEST(LoginWire, Answer426ForASuiteThatIsNotAllowed) {
  TestOptions options;
  options.login.listeners = {{.address = {"127.0.0.1", 0}, .skynet = true},
                             {.address = {"127.0.0.1", 0}, .plain = true}};
  TestServer server(std::move(options));
  EXPECT_EQ(after_challenge(server, make_token("a", "b") + "\n", 0), "426 Upgrade Required\n");
  const std::string key = crypto::base64_encode(crypto::dh_exchange("12345678").value());
  EXPECT_EQ(after_challenge(server, key + "\n", 1), "426 Upgrade Required\n");
  LoginClient skynet(server.address(0)), plain(server.address(1));
  EXPECT_TRUE(skynet.login_skynet(make_token("a", "b")).starts_with("200 "));
  EXPECT_TRUE(plain.login_plain(make_token("b", "b")).starts_with("200 "));
  EXPECT_TRUE(server.accounts().size() == 2) << "a refused suite's token is not looked at";
}

TEST(LoginWire, CarriageReturnBeforeLineFeed) {
  TestServer server;
  EXPECT_TRUE(after_challenge(server, make_token("cr", "x") + "\r\n").starts_with("200 "));
}

TEST(LoginWire, TokenByteByByte) {
  TestServer server;
  LoginClient client(server.address());
  client.read_line();
  for (const char c : make_token("slow", "x") + "\n") ASSERT_TRUE(client.send({&c, 1}));
  EXPECT_TRUE(client.read_line().starts_with("200 "));
}

TEST(LoginWire, LineSentBeforeTheChallengeIsRead) {
  TestServer server;
  LoginClient client(server.address());
  client.send_line(make_token("early", "x"));
  EXPECT_EQ(client.read_line().size(), 12u);
  EXPECT_TRUE(client.read_line().starts_with("200 "));
}

TEST(LoginWire, InputBehindTheTokenChangesNothing) {
  TestServer server;
  std::string lines = make_token("more", "x") + "\n";
  for (int i = 0; i < 50; ++i) lines += make_token("other", "x") + "\n";
  const std::string answer = after_challenge(server, lines);
  EXPECT_TRUE(answer.starts_with("200 "));
  EXPECT_EQ(std::count(answer.begin(), answer.end(), '\n'), 1);
  ASSERT_EQ(server.accounts().size(), 1u);
  EXPECT_EQ(server.accounts()[0].name, "more");
}

TEST(LoginWire, InputBehindTheTokenIsBounded) {
  TestServer server;
  server.placer.hold(true);
  LoginClient client(server.address());
  client.read_line();
  client.send_line(make_token("flood", "x"));
  ASSERT_TRUE(eventually([&] { return server.placer.held() == 1; }));
  client.send(std::string(200'000, 'x'));
  EXPECT_EQ(client.read_line(), "400 Bad Request");
  EXPECT_EQ(server.counted("input_after_token"), 1);
  server.placer.release();
}

TEST(LoginWire, OversizedLine) {
  TestServer server;
  const std::string answer = after_challenge(server, std::string(100'000, 'x'));
  EXPECT_EQ(answer, "400 Bad Request\n");
  EXPECT_EQ(server.counted("line_too_long"), 1);
}

TEST(LoginWire, SilenceIsClosedByTheDeadline) {
  TestServer server(with_handshake_timeout(100));
  LoginClient silent(server.address()), half(server.address()), keyed(server.address());
  half.send("dGVz");
  keyed.read_line();
  keyed.send_line(crypto::base64_encode(crypto::dh_exchange("12345678").value()));
  EXPECT_EQ(keyed.read_line().size(), 12u);
  EXPECT_EQ(silent.read_to_end().size(), 13u) << "the challenge and no more";
  EXPECT_EQ(half.read_to_end().size(), 13u);
  EXPECT_EQ(keyed.read_to_end(), "");
  EXPECT_EQ(server.refused("handshake_timeout"), 3);
}

TEST(LoginWire, ATrickleDoesNotMoveTheDeadline) {
  TestServer server(with_handshake_timeout(200));
  LoginClient client(server.address());
  EXPECT_TRUE(eventually([&] {
    client.send("a");
    return server.refused("handshake_timeout") == 1;
  }));
}

TEST(LoginWire, EachLineHasItsTime) {
  TestOptions options;
  options.limits.handshake_progress_ms = 100;
  TestServer server(std::move(options));
  LoginClient client(server.address());
  EXPECT_EQ(client.read_line().size(), 12u);
  client.send("YWFhYWFhYWE=\n");  // a key, which is answered; then half a line
  EXPECT_FALSE(client.read_line().empty());
  client.send("half");
  EXPECT_EQ(client.read_to_end(), "");
  EXPECT_EQ(server.refused("handshake_stalled"), 1);
}

TEST(LoginWire, AnAddressHasSoManyConnectionsUntilItsPlayersAreIn) {
  TestOptions options;
  options.limits.address_connections_max = 2;
  TestServer server(std::move(options));
  LoginClient first(server.address()), second(server.address());
  EXPECT_EQ(first.read_line().size(), 12u);
  EXPECT_EQ(second.read_line().size(), 12u);
  EXPECT_EQ(LoginClient(server.address()).read_to_end(), "429 Too Many Requests 5\n");
  EXPECT_EQ(server.refused("address_connections"), 1);
  first.close();
  ASSERT_TRUE(eventually([&] { return server.guard->unauthenticated() == 1; }));
  EXPECT_EQ(server.plain("late", "x"), "200");
}

TEST(LoginWire, WhoFloodsLosesHisOldest) {
  TestOptions options;
  options.limits.unauthenticated_max = 2;
  TestServer server(std::move(options));
  LoginClient first(server.address());
  EXPECT_EQ(first.read_line().size(), 12u);
  LoginClient second(server.address());
  EXPECT_EQ(second.read_line().size(), 12u);
  EXPECT_EQ(server.plain("late", "x"), "200");
  EXPECT_EQ(first.read_line(), "503 Service Unavailable");
  EXPECT_EQ(first.read_to_end(), "");
  EXPECT_EQ(server.refused("unauthenticated_limit"), 1);
}

TEST(LoginWire, ConnectionsAreBounded) {
  TestOptions options;
  options.limits.login_connections_max = 2;
  TestServer server(std::move(options));
  LoginClient first(server.address()), second(server.address());
  EXPECT_EQ(first.read_line().size(), 12u);
  EXPECT_EQ(second.read_line().size(), 12u);
  EXPECT_EQ(LoginClient(server.address()).read_to_end(), "503 Service Unavailable\n");
  EXPECT_EQ(server.refused("connections_max"), 1);
  first.close();
  ASSERT_TRUE(eventually([&] { return server.login->connection_count() == 1; }));
  EXPECT_EQ(server.plain("late", "x"), "200");
  EXPECT_EQ(server.counted("client_left"), 1);
}

// Garbage of any kind and cut may not harm the server; the seed makes it repeatable.
TEST(LoginWire, Garbage) {
  TestServer server;
  std::uint32_t seed = 20261123;
  const auto next = [&seed] { return seed = seed * 1664525u + 1013904223u, seed >> 16; };
  for (int round = 0; round < 100; ++round) {
    LoginClient client(server.address());
    std::string bytes;
    for (std::uint32_t n = next() % 300; n > 0; --n)
      bytes += next() % 8 == 0 ? '\n' : static_cast<char>(next());
    client.send(bytes);
  }
  ASSERT_TRUE(eventually([&] { return server.login->connection_count() == 0; }));
  EXPECT_EQ(server.plain("after", "x"), "200");
}

}  // namespace
}  // namespace gatehouse::login
