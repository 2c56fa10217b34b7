// What an entrance does with what comes in, over sockets and in memory.
#include <gmock/gmock.h>

#include "entrance_world.hpp"
#include "protocol/proxy_header.hpp"
#include "ws_frames_of_client.hpp"

namespace gatehouse::edge {
namespace {

using testing::StartsWith;
using enum ListenerTransport;

constexpr std::uint32_t kShortMs = 50;
constexpr std::uint32_t kLongMs = 60'000;
const std::string kHello{"\x16\x03\x01\x00\x05hello", 10};

class EntranceTest : public testing::TestWithParam<Carrier> {
 protected:
  // "tcp" of a socket.
  static std::string kind() { return GetParam() == Carrier::kTcp ? "tcp" : "memory"; }
};

INSTANTIATE_TEST_SUITE_P(Carriers, EntranceTest, testing::Values(Carrier::kTcp, Carrier::kMemory),
                         [](const auto& carrier) {
                           return carrier.param == Carrier::kTcp ? "Tcp" : "Memory";
                         });

WorldOptions gate(ListenerTransport transport) {
  return {.entrance = offering(transport, false)};
}
WorldOptions login(ListenerTransport transport, std::uint32_t sniff_ms = kLongMs) {
  WorldOptions options{.entrance = offering(transport, true)};
  options.entrance.sniff_ms = sniff_ms;
  return options;
}
WorldOptions behind_a_proxy(WorldOptions options) {
  options.trusted_proxies = {"127.0.0.0/8"};
  return options;
}

// --- The client speaks first

TEST_P(EntranceTest, GivesAFrameToTheGateWithItsFirstByte) {
  for (const ListenerTransport transport : {kTcp, kAuto}) {
    EntranceWorld world(gate(transport), GetParam());
    const auto client = world.connect();
    ASSERT_TRUE(client->send(std::string("\0", 1)));
    EXPECT_TRUE(world.host.saw("enter " + kind() + " 127.0.0.1 -")) << world.host.events();
    ASSERT_TRUE(client->send("rest"));
    EXPECT_EQ(client->receive(5), std::string("\0rest", 5));
  }
}

TEST_P(EntranceTest, KeepsWhatDoesNotTellYetAndLosesNothing) {
  EntranceWorld world(gate(kAuto), GetParam());
  for (const std::string_view bytes : {"GEX", "PROXx", "\r\n\r\nx"}) {
    const auto client = world.connect();
    for (const char& byte : bytes) ASSERT_TRUE(client->send({&byte, 1}));
    EXPECT_EQ(client->receive(bytes.size()), bytes);
  }
}

TEST_P(EntranceTest, RefusesTlsWithAnAlertWhereThereIsNone) {
  {
    EntranceWorld world(gate(kAuto), GetParam());
    const auto client = world.connect();
    ASSERT_TRUE(client->send(kHello));
    EXPECT_EQ(client->receive_all(), std::string("\x15\x03\x01\x00\x02\x02\x28", 7));
    EXPECT_EQ(world.refused("tls_without_certificate"), 1);
  }
  EntranceWorld world(gate(kTcp), GetParam());
  const auto client = world.connect();
  ASSERT_TRUE(client->send(kHello));
  EXPECT_EQ(client->receive_all(), std::string("\x15\x03\x01\x00\x02\x02\x28", 7));
  EXPECT_EQ(world.refused("tls_not_offered"), 1);
}

TEST_P(EntranceTest, AnswersHttpWhereThereIsNoWebSocket) {
  {
    EntranceWorld world(gate(kTcp), GetParam());
    const auto client = world.connect();
    for (const char& byte : std::string("GET / HTTP/1.1\r\n\r\n"))
      if (!client->send({&byte, 1})) break;
    const std::string answer = client->receive_all();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 Bad Request\r\n"));
    const std::size_t body = answer.find("\r\n\r\n") + 4;
    EXPECT_NE(answer.find("Content-Length: " + std::to_string(answer.size() - body) + "\r\n"),
              std::string::npos);
    EXPECT_EQ(world.refused("websocket_not_offered"), 1);
  }
  EntranceWorld world(gate(kWss), GetParam());
  const auto client = world.connect();
  ASSERT_TRUE(client->send("GET / HTTP/1.1\r\n\r\n"));
  const std::string answer = client->receive_all();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 Bad Request\r\n"));
  const std::size_t body = answer.find("\r\n\r\n") + 4;
  EXPECT_NE(answer.find("Content-Length: " + std::to_string(answer.size() - body) + "\r\n"),
            std::string::npos);
  EXPECT_EQ(world.refused("tls_required"), 1);
}

TEST_P(EntranceTest, TellsWhoSpeaksPlainlyThatItHasToBeMore) {
  const std::pair<ListenerTransport, const char*> cases[] = {
      {kTls, "tls_required"}, {kWss, "tls_required"}, {kWs, "websocket_required"}};
  for (const auto& [transport, reason] : cases) {
    EntranceWorld world(gate(transport), GetParam());
    const auto client = world.connect();
    ASSERT_TRUE(client->send(std::string("\0\x04gate", 6)));
    EXPECT_EQ(client->receive_all(), "plain refused");
    EXPECT_EQ(world.refused(reason), 1);
  }
}

TEST_P(EntranceTest, GivesSilenceAtTheDeadlineToTheGateWhichEndsItItsOwnWay) {
  WorldOptions options = gate(kAuto);
  options.handshake_timeout_ms = kShortMs;
  EntranceWorld world(std::move(options), GetParam());
  const auto client = world.connect();
  EXPECT_TRUE(client->ended());
  EXPECT_TRUE(world.host.saw("enter " + kind() + " 127.0.0.1 -")) << world.host.events();
}

TEST_P(EntranceTest, EndsSilenceItselfWhereItCannotBePlain) {
  WorldOptions options = gate(kTls);
  options.handshake_timeout_ms = kShortMs;
  EntranceWorld world(std::move(options), GetParam());
  const auto client = world.connect();
  EXPECT_TRUE(client->ended());
  EXPECT_TRUE(world.host.saw("gone timeout")) << world.host.events();
}

TEST_P(EntranceTest, TellsTheHostOfClientsThatLeave) {
  EntranceWorld world(gate(kAuto), GetParam());
  world.connect()->close();
  EXPECT_TRUE(world.host.saw("gone peer_closed")) << world.host.events();
  const auto client = world.connect();
  ASSERT_TRUE(client->send("GE"));
  client->reset();  // which the system may tell as an end, if it comes early
  EXPECT_TRUE(eventually([&] { return world.host.places() == 0; }));
}

TEST_P(EntranceTest, SaysTheLastWordsOfAHostThatRefuses) {
  WorldOptions options = gate(kAuto);
  options.full = true;
  EntranceWorld world(std::move(options), GetParam());
  EXPECT_EQ(world.connect()->receive_all(), "full");
}

TEST_P(EntranceTest, EndsWhoIsNotKnownYetWhenItStops) {
  EntranceWorld world(gate(kAuto), GetParam());
  const auto known = world.connect();
  ASSERT_TRUE(known->send("x"));
  EXPECT_EQ(known->receive(1), "x");
  const auto silent = world.connect();
  const auto slow = world.connect();
  ASSERT_TRUE(slow->send("GE"));
  ASSERT_TRUE(eventually([&] { return world.host.places() == 3; }));
  world.entrance->stop();
  EXPECT_TRUE(silent->ended());
  EXPECT_TRUE(slow->ended());
  ASSERT_TRUE(known->send("y"));
  EXPECT_EQ(known->receive(1), "y");
}

// --- The server speaks first

TEST_P(EntranceTest, GreetsAtOnceOverTcp) {
  EntranceWorld world(login(kTcp), GetParam());
  const auto client = world.connect();
  EXPECT_EQ(client->receive(6), "hello ");
  ASSERT_TRUE(client->send(kHello));
  EXPECT_EQ(client->receive(kHello.size()), kHello);
}

TEST_P(EntranceTest, GreetsWhoIsSilentForAMoment) {
  EntranceWorld world(login(kAuto, kShortMs), GetParam());
  const auto silent = world.connect();
  EXPECT_EQ(silent->receive(6), "hello ");
  const auto slow = world.connect();
  ASSERT_TRUE(slow->send("GE"));
  EXPECT_EQ(slow->receive(8), "hello GE");
}

TEST_P(EntranceTest, GreetsWhoSpeaksAtOnceWithoutWaiting) {
  EntranceWorld world(login(kAuto), GetParam());
  const auto client = world.connect();
  ASSERT_TRUE(client->send("dGVzdA==@x:y\n"));
  EXPECT_EQ(client->receive(19), "hello dGVzdA==@x:y\n");
  const auto tls = world.connect();
  ASSERT_TRUE(tls->send(kHello));
  EXPECT_EQ(tls->receive_all(), std::string("\x15\x03\x01\x00\x02\x02\x28", 7));
}

TEST_P(EntranceTest, IsSilentWhereTheClientHasToBeginTls) {
  WorldOptions options = login(kTls, kShortMs);
  options.handshake_timeout_ms = 4 * kShortMs;
  EntranceWorld world(std::move(options), GetParam());
  const auto client = world.connect();
  EXPECT_EQ(client->receive_all(), "");
  EXPECT_TRUE(world.host.saw("gone timeout")) << world.host.events();
}

// --- WebSocket

const std::string kUpgrade =
    "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
constexpr std::size_t kUpgradedBytes = 129;  // of the answer

TEST_P(EntranceTest, GivesAWebSocketToTheGateOnceItIsGranted) {
  for (const ListenerTransport transport : {kWs, kAuto}) {
    EntranceWorld world(gate(transport), GetParam());
    const auto client = world.connect();
    for (const char& byte : kUpgrade) ASSERT_TRUE(client->send({&byte, 1}));
    EXPECT_THAT(client->receive(kUpgradedBytes), StartsWith("HTTP/1.1 101 "));
    EXPECT_TRUE(world.host.saw("enter ws 127.0.0.1 -")) << world.host.events();
    ASSERT_TRUE(client->send(test::ws_text("message")));
    EXPECT_THAT(test::ws_received(client->receive(9)),
                testing::ElementsAre(test::WsReceived{2, "message"}));
  }
}

TEST_P(EntranceTest, GivesTheMessagesThatCameWithTheUpgrade) {
  EntranceWorld world(behind_a_proxy(gate(kAuto)), GetParam());
  const auto client = world.connect();
  ASSERT_TRUE(client->send("PROXY TCP4 192.0.2.7 203.0.113.9 50000 443\r\n" + kUpgrade +
                           test::ws_binary("early")));
  EXPECT_THAT(client->receive(kUpgradedBytes), StartsWith("HTTP/1.1 101 "));
  EXPECT_EQ(client->receive(7), std::string("\x82\x05") + "early");
  EXPECT_TRUE(world.host.saw("enter ws 192.0.2.7 by 127.0.0.1")) << world.host.events();
}

TEST_P(EntranceTest, TellsTheHostOfUpgradesThatAreRefused) {
  EntranceWorld world(gate(kAuto), GetParam());
  auto client = world.connect();
  ASSERT_TRUE(client->send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  EXPECT_THAT(client->receive_all(), StartsWith("HTTP/1.1 426 "));
  client->close();
  EXPECT_TRUE(world.host.saw("gone protocol")) << world.host.events();
  EXPECT_EQ(world.refused("upgrade_no_upgrade"), 1);
}

TEST_P(EntranceTest, EndsAnUpgradeAtTheDeadline) {
  WorldOptions options = gate(kAuto);
  options.handshake_timeout_ms = kShortMs;
  EntranceWorld world(std::move(options), GetParam());
  const auto client = world.connect();
  ASSERT_TRUE(client->send("GET / HTTP/1.1\r\n"));
  EXPECT_TRUE(client->ended());
  EXPECT_TRUE(world.host.saw("gone timeout")) << world.host.events();
}

// --- Behind a proxy

const std::string kLine = "PROXY TCP4 192.0.2.7 203.0.113.9 50000 443\r\n";

TEST_P(EntranceTest, BelievesATrustedProxyWhoseConnectionItIs) {
  EntranceWorld world(behind_a_proxy(gate(kAuto)), GetParam());
  const auto client = world.connect();
  ASSERT_TRUE(client->send(kLine + "frame"));
  EXPECT_EQ(client->receive(5), "frame");
  EXPECT_TRUE(world.host.saw("admit 192.0.2.7:50000")) << world.host.events();
  EXPECT_TRUE(world.host.saw("enter " + kind() + " 192.0.2.7 by 127.0.0.1"));
}

TEST_P(EntranceTest, TakesAHeaderByteByByte) {
  EntranceWorld world(behind_a_proxy(gate(kAuto)), GetParam());
  std::string header(protocol::kProxyV2Signature);
  header += std::string("\x21\x11\x00\x1e\xc0\x00\x02\x08\xcb\x00\x71\x09\xc3\x50\x01\xbb", 16);
  header += std::string("\x20\x00\x0f\x01\0\0\0\0\x21\x00\x07TLSv1.3", 18);
  const auto client = world.connect();
  for (const char& byte : header + "frame") ASSERT_TRUE(client->send({&byte, 1}));
  EXPECT_EQ(client->receive(5), "frame");
  EXPECT_TRUE(world.host.saw("enter " + kind() + " 192.0.2.8 by 127.0.0.1 TLSv1.3"))
      << world.host.events();
}

TEST_P(EntranceTest, GreetsBehindTheHeader) {
  for (const ListenerTransport transport : {kTcp, kAuto}) {
    EntranceWorld world(behind_a_proxy(login(transport, kShortMs)), GetParam());
    const auto client = world.connect();
    ASSERT_TRUE(client->send(kLine));
    EXPECT_EQ(client->receive(6), "hello ");
    EXPECT_TRUE(world.host.saw("admit 192.0.2.7:50000")) << world.host.events();
  }
}

TEST_P(EntranceTest, AProxysOwnConnectionCountsAsItsOwn) {
  EntranceWorld world(behind_a_proxy(gate(kAuto)), GetParam());
  const auto client = world.connect();
  ASSERT_TRUE(client->send("PROXY UNKNOWN\r\nx"));
  EXPECT_EQ(client->receive(1), "x");
  EXPECT_TRUE(world.host.saw("enter " + kind() + " 127.0.0.1 by 127.0.0.1"));
}

TEST_P(EntranceTest, RequiresTheHeaderOfATrustedProxy) {
  EntranceWorld world(behind_a_proxy(gate(kAuto)), GetParam());
  for (const std::string& bytes : {std::string("\0\x04gate", 6), kHello, std::string("GET / H")}) {
    const auto client = world.connect();
    client->send(bytes);
    EXPECT_TRUE(client->ended());
  }
  EXPECT_EQ(world.refused("proxy_header_missing"), 3);
  const auto client = world.connect();
  client->send("PROXY TCP4 nonsense\r\n");
  EXPECT_TRUE(client->ended());
  EXPECT_EQ(world.refused("proxy_header_malformed"), 1);
  EXPECT_EQ(world.host.events(), "");
}

TEST_P(EntranceTest, WaitsForAHeaderOnlySoLong) {
  WorldOptions options = behind_a_proxy(login(kTcp));
  options.entrance.proxy_header_timeout_ms = kShortMs;
  EntranceWorld world(std::move(options), GetParam());
  const auto client = world.connect();
  ASSERT_TRUE(client->send("PROXY "));
  EXPECT_TRUE(client->ended());
  EXPECT_EQ(world.refused("proxy_header_too_late"), 1);
}

TEST_P(EntranceTest, WaitsForSoManyHeadersOnly) {
  WorldOptions options = behind_a_proxy(gate(kAuto));
  options.entrance.proxy_headers_max = 2;
  options.workers = 1;  // which accepts them in their order
  EntranceWorld world(std::move(options), GetParam());
  const auto first = world.connect();
  const auto second = world.connect();
  ASSERT_TRUE(first->send("PROXY "));
  ASSERT_TRUE(second->send("PROXY "));
  EXPECT_TRUE(world.connect()->ended());
  EXPECT_EQ(world.refused("proxy_connections_max"), 1);
  ASSERT_TRUE(first->send(kLine.substr(6) + "x"));
  EXPECT_EQ(first->receive(1), "x");
  const auto third = world.connect();
  ASSERT_TRUE(third->send(kLine + "y"));
  EXPECT_EQ(third->receive(1), "y");
}

TEST_P(EntranceTest, SaysTheLastWordsToTheClientBehindTheProxy) {
  WorldOptions options = behind_a_proxy(gate(kAuto));
  options.full = true;
  EntranceWorld world(std::move(options), GetParam());
  const auto client = world.connect();
  ASSERT_TRUE(client->send(kLine));
  EXPECT_EQ(client->receive_all(), "full");
}

TEST_P(EntranceTest, TakesAHeaderFromNobodyElse) {
  EntranceWorld world(gate(kAuto), GetParam());
  const auto client = world.connect();
  ASSERT_TRUE(client->send(kLine));
  EXPECT_EQ(client->receive_all(), "bad request");
  EXPECT_EQ(world.refused("proxy_header_untrusted"), 1);
  EXPECT_EQ(world.host.events().find("192.0.2.7"), std::string::npos);
}

TEST_P(EntranceTest, TakesOneHeaderOnly) {
  EntranceWorld world(behind_a_proxy(gate(kAuto)), GetParam());
  const auto client = world.connect();
  ASSERT_TRUE(client->send(kLine + kLine));
  EXPECT_EQ(client->receive_all(), "bad request");
  EXPECT_EQ(world.refused("proxy_header_untrusted"), 1);
}

}  // namespace
}  // namespace gatehouse::edge
