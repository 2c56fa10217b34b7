// Pushes, their replay, and control frames (docs/protocol.md 3.13 to 3.16).
#include "gate_world.hpp"

namespace gatehouse::gate {
namespace {

const Extension kFirst{0, "p", ""};

Extension after(std::uint32_t last_push) {
  return {last_push, "p", ""};
}

Response control(std::string json) {
  return {std::move(json), 3, 0};
}

void push(World& world, const Player& player, const std::string& content) {
  world.with(player, [&](FakeAgent& agent) { EXPECT_TRUE(agent.session->push(content)); });
}

TEST(Push, NumberedFromOneAndInOrderWithResponses) {
  World world;
  const Player player = world.login("p", 1);
  Client client(world);
  EXPECT_EQ(client.handshake(player, 1, kFirst), "200 OK");
  client.request("push a", 1);
  client.request("push 严", 2);
  EXPECT_EQ(client.response(), pushed("a", 1));
  EXPECT_EQ(client.response(), ok("pushed", 1));
  EXPECT_EQ(client.response(), pushed("严", 2));
  EXPECT_EQ(client.response(), ok("pushed", 2));
}

TEST(Push, MissedOnesAreSentAfterTheHandshake) {
  World world;
  const Player player = world.login("p", 1);
  push(world, player, "before anybody came");
  Client first(world);
  EXPECT_EQ(first.handshake(player, 1, kFirst), "200 OK");
  EXPECT_EQ(first.response(), pushed("before anybody came", 1));
  first.close();
  EXPECT_TRUE(eventually([&] { return world.events(player) == "cd"; }));
  push(world, player, "two");
  push(world, player, "three");
  Client second(world);
  EXPECT_EQ(second.handshake(player, 2, after(1)), "200 OK");
  EXPECT_EQ(second.response(), pushed("two", 2));
  EXPECT_EQ(second.response(), pushed("three", 3));
  Client third(world);
  EXPECT_EQ(third.handshake(player, 3, after(2)), "200 OK");
  EXPECT_EQ(third.response(), pushed("three", 3));
  Client fourth(world);
  EXPECT_EQ(fourth.handshake(player, 4, after(3)), "200 OK");
  EXPECT_TRUE(fourth.is_quiet());
  push(world, player, "four");
  EXPECT_EQ(fourth.response(), pushed("four", 4));
}

TEST(Push, GapIsToldByAControlFrame) {
  World world(with_limits([](Limits& limits) { limits.gate_push_log_count_max = 4; }));
  const Player player = world.login("p", 1);
  for (int n = 1; n <= 10; ++n) push(world, player, "p" + std::to_string(n));
  Client client(world);
  EXPECT_EQ(client.handshake(player, 1, after(2)), "200 OK");
  EXPECT_EQ(client.response(), control(R"({"type":"push_gap","last_push":2,"next_push":7})"));
  for (std::uint32_t n = 7; n <= 10; ++n)
    EXPECT_EQ(client.response(), pushed("p" + std::to_string(n), n));
}

TEST(Push, LogIsBoundedInBytes) {
  World world(with_limits([](Limits& limits) { limits.gate_push_log_bytes_max = 1000; }));
  const Player player = world.login("p", 1);
  for (int n = 1; n <= 10; ++n) push(world, player, std::string(300, 'x'));
  Client client(world);
  EXPECT_EQ(client.handshake(player, 1, kFirst), "200 OK");
  EXPECT_EQ(client.response(), control(R"({"type":"push_gap","last_push":0,"next_push":8})"));
  for (std::uint32_t n = 8; n <= 10; ++n)
    EXPECT_EQ(client.response(), pushed(std::string(300, 'x'), n));
  EXPECT_TRUE(client.is_quiet());
}

TEST(Push, NumbersStartAnewInAnotherConversation) {
  World world;
  const Player player = world.login("p", 1);
  Client first(world);
  EXPECT_EQ(first.handshake(player, 1, kFirst), "200 OK");
  push(world, player, "a");
  EXPECT_EQ(first.response(), pushed("a", 1));
  Client second(world);
  EXPECT_EQ(second.handshake(player, 2, Extension{0, "other", ""}), "200 OK");
  push(world, player, "b");
  EXPECT_EQ(second.response(), pushed("b", 1));
}

TEST(Push, SkynetClientsGetNeitherPushesNorControls) {
  World world;
  const Player player = world.login("p", 1);
  Client client(world);
  EXPECT_EQ(client.handshake(player, 1), "200 OK");
  push(world, player, "hidden");
  world.with(player, [](FakeAgent& agent) {
    EXPECT_FALSE(agent.session->control("{}"));
    agent.session->drain();
  });
  EXPECT_TRUE(client.is_quiet());
}

TEST(Push, TooLongIsRefused) {
  World world;
  const Player player = world.login("p", 1);
  Client client(world);
  EXPECT_EQ(client.handshake(player, 1, kFirst), "200 OK");
  world.with(player, [](FakeAgent& agent) {
    const auto result = agent.session->push(std::string(kResponseContentBytesMax + 1, 'x'));
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Errc::kInvalid);
    EXPECT_TRUE(agent.session->push(std::string(kResponseContentBytesMax, 'x')));
  });
  EXPECT_EQ(client.response(), pushed(std::string(kResponseContentBytesMax, 'x'), 1));
}

TEST(Control, ReachesExtendedClients) {
  World world;
  const Player player = world.login("p", 1);
  Client client(world);
  EXPECT_EQ(client.handshake(player, 1, kFirst), "200 OK");
  world.with(player, [](FakeAgent& agent) { EXPECT_TRUE(agent.session->control("{\"a\":1}")); });
  EXPECT_EQ(client.response(), control("{\"a\":1}"));
}

TEST(Control, DrainTellsThePlayersOfEveryWorker) {
  World world({}, 3);
  std::vector<Client> clients;
  for (std::uint16_t worker = 0; worker < 3; ++worker) {
    const Player player = world.login("p" + std::to_string(worker), worker);
    clients.emplace_back(world);
    EXPECT_EQ(clients.back().handshake(player, 1, kFirst), "200 OK");
  }
  world.gate.drain();
  for (Client& client : clients) {
    EXPECT_EQ(client.response(), control(R"({"type":"drain"})"));
    EXPECT_EQ(client.ask("still served", 1), ok("still served", 1));
  }
}

TEST(Control, KickTellsWhyClosesAndFreesTheName) {
  World world;
  for (const bool extended : {true, false}) {
    const Player player = world.login(extended ? "e" : "s", 1);
    Client client(world);
    EXPECT_EQ(client.handshake(player, 1, extended ? std::optional(kFirst) : std::nullopt),
              "200 OK");
    client.request("written before", 1);
    EXPECT_EQ(client.response(), ok("written before", 1));
    world.with(player, [](FakeAgent& agent) {
      agent.session->kick(403, "banned \"for\" a day");
      EXPECT_FALSE(agent.session->connected());
      EXPECT_FALSE(agent.session->push("nobody"));
    });
    if (extended) {
      EXPECT_EQ(client.response(),
                control(R"({"type":"kick","code":403,"reason":"banned \"for\" a day"})"));
    }
    EXPECT_TRUE(client.is_closed());
    EXPECT_EQ(Client(world).handshake(player, 2), "404 User Not Found");
    EXPECT_EQ(world.events(player), "c") << "the agent kicked, it need not be told";
    const Player again = world.login(extended ? "e" : "s", 0);
    EXPECT_EQ(Client(world).handshake(again, 1), "200 OK") << "the kicked one still exists";
  }
  EXPECT_EQ(world.closed("kicked"), 2);
}

}  // namespace
}  // namespace gatehouse::gate
