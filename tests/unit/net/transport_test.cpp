#include "net_fixture.hpp"

namespace gatehouse::net {
namespace {

// Sends on another thread while this one receives; both sides of a pipe fill up otherwise.
std::string exchange(Client& client, const std::string& bytes) {
  std::thread sender([&client, &bytes] { EXPECT_TRUE(client.send(bytes)); });
  std::string answer = client.receive(bytes.size());
  sender.join();
  return answer;
}

INSTANTIATE_TEST_SUITE_P(Carriers, TransportTest,
                         ::testing::Values(Carrier::kTcp, Carrier::kMemory), carrier_name);

TEST_P(TransportTest, EchoesThroughOneAndThreeWorkers) {
  for (const std::uint16_t workers : {1, 3}) {
    start(workers);
    const Address server = serve(echo);
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < 20; ++i) clients.push_back(connect(server));
    for (int round = 0; round < 10; ++round) {
      for (auto& client : clients) ASSERT_TRUE(client->send("round " + std::to_string(round)));
      for (auto& client : clients) ASSERT_EQ(client->receive(7), "round " + std::to_string(round));
    }
    stop();
    EXPECT_EQ(census_.alive, 0);
  }
}

TEST_P(TransportTest, CarriesAMebibyteBothWays) {
  start(1);
  const Address server = serve(echo);
  const auto client = connect(server);
  const std::string bytes = pattern(1 << 20);
  EXPECT_TRUE(exchange(*client, bytes) == bytes);
  EXPECT_TRUE(exchange(*client, bytes) == bytes);
}

TEST_P(TransportTest, FlushesWhatAJobWrote) {
  start(2);
  std::promise<ConnectionId> opened;
  const Address server =
      serve(echo, [&](Transport& transport) { opened.set_value(transport.id()); }, {.worker = 1});
  const auto client = connect(server);
  const ConnectionId id = opened.get_future().get();
  on_worker(1, [id](TransportSet& set) {
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(set.find(id)->write("push"));
    EXPECT_EQ(set.find(id)->unsent_bytes(), 400u);
  });
  EXPECT_EQ(client->receive(400).size(), 400u);
  EXPECT_EQ(on_worker(1, [id](TransportSet& set) { return set.find(id)->unsent_bytes(); }), 0u);
}

// A client streams without pause; the server hands the connection round the workers.
TEST_P(TransportTest, MovesBetweenWorkersWithoutLossOrDoubling) {
  constexpr std::size_t kBytes = 8 << 20;
  start(3);
  std::atomic<int> moves{0};
  std::atomic<int> moves_with_output{0};
  AcceptHandler take_over = [&](TransportSet& set, std::unique_ptr<Transport> accepted) {
    auto left = std::make_shared<std::size_t>(100'000);
    auto* handler = new TestHandler(
        census_, [&, left](TestHandler& self, Transport& transport, std::string_view bytes) {
          transport.write(bytes);
          *left -= std::min(*left, bytes.size());
          if (*left != 0) return;
          const auto next = static_cast<std::uint16_t>((transport.set().worker().index() + 1) % 3);
          TransportSet& there = network_->transports(next);
          auto moved = transport.detach();
          ASSERT_TRUE(moved.has_value());
          ++moves;
          moves_with_output += (*moved)->unsent_bytes() != 0;
          there.worker().post([&take_over, &there, left = std::move(*moved)]() mutable {
            take_over(there, std::move(left));
          });
          delete &self;
        });
    auto transport = set.attach(std::move(accepted), *handler);
    if (!transport) delete handler;
  };
  const Address server = serve_raw([&](TransportSet& set, std::unique_ptr<Transport> accepted) {
    take_over(set, std::move(accepted));
  });
  const auto client = connect(server);
  const std::string bytes = pattern(kBytes);
  EXPECT_TRUE(exchange(*client, bytes) == bytes);
  EXPECT_GE(moves, 20);
  EXPECT_GT(moves_with_output, 0);
  client->close();
  ASSERT_TRUE(eventually([&] { return census_.alive == 0; }));
  EXPECT_EQ(census_.closed, 1);  // detached streams end without a word
}

// The kernel's buffers are full, part of a write waits in libuv, more in the transport.
TEST_P(TransportTest, MovesWithOutputThatWaits) {
  start(2);
  std::promise<ConnectionId> opened;
  auto first = std::make_unique<TestHandler>(census_, echo);
  const Address server = serve_raw(
      [&](TransportSet& set, std::unique_ptr<Transport> accepted) {
        opened.set_value(set.attach(std::move(accepted), *first).value()->id());
      },
      {.worker = 0});
  const auto client = connect(server, 4'096);
  const ConnectionId id = opened.get_future().get();
  const std::string bytes = pattern(8 << 20);
  on_worker(0, [&](TransportSet& set) { set.find(id)->write(bytes); });
  on_worker(0, [&](TransportSet& set) {
    Transport& transport = *set.find(id);
    EXPECT_GT(transport.unsent_bytes(), 0u);
    EXPECT_LT(transport.unsent_bytes(), bytes.size());
    transport.write("tail");
  });
  auto moved = on_worker(0, [&](TransportSet& set) { return set.find(id)->detach().value(); });
  first.reset();  // its transport left without it
  auto* handler = new TestHandler(census_, echo);
  on_worker(1, [&](TransportSet& set) {
    ASSERT_TRUE(set.attach(std::move(moved), *handler).has_value());
  });
  EXPECT_TRUE(client->receive(bytes.size()) == bytes);
  EXPECT_EQ(client->receive(4), "tail");
  ASSERT_TRUE(client->send("and on"));
  EXPECT_EQ(client->receive(6), "and on");
}

TEST_P(TransportTest, PausesAndResumesReading) {
  start(1);
  std::atomic<std::size_t> got{0};
  std::promise<ConnectionId> opened;
  const Address server = serve([&](TestHandler&, Transport& transport, std::string_view bytes) {
    const bool first = got == 0;
    got += bytes.size();
    if (first) {
      transport.pause();
      opened.set_value(transport.id());
    }
  });
  const auto client = connect(server);
  ASSERT_TRUE(client->send("first"));
  const ConnectionId id = opened.get_future().get();
  // The paused transport holds the peer back.
  const std::size_t sent = 5 + client->flood(64u << 20);
  ASSERT_LT(sent, 64u << 20);
  on_worker(0, [](TransportSet&) {});
  EXPECT_LE(got, 65'536u);
  const std::size_t before = got;
  on_worker(0, [](TransportSet&) {});
  EXPECT_EQ(got, before);
  on_worker(0, [id](TransportSet& set) { set.find(id)->resume(); });
  ASSERT_TRUE(eventually([&] { return got == sent; }));
}

}  // namespace
}  // namespace gatehouse::net
