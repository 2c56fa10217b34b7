// docs/protocol.md 3.2 to 3.6 through the wire, with sessions on every worker: a connection
// comes in anywhere and is served where its session lives.
#include <fstream>
#include <nlohmann/json.hpp>

#include "crypto/encoding.hpp"
#include "gate_world.hpp"

namespace gatehouse::gate {
namespace {

TEST(Handshake, AcceptedOnEveryWorkerBothSuites) {
  World world({}, 3);
  for (std::uint16_t worker = 0; worker < 3; ++worker) {
    for (const auto suite : {protocol::Suite::kSkynet, protocol::Suite::kX25519}) {
      const Player player =
          world.login("u" + std::to_string(worker), worker, suite, std::string(name(suite)));
      for (int index = 1; index <= 8; ++index) {
        Client client(world);
        ASSERT_EQ(client.handshake(player, index), "200 OK");
        EXPECT_EQ(client.ask("hello", 100 + static_cast<std::uint32_t>(index)),
                  ok("hello", 100 + static_cast<std::uint32_t>(index)));
      }
    }
  }
}

std::string from_hex(const std::string& text) {
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); i += 2)
    bytes.push_back(static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16)));
  return bytes;
}

TEST(Handshake, VectorsThroughTheWire) {
  World world;
  std::ifstream file(GATEHOUSE_VECTORS_DIR "/skynet-suite.json");
  const auto cases = nlohmann::json::parse(file)["cases"];
  ASSERT_GE(cases.size(), 3u);
  for (const auto& known : cases) {
    FakeAgent agent;
    const std::string secret = from_hex(known["secret"]);
    world.on(1, [&] {
      auto session = world.gate.create_session(
          {"test1", "cocos1", "1", Secret(secret), protocol::Suite::kSkynet},
          world.system.worker(1), agent);
      ASSERT_TRUE(session);
      agent.session = std::move(*session);
    });
    Client client(world);
    const std::string text = known["gate_text"];
    client.send(framed(text + ':' + crypto::base64_encode(from_hex(known["gate_hmac64"]))));
    EXPECT_EQ(client.frame(), "200 OK") << text;
    world.on(1, [&] { agent.session.reset(); });
  }
}

TEST(Handshake, UnknownNameTextWithoutColonsAndEmptyFrameAre404) {
  World world;
  const Player known = world.login("known");
  Player unknown = known;
  unknown.name = protocol::make_gate_name("unknown", "sample", "1");
  {
    Client client(world);
    EXPECT_EQ(client.handshake(unknown, 1), "404 User Not Found");
    EXPECT_TRUE(client.is_closed());
  }
  for (const std::string text : {"", "x", "no colons at all", "one:colon"}) {
    Client client(world);
    client.send(framed(text));
    EXPECT_EQ(client.frame(), "404 User Not Found") << text;
    EXPECT_TRUE(client.is_closed());
  }
  EXPECT_EQ(world.closed("user_not_found"), 5);
}

TEST(Handshake, IndexMustGrow403) {
  World world;
  const Player player = world.login("p", 1);
  EXPECT_EQ(Client(world).handshake(player, 5), "200 OK");
  for (const int index : {5, 4, 0, -1}) {
    Client client(world);
    EXPECT_EQ(client.handshake(player, index), "403 Index Expired") << index;
    EXPECT_TRUE(client.is_closed());
  }
  EXPECT_EQ(Client(world).handshake(player, 9), "200 OK") << "gaps are allowed";
  EXPECT_EQ(world.closed("index_expired"), 4);
}

TEST(Handshake, WrongMac401DoesNotConsumeTheIndex) {
  World world;
  const Player player = world.login("p", 1);
  Player liar = player;
  liar.secret = Secret("another!");
  for (int i = 0; i < 3; ++i) {
    Client client(world);
    EXPECT_EQ(client.handshake(liar, 1000), "401 Unauthorized");
    EXPECT_TRUE(client.is_closed());
  }
  Client empty_mac(world);
  empty_mac.send(framed(player.name + ":1:"));
  EXPECT_EQ(empty_mac.frame(), "401 Unauthorized");
  EXPECT_EQ(Client(world).handshake(player, 1), "200 OK");
  EXPECT_EQ(world.closed("unauthorized"), 4);
}

