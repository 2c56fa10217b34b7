#include "net_fixture.hpp"

namespace gatehouse::net {
namespace {

// How connections end: by the peer, by us, by limits and deadlines, by the end of the server.
class TransportCloseTest : public TransportTest {};

INSTANTIATE_TEST_SUITE_P(Carriers, TransportCloseTest,
                         ::testing::Values(Carrier::kTcp, Carrier::kMemory), carrier_name);

TEST_P(TransportCloseTest, ClosesASlowReader) {
  constexpr std::uint32_t kLimit = 256 * 1024;
  start(1);
  std::promise<ConnectionId> opened;
  const Address server = serve(echo, [&](Transport& transport) {
    transport.set_unsent_limit(kLimit);
    opened.set_value(transport.id());
  });
  const auto client = connect(server, 4'096);
  const ConnectionId id = opened.get_future().get();
  const std::string chunk(16 * 1024, 'x');
  std::size_t most = 0;
  int turns = 0;
  // A push a turn, to a client that reads nothing.
  while (on_worker(0, [&](TransportSet& set) {
    Transport* transport = set.find(id);
    if (transport == nullptr || transport->ending()) return false;
    most = std::max(most, transport->unsent_bytes());
    transport->write(chunk);
    return true;
  })) {
    ASSERT_LT(++turns, 5'000);
  }
  ASSERT_TRUE(eventually([&] { return census_.closed == 1; }));
  EXPECT_EQ(census_.closed_for(CloseReason::kSlowReader), 1);
  EXPECT_EQ(metric("connections_closed", "reason=\"slow_reader\""), 1);
  EXPECT_LE(most, kLimit);
  EXPECT_GT(most, kLimit / 2);
}

TEST_P(TransportCloseTest, ToleratesAReaderWithinItsLimit) {
  start(1);
  const std::string bytes = pattern(4 << 20);
  const Address server = serve([&](TestHandler&, Transport& transport, std::string_view) {
    transport.set_unsent_limit(8 << 20);
    transport.write(bytes);
  });
  const auto client = connect(server, 4'096);
  ASSERT_TRUE(client->send("go"));
  EXPECT_TRUE(client->receive(bytes.size()) == bytes);
}

TEST_P(TransportCloseTest, ClosesAfterFlushWithEverythingDelivered) {
  start(1);
  const std::string bytes = pattern(4 << 20);
  const Address server = serve([&](TestHandler&, Transport& transport, std::string_view) {
    transport.write(bytes);
    transport.close_after_flush(CloseReason::kKicked, 20'000);
    EXPECT_TRUE(transport.ending());
    EXPECT_FALSE(transport.write("too late"));
    transport.output().append("too late");
  });
  const auto client = connect(server, 4'096);
  ASSERT_TRUE(client->send("go"));
  // Input that nobody reads must not turn the end into a reset that eats the answer.
  ASSERT_TRUE(client->send(std::string(200'000, 'x')));
  EXPECT_TRUE(client->receive_all() == bytes);
  client->close();
  ASSERT_TRUE(eventually([&] { return census_.closed == 1; }));
  EXPECT_EQ(census_.closed_for(CloseReason::kKicked), 1);
}

// Input that arrives after our end must not be answered by a reset either.
TEST_P(TransportCloseTest, WaitsForThePeersEnd) {
  start(1);
  const Address server = serve([](TestHandler&, Transport& transport, std::string_view) {
    transport.write("bye");
    transport.close_after_flush(CloseReason::kLocal, 20'000);
  });
  const auto client = connect(server);
  ASSERT_TRUE(client->send("go"));
  ASSERT_EQ(client->receive(3), "bye");
  ASSERT_TRUE(client->sees_end());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(client->send("late"));
    on_worker(0, [](TransportSet&) {});
  }
  EXPECT_EQ(client->receive_all(), "");
  EXPECT_EQ(census_.closed, 0);
  client->close();
  ASSERT_TRUE(eventually([&] { return census_.closed == 1; }));
  EXPECT_EQ(census_.closed_for(CloseReason::kLocal), 1);
}

TEST_P(TransportCloseTest, ClosesAfterFlushThoughPaused) {
  start(1);
  const Address server = serve([&](TestHandler&, Transport& transport, std::string_view) {
    transport.pause();
    transport.write("bye");
    transport.close_after_flush(CloseReason::kLocal, 20'000);
  });
  const auto client = connect(server);
  ASSERT_TRUE(client->send("go"));
  EXPECT_EQ(client->receive_all(), "bye");
  client->close();
  ASSERT_TRUE(eventually([&] { return census_.closed == 1; }));
}

TEST_P(TransportCloseTest, LingersNoLongerThanAsked) {
  start(1);
  const Address server = serve([&](TestHandler&, Transport& transport, std::string_view what) {
    if (what == "much") transport.write(std::string(8 << 20, 'x'));
    transport.close_after_flush(CloseReason::kLocal, 50);
  });
  // One reads nothing, one never ends its side.
  const auto stuck = connect(server, 4'096);
  ASSERT_TRUE(stuck->send("much"));
  ASSERT_TRUE(eventually([&] { return census_.closed == 1; }));
  EXPECT_EQ(census_.closed_for(CloseReason::kTimeout), 1);
  const auto open = connect(server);
  ASSERT_TRUE(open->send("little"));
  ASSERT_TRUE(eventually([&] { return census_.closed == 2; }));
  EXPECT_EQ(census_.closed_for(CloseReason::kLocal), 1);
}

TEST_P(TransportCloseTest, EndsTheLingerOfAFlood) {
  start(1);
  const Address server = serve([&](TestHandler&, Transport& transport, std::string_view) {
    transport.close_after_flush(CloseReason::kProtocol, 60'000);
  });
  const auto client = connect(server);
  const std::string chunk(65'536, 'x');
  while (client->send(chunk)) {
  }
  ASSERT_TRUE(eventually([&] { return census_.closed == 1; }));
  EXPECT_EQ(census_.closed_for(CloseReason::kProtocol), 1);
}

TEST_P(TransportCloseTest, AnswersAHalfClosedPeerInFull) {
  start(1);
  const std::string bytes = pattern(4 << 20);
  const Address server =
      serve([&](TestHandler&, Transport& transport, std::string_view) { transport.write(bytes); });
  const auto client = connect(server, 4'096);
  ASSERT_TRUE(client->send("request"));
  client->finish_sending();
  EXPECT_TRUE(client->receive_all() == bytes);
  ASSERT_TRUE(eventually([&] { return census_.closed == 1; }));
  EXPECT_EQ(census_.closed_for(CloseReason::kPeerClosed), 1);
}

TEST_P(TransportCloseTest, TellsFinFromReset) {
  start(1);
  const Address server = serve(echo);
  const auto orderly = connect(server);
  ASSERT_TRUE(orderly->send("x"));
  ASSERT_EQ(orderly->receive(1), "x");
  orderly->close();
  ASSERT_TRUE(eventually([&] { return census_.closed_for(CloseReason::kPeerClosed) == 1; }));
  const auto rude = connect(server);
  ASSERT_TRUE(rude->send("x"));
  ASSERT_EQ(rude->receive(1), "x");
  rude->reset();
  ASSERT_TRUE(eventually([&] { return census_.closed_for(CloseReason::kPeerReset) == 1; }));
}

TEST_P(TransportCloseTest, SurvivesWritesToAPeerThatLeft) {
  start(1);
  std::promise<ConnectionId> opened;
  const Address server = serve(echo, [&](Transport& transport) {
    transport.pause();  // so that only writing can tell
    opened.set_value(transport.id());
  });
  const auto client = connect(server);
  const ConnectionId id = opened.get_future().get();
  client->reset();
  ASSERT_TRUE(eventually([&] {
    return !on_worker(0, [id](TransportSet& set) {
      Transport* transport = set.find(id);
      return transport != nullptr && transport->write("hello?");
    });
  }));
  ASSERT_TRUE(eventually([&] { return census_.closed == 1; }));
  EXPECT_EQ(census_.closed_for(CloseReason::kPeerReset), 1);
}

TEST_P(TransportCloseTest, ClosesFromInsideItsHandler) {
  start(1);
  const Address server = serve([](TestHandler&, Transport& transport, std::string_view) {
    transport.write("dropped");
    transport.close(CloseReason::kProtocol);
    transport.close(CloseReason::kLocal);
    EXPECT_FALSE(transport.write("dropped too"));
    EXPECT_FALSE(transport.detach().has_value());
    transport.pause();
    transport.resume();
    transport.close_after_flush(CloseReason::kKicked);
  });
  const auto client = connect(server);
  ASSERT_TRUE(client->send("x"));
  EXPECT_EQ(client->receive_all(), "");
  ASSERT_TRUE(eventually([&] { return census_.closed == 1; }));
  EXPECT_EQ(census_.closed_for(CloseReason::kProtocol), 1);
}

TEST_P(TransportCloseTest, OutlivesAForgottenHandler) {
  start(1);
  const Address server = serve([&](TestHandler& self, Transport& transport, std::string_view) {
    transport.write("last words");
    transport.forget_handler();
    transport.close_after_flush(CloseReason::kLocal);
    delete &self;
  });
  const auto client = connect(server);
  ASSERT_TRUE(client->send("x"));
  EXPECT_EQ(client->receive_all(), "last words");
  EXPECT_EQ(census_.alive, 0);
  client->close();
  ASSERT_TRUE(eventually([&] { return metric("connections_closed", "reason=\"local\"") == 1; }));
  EXPECT_EQ(census_.closed, 0);
}

TEST_P(TransportCloseTest, StopsWithConnectionsInEveryState) {
  start(3);
  const Address server = serve([&](TestHandler&, Transport& transport, std::string_view what) {
    if (what == "much") transport.write(std::string(8 << 20, 'x'));
    if (what == "pause") transport.pause();
    if (what == "finish") {
      transport.write(std::string(8 << 20, 'x'));
      transport.close_after_flush(CloseReason::kKicked, 60'000);
    }
    transport.write(".");
  });
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 40; ++i) {
    clients.push_back(connect(server));
    const char* const states[] = {"idle", "much", "pause", "finish"};
    ASSERT_TRUE(clients.back()->send(states[i % 4]));
    ASSERT_EQ(clients.back()->receive(1).size(), 1u);
  }
  system_->stop();
  EXPECT_EQ(census_.closed, 40);
  EXPECT_EQ(census_.closed_for(CloseReason::kShutdown), 30);
  EXPECT_EQ(census_.closed_for(CloseReason::kKicked), 10);
}

}  // namespace
}  // namespace gatehouse::net
