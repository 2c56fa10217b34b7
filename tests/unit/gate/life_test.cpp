// Sessions and connections that end in the midst of something.
#include <gmock/gmock.h>

#include "gate_world.hpp"

namespace gatehouse::gate {
namespace {

constexpr char kKickedFrame[] = R"({"type":"kick","code":410,"reason":"removed"})";
constexpr char kEndedFrame[] = R"({"type":"kick","code":500,"reason":"session_ended"})";

TEST(Life, KickFromInsideARequest) {
  World world;
  const Player player = world.login("p", 1);
  Client client(world);
  EXPECT_EQ(client.handshake(player, 1, kExtended), "200 OK");
  client.send(request_frame("one", 1) + request_frame("kick", 2) + request_frame("count", 3));
  EXPECT_EQ(client.response(), ok("one", 1));
  EXPECT_EQ(client.response(), (Response{kKickedFrame, 3, 0})) << "the last frame";
  EXPECT_TRUE(client.is_closed());
  EXPECT_EQ(world.counted(player), 0u) << "what was pipelined behind it does not run";
  EXPECT_EQ(world.events(player), "c");
}

// docs/skynet-rules.md 5.1, row 7: requests that ran are answered with kind 0.
TEST(Life, SessionDestroyedInsideARequest) {
  World world;
  const Player player = world.login("p", 1);
  Client client(world);
  EXPECT_EQ(client.handshake(player, 1, kExtended), "200 OK");
  client.send(request_frame("hold", 1) + request_frame("die", 2) + request_frame("count", 3));
  const std::vector<Response> failures{client.response(), client.response()};
  EXPECT_THAT(failures, testing::UnorderedElementsAre(failed(1), failed(2)));
  EXPECT_EQ(client.response(), (Response{kEndedFrame, 3, 0}));
  EXPECT_TRUE(client.is_closed());
  EXPECT_EQ(world.gate.session_count(), 0u);
  EXPECT_EQ(world.counted(player), 0u);
}

TEST(Life, SessionDestroyedFreesTheNameAndFailsWhatRuns) {
  World world;
  const Player player = world.login("p", 1);
  Client client(world);
  EXPECT_EQ(client.handshake(player, 1), "200 OK");
  client.request("hold", 9);
  EXPECT_TRUE(eventually([&] { return world.holds(player, 9); }));
  world.logout(player);
  EXPECT_EQ(client.response(), failed(9));
  EXPECT_TRUE(client.is_closed());
  EXPECT_EQ(Client(world).handshake(player, 2), "404 User Not Found");
  EXPECT_EQ(world.closed("session_ended"), 1);
}

TEST(Life, SessionDestroyedOrKickedInsideItsEvents) {
  World world;
  for (const char event : {'c', 'r', 'd'}) {
    for (const bool die : {true, false}) {
      const Player player = world.login(std::string{event, die ? 'x' : 'k'}, 1);
      world.with(player, [&](FakeAgent& agent) { (die ? agent.die_on : agent.kick_on) = event; });
      Client first(world);
      EXPECT_EQ(first.handshake(player, 1, kExtended), "200 OK");
      if (event == 'd') first.close();
      Client second(world);
      if (event == 'r') {
        EXPECT_EQ(second.handshake(player, 2, kExtended), "200 OK");
      }
      if (event != 'd') {
        EXPECT_EQ((event == 'c' ? first : second).response(),
                  (Response{die ? kEndedFrame : kKickedFrame, 3, 0}));
      }
      EXPECT_TRUE(eventually([&] { return !world.gate.directory().find(player.name); }));
    }
  }
}

TEST(Life, AgentIsToldOfComingAndGoing) {
  World world;
  const Player player = world.login("p", 1);
  for (int index = 1; index <= 3; ++index) {
    Client client(world);
    EXPECT_EQ(client.handshake(player, index), "200 OK");
    if (index == 2) client.reset();
    client.close();
    EXPECT_TRUE(eventually([&] { return world.events(player).size() == 2u * index; }));
  }
  EXPECT_EQ(world.events(player), "cdrdrd");
  EXPECT_EQ(world.closed("peer_closed") + world.closed("peer_reset"), 3);
}

// A client may end its side right after its last request; what is answered at once arrives.
TEST(Life, HalfClosedClientGetsItsAnswers) {
  World world;
  const Player player = world.login("p", 1);
  Client client(world);
  EXPECT_EQ(client.handshake(player, 1), "200 OK");
  client.request("last", 1);
  client.finish_sending();
  EXPECT_EQ(client.response(), ok("last", 1));
  EXPECT_TRUE(client.is_closed());
  EXPECT_TRUE(eventually([&] { return world.events(player) == "cd"; }));
}

TEST(Life, ClientsGoneInTheHandshakeLeaveNothing) {
  World world;
  const Player player = world.login("p", 1);
  const std::string handshake = framed(handshake_text(player, "1"));
  for (std::size_t size = 0; size < handshake.size(); size += 5) {
    Client polite(world), rude(world);
    polite.send(handshake.substr(0, size));
    rude.send(handshake.substr(0, size));
    rude.reset();
  }
  EXPECT_TRUE(eventually([&] { return world.gate.connection_count() == 0; }));
  EXPECT_EQ(Client(world).handshake(player, 1), "200 OK");
}

// Sessions whose services end with the system, while clients are connected.
TEST(Life, StopWithOpenConnections) {
  struct Host final : actor::Service {
    void on_message(actor::MessagePtr) override {}
    FakeAgent agent;
  };
  World world({}, 2);
  std::vector<Client> clients;
  for (std::uint16_t i = 0; i < 6; ++i) {
    const std::uint16_t worker = i % 2;
    const std::string uid = "p" + std::to_string(i);
    const Secret secret("8 bytes.");
    auto id = world.system.spawn(
        [&world, worker, uid, secret] {
          auto host = std::make_unique<Host>();
          auto session =
              world.gate.create_session({uid, "sample", "1", secret, protocol::Suite::kSkynet},
                                        world.system.worker(worker), host->agent);
          EXPECT_TRUE(session);
          host->agent.session = std::move(*session);
          return host;
        },
        worker);
    ASSERT_TRUE(id);
    const Player player{protocol::make_gate_name(uid, "sample", "1"), secret,
                        protocol::Suite::kSkynet, worker, nullptr};
    EXPECT_TRUE(eventually([&] { return world.gate.directory().find(player.name).has_value(); }));
    clients.emplace_back(world);
    EXPECT_EQ(clients.back().handshake(player, 1), "200 OK");
    clients.back().request("hold", 1);
  }
  Client silent(world);
  world.gate.stop_accepting();
  world.system.stop();
  for (Client& client : clients) EXPECT_TRUE(client.is_closed());
}

// Logins, logouts, kicks, reconnects and requests at once, for the sanitizers.
TEST(Life, Storm) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 40;
  World world({}, 3);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&world, t] {
      std::uint32_t random = 0x9e3779b9u * static_cast<std::uint32_t>(t + 1);
      const auto next = [&random](std::uint32_t below) {
        random = random * 1664525u + 1013904223u;
        return (random >> 16) % below;
      };
      for (int round = 0; round < kRounds; ++round) {
        const auto worker = static_cast<std::uint16_t>(next(3));
        const Player player =
            world.login("t" + std::to_string(t) + "r" + std::to_string(round), worker);
        std::vector<Client> clients;
        for (int index = 1; index <= 3; ++index) {
          clients.emplace_back(world);
          ASSERT_EQ(clients.back().handshake(player, index, kExtended), "200 OK");
          for (std::uint32_t n = 1; n <= 5; ++n) {
            const auto session = static_cast<std::uint32_t>(index) * 10 + n;
            ASSERT_EQ(clients.back().ask("x", session), ok("x", session));
          }
        }
        switch (next(4)) {
          case 0:
            world.logout(player);
            break;
          case 1:
            clients.back().request("die", 100);
            break;
          case 2:
            clients.back().request("kick", 100);
            break;
          default:
            clients.back().reset();
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace gatehouse::gate
