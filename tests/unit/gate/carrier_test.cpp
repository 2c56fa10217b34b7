// The gate over every carrier: sockets, and memory without sockets and libuv.
#include "gate_world.hpp"

namespace gatehouse::gate {
namespace {

class CarrierTest : public testing::TestWithParam<Carrier> {};

INSTANTIATE_TEST_SUITE_P(Carriers, CarrierTest, testing::Values(Carrier::kTcp, Carrier::kMemory),
                         [](const auto& carrier) {
                           return carrier.param == Carrier::kTcp ? "Tcp" : "Memory";
                         });

// What came behind the handshake goes along to the worker of the session, and is served there.
TEST_P(CarrierTest, RequestsBehindTheHandshakeMoveWithIt) {
  World world({}, 3, GetParam());
  for (std::uint16_t worker = 0; worker < 3; ++worker) {
    const Player player = world.login("p" + std::to_string(worker), worker);
    for (int index = 1; index <= 6; ++index) {  // by every worker
      Client client(world);
      std::string bytes = framed(handshake_text(player, std::to_string(index), kExtended));
      for (std::uint32_t n = 0; n < 50; ++n)
        bytes += request_frame("x", 100 * static_cast<std::uint32_t>(index) + n);
      ASSERT_TRUE(client.send(bytes));
      ASSERT_EQ(client.frame(), "200 OK");
      for (std::uint32_t n = 0; n < 50; ++n)
        ASSERT_EQ(client.response(), ok("x", 100 * static_cast<std::uint32_t>(index) + n));
    }
  }
}

TEST_P(CarrierTest, ServesWhatComesByteByByte) {
  World world({}, 2, GetParam());
  const Player player = world.login("p", 1);
  for (const char* index : {"1", "2"}) {
    Client client(world);
    ASSERT_TRUE(client.send_byte_by_byte(framed(handshake_text(player, index)) +
                                         request_frame("one", 1) + request_frame("two", 2)));
    EXPECT_EQ(client.frame(), "200 OK");
    EXPECT_EQ(client.response(), ok("one", 1));
    EXPECT_EQ(client.response(), ok("two", 2));
  }
}

TEST_P(CarrierTest, BringsTheAnswersAfterAReset) {
  World world({}, 2, GetParam());
  const Player player = world.login("p", 1);
  Client first(world);
  ASSERT_EQ(first.handshake(player, 1, kExtended), "200 OK");
  first.request("hold", 1);
  ASSERT_TRUE(eventually([&] { return world.holds(player, 1); }));
  first.reset();
  ASSERT_TRUE(eventually([&] { return world.events(player) == "cd"; }));
  EXPECT_EQ(world.closed("peer_reset"), 1);
  world.answer(player, 1, "done");
  Client second(world);
  ASSERT_EQ(second.handshake(player, 2, kExtended), "200 OK");
  EXPECT_EQ(second.ask("hold", 1), ok("done", 1));
}

TEST_P(CarrierTest, AnswersAClientThatHasEndedItsSide) {
  World world({}, 2, GetParam());
  const Player player = world.login("p", 1);
  Client client(world);
  ASSERT_EQ(client.handshake(player, 1, kExtended), "200 OK");
  client.request("hold", 1);
  ASSERT_TRUE(eventually([&] { return world.holds(player, 1); }));
  client.finish_sending();
  ASSERT_TRUE(eventually([&] { return world.events(player) == "cd"; }));
  world.answer(player, 1, "late");
  EXPECT_EQ(client.response(), ok("late", 1));
  EXPECT_TRUE(client.is_closed());
}

// A frame that waits is put back, and so is what is behind it; nothing is lost or turned round.
TEST_P(CarrierTest, HoldsAConversationBackAndReadsOn) {
  World world(with_limits([](Limits& limits) {
                limits.gate_pending_bytes_max = 60'000;
                limits.gate_frames_per_s_max = 0;
              }),
              2, GetParam());
  const Player player = world.login("p", 1);
  Client client(world);
  ASSERT_EQ(client.handshake(player, 1, kExtended), "200 OK");
  for (std::uint32_t round = 0; round < 3; ++round) {
    const std::uint32_t first = round * 1'000;
    client.request("hold", first);
    ASSERT_TRUE(eventually([&] { return world.holds(player, first); }));
    std::string bytes = request_frame(std::string(60'000, 'x'), first + 1);
    for (std::uint32_t n = 2; n < 300; ++n) bytes += request_frame("x", first + n);
    ASSERT_TRUE(client.send(bytes));
    ASSERT_TRUE(
        eventually([&] { return world.metric("gate_connections_held_back") == round + 1; }));
    world.answer(player, first, "held");
    ASSERT_EQ(client.response(), ok("held", first));
    ASSERT_EQ(client.response().session, first + 1);
    for (std::uint32_t n = 2; n < 300; ++n) ASSERT_EQ(client.response(), ok("x", first + n));
  }
}

TEST_P(CarrierTest, KicksAndClosesInOrder) {
  World world({}, 2, GetParam());
  const Player player = world.login("p", 1);
  Client older(world);
  ASSERT_EQ(older.handshake(player, 1, kExtended), "200 OK");
  Client newer(world);
  ASSERT_EQ(newer.handshake(player, 2, kExtended), "200 OK");
  const Response kick = older.response();
  EXPECT_EQ(kick.kind, 3);
  EXPECT_TRUE(older.is_closed());
  EXPECT_EQ(newer.ask("still here", 1), ok("still here", 1));
}

TEST_P(CarrierTest, ClosesAReaderThatIsTooSlow) {
  World world(with_limits([](Limits& limits) {
                limits.gate_unsent_bytes_max = 262'144;
                limits.gate_frames_per_s_max = limits.gate_bytes_per_s_max = 0;
              }),
              2, GetParam());
  const Player player = world.login("p", 1);
  Client client(world, 4'096);
  ASSERT_EQ(client.handshake(player, 1), "200 OK");
  const std::string ping = request_frame(std::string(60'000, 'x'), protocol::kPingSession);
  int sent = 0;
  while (sent < 10'000 && client.send(ping)) ++sent;
  EXPECT_LT(sent, 10'000);
  EXPECT_TRUE(eventually([&] { return world.events(player) == "cd"; }));
  EXPECT_EQ(world.closed("slow_reader"), 1);
}

TEST_P(CarrierTest, StopsWithClientsInEveryState) {
  std::vector<Client> clients;
  {
    World world({}, 2, GetParam());
    const Player player = world.login("p", 1);
    for (int i = 0; i < 4; ++i) clients.emplace_back(world);
    ASSERT_EQ(clients[0].handshake(player, 1), "200 OK");
    clients[0].request("hold", 1);
    ASSERT_TRUE(clients[1].send("\x01"));
    clients[2].finish_sending();
    ASSERT_TRUE(eventually([&] { return world.holds(player, 1); }));
  }
}

// --- What only a network in memory can be told to do

TEST(GateInMemory, EndsAHandshakeThatTheNetworkSwallows) {
  World world(with_limits([](Limits& limits) { limits.gate_handshake_timeout_ms = 100; }), 2,
              Carrier::kMemory);
  const Player player = world.login("p", 1);
  Client client(world);
  world.link().cut();
  ASSERT_TRUE(client.send(framed(handshake_text(player, "1"))));
  EXPECT_TRUE(eventually([&] { return world.closed("handshake_timeout") == 1; }));
  world.link().mend();
  EXPECT_TRUE(client.is_closed());
  EXPECT_EQ(world.events(player), "");
}

TEST(GateInMemory, DelayKeepsTheOrder) {
  World world(with_limits([](Limits& limits) { limits.gate_frames_per_s_max = 0; }), 2,
              Carrier::kMemory);
  const Player player = world.login("p", 1);
  Client client(world);
  // The later, the faster.
  world.link().set_delay([delay = 40u]() mutable { return delay > 0 ? delay-- : 0u; });
  ASSERT_TRUE(client.send(framed(handshake_text(player, "1"))));
  for (std::uint32_t n = 1; n <= 60; ++n) client.request(std::to_string(n), n);
  EXPECT_EQ(client.frame(), "200 OK");
  for (std::uint32_t n = 1; n <= 60; ++n) ASSERT_EQ(client.response(), ok(std::to_string(n), n));
}

}  // namespace
}  // namespace gatehouse::gate