TEST(Handshake, MalformedFields400) {
  World world;
  const Player player = world.login("p", 1);
  const std::string bad[] = {player.name + ":one:AAAA", player.name + ":1:***",
                             player.name + ":1:minus:c::AAAA", player.name + ":1:0:has blank::AAAA",
                             player.name + ":1:0:" + std::string(33, 'c') + "::AAAA"};
  for (const std::string& text : bad) {
    Client client(world);
    client.send(framed(text));
    EXPECT_EQ(client.frame(), "400 Bad Request") << text;
    EXPECT_TRUE(client.is_closed());
  }
  EXPECT_EQ(world.closed("bad_request"), 5);
}

TEST(Handshake, IndexAsLuaReadsNumbers) {
  World world;
  const Player player = world.login("p");
  for (const std::string index : {"1.5", "0x2", " 3 ", "1e1"}) {
    Client client(world);
    client.send(framed(handshake_text(player, index)));
    EXPECT_EQ(client.frame(), "200 OK") << index;
  }
}

TEST(Handshake, ExtraFieldsAreIgnored) {
  World world;
  const Player player = world.login("p");
  Client client(world);
  client.send(framed(handshake_text(player, "1") + ":more"));
  EXPECT_EQ(client.frame(), "200 OK");
}

TEST(Handshake, ExtendedIgnoresOptionsItDoesNotKnow) {
  World world;
  const Player player = world.login("p", 1, protocol::Suite::kX25519);
  Client client(world);
  EXPECT_EQ(client.handshake(player, 1, Extension{0, "abc-DEF_123", "other,another"}), "200 OK");
  EXPECT_EQ(client.ask("a", 1), ok("a", 1));
}

// Two of three sessions live on another worker than the one that accepts.
TEST(Handshake, PipelinedRequestsSurviveTheHandOverByteByByte) {
  World world({}, 3);
  for (std::uint16_t worker = 0; worker < 3; ++worker) {
    const Player player = world.login("p" + std::to_string(worker), worker);
    std::string stream = framed(handshake_text(player, "1"));
    for (std::uint32_t n = 1; n <= 3; ++n) stream += request_frame("n" + std::to_string(n), n);
    Client client(world);
    ASSERT_TRUE(client.send_byte_by_byte(stream));
    EXPECT_EQ(client.frame(), "200 OK");
    for (std::uint32_t n = 1; n <= 3; ++n)
      EXPECT_EQ(client.response(), ok("n" + std::to_string(n), n));
  }
}

TEST(Handshake, PipelinedRequestsSurviveTheHandOverAtEveryCut) {
  World world({}, 3);
  for (std::uint16_t worker = 0; worker < 3; ++worker) {
    const Player player = world.login("p" + std::to_string(worker), worker);
    for (std::size_t cut = 0, index = 1;; ++cut, ++index) {
      std::string stream = framed(handshake_text(player, std::to_string(index)));
      const auto session = static_cast<std::uint32_t>(3 * index);
      for (std::uint32_t n = 0; n < 3; ++n)
        stream += request_frame("n" + std::to_string(n), session + n);
      if (cut > stream.size()) break;
      Client client(world);
      ASSERT_TRUE(client.send(stream.substr(0, cut)));
      ASSERT_TRUE(client.send(stream.substr(cut)));
      ASSERT_EQ(client.frame(), "200 OK");
      for (std::uint32_t n = 0; n < 3; ++n)
        ASSERT_EQ(client.response(), ok("n" + std::to_string(n), session + n)) << cut;
    }
  }
}

// Far more than one read brings: what follows the handshake in the kernel goes along.
TEST(Handshake, LongPipelineSurvivesTheHandOver) {
  World world({}, 3);
  for (std::uint16_t worker = 0; worker < 3; ++worker) {
    const Player player = world.login("p" + std::to_string(worker), worker);
    std::string stream = framed(handshake_text(player, "1"));
    for (std::uint32_t n = 0; n < 500; ++n)
      stream += request_frame(std::string(1000, static_cast<char>('a' + n % 26)), n);
    Client client(world);
    std::thread sender([&] { EXPECT_TRUE(client.send(stream)); });
    EXPECT_EQ(client.frame(), "200 OK");
    for (std::uint32_t n = 0; n < 500; ++n)
      EXPECT_EQ(client.response(), ok(std::string(1000, static_cast<char>('a' + n % 26)), n));
    sender.join();
  }
}

TEST(Handshake, SessionGoneDuringTheHandOverIs404) {
  World world({}, 2);
  const Player player = world.login("p", 1);
  std::promise<void> block, release;
  auto released = release.get_future();
  world.system.worker(1).post([&] {
    block.set_value();
    released.wait();
  });
  block.get_future().wait();
  world.system.worker(1).post([&] { player.agent->session.reset(); });
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 24; ++i) {
    clients.push_back(std::make_unique<Client>(world));
    clients.back()->send(framed(handshake_text(player, std::to_string(i + 1))));
  }
  // Accepted on worker 0, and every one of them between the workers.
  EXPECT_TRUE(eventually(
      [&] { return world.gate.connection_count() > 0 && world.metric("gate_connections") == 0; }));
  release.set_value();
  for (auto& client : clients) {
    EXPECT_EQ(client->frame(), "404 User Not Found");
    EXPECT_TRUE(client->is_closed());
  }
}

TEST(Handshake, NewerClosesOlder) {
  World world({}, 2);
  const Player player = world.login("p", 1);
  Client first(world), second(world), third(world);
  EXPECT_EQ(first.handshake(player, 1), "200 OK");
  EXPECT_EQ(second.handshake(player, 2, Extension{}), "200 OK");
  EXPECT_TRUE(first.is_closed()) << "skynet's clients are told nothing";
  EXPECT_EQ(third.handshake(player, 3), "200 OK");
  EXPECT_EQ(second.response(),
            (Response{R"({"type":"kick","code":409,"reason":"replaced"})", 3, 0}));
  EXPECT_TRUE(second.is_closed());
  EXPECT_EQ(third.ask("alive", 1), ok("alive", 1));
  EXPECT_EQ(world.events(player), "crr") << "no afk: there was always a connection";
  EXPECT_EQ(world.closed("replaced"), 2);
}

// docs/skynet-rules.md 5.1, row 4: the older connection's end must not touch the newer one.
TEST(Handshake, OlderConnectionEndingLateChangesNothing) {
  World world;
  const Player player = world.login("p");
  Client second(world);
  {
    Client first(world);
    EXPECT_EQ(first.handshake(player, 1), "200 OK");
    EXPECT_EQ(second.handshake(player, 2), "200 OK");
    first.request("from the old connection", 7);
  }
  EXPECT_TRUE(eventually([&] { return world.gate.connection_count() == 1; }));
  EXPECT_EQ(second.ask("count", 1), ok("1", 1));
  EXPECT_EQ(world.events(player), "cr");
  EXPECT_EQ(world.with(player, [](FakeAgent& a) { return a.requests; }), 1u);
}

TEST(Handshake, NameIsFreeAfterLogoutAndTakenBefore) {
  World world;
  const Player player = world.login("p", 0);
  const auto twice = world.try_login("p", 1, protocol::Suite::kSkynet, "1");
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().code, Errc::kExists);
  world.logout(player);
  EXPECT_EQ(Client(world).handshake(player, 1), "404 User Not Found");
  const Player again = world.login("p", 1);
  EXPECT_EQ(Client(world).handshake(again, 1), "200 OK");
}

TEST(Handshake, SessionKnowsItsNames) {
  World world;
  const Player player = world.login("严", 1, protocol::Suite::kX25519, "17");
  Client client(world);
  EXPECT_EQ(client.handshake(player, 1), "200 OK");
  world.with(player, [&](FakeAgent& agent) {
    EXPECT_EQ(agent.session->uid(), "严");
    EXPECT_EQ(agent.session->server(), "sample");
    EXPECT_EQ(agent.session->subid(), "17");
    EXPECT_EQ(agent.session->name(), player.name);
    EXPECT_TRUE(agent.session->connected());
    EXPECT_TRUE(agent.session->peer().starts_with("127.0.0.1:"));
  });
}

}  // namespace
}  // namespace gatehouse::gate
