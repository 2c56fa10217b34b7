#include <poll.h>

#include "net_fixture.hpp"

namespace gatehouse::net {
namespace {

// How connections end: by the peer, by us, by limits and deadlines, by the end of the server.
class TcpCloseTest : public NetTest {};

TEST_F(TcpCloseTest, ClosesASlowReader) {
  constexpr std::uint32_t kLimit = 256 * 1024;
  start(1);
  std::promise<ConnectionId> opened;
  const Address server = serve(echo, [&](Stream& stream) {
    stream.set_unsent_limit(kLimit);
    opened.set_value(stream.id());
  });
  Client client(server, 4'096);
  const ConnectionId id = opened.get_future().get();
  const std::string chunk(16 * 1024, 'x');
  std::size_t most = 0;
  int turns = 0;
  // A push a turn, to a client that reads nothing.
  while (on_worker(0, [&](UvLoop& loop) {
    Stream* stream = loop.find(id);
    if (stream == nullptr || stream->ending()) return false;
    most = std::max(most, stream->unsent_bytes());
    stream->write(chunk);
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

TEST_F(TcpCloseTest, ToleratesAReaderWithinItsLimit) {
  start(1);
  const std::string bytes = pattern(4 << 20);
  const Address server = serve([&](TestHandler&, Stream& stream, std::string_view) {
    stream.set_unsent_limit(8 << 20);
    stream.write(bytes);
  });
  Client client(server, 4'096);
  ASSERT_TRUE(client.send("go"));
  EXPECT_TRUE(client.receive(bytes.size()) == bytes);
}

TEST_F(TcpCloseTest, ClosesAfterFlushWithEverythingDelivered) {
  start(1);
  const std::string bytes = pattern(4 << 20);
  const Address server = serve([&](TestHandler&, Stream& stream, std::string_view) {
    stream.write(bytes);
    stream.close_after_flush(CloseReason::kKicked, 20'000);
    EXPECT_TRUE(stream.ending());
    EXPECT_FALSE(stream.write("too late"));
    stream.output().append("too late");
  });
  Client client(server, 4'096);
  ASSERT_TRUE(client.send("go"));
  // Input that nobody reads must not turn the end into a reset that eats the answer.
  ASSERT_TRUE(client.send(std::string(200'000, 'x')));
  EXPECT_TRUE(client.receive_all() == bytes);
  client.close();
  ASSERT_TRUE(eventually([&] { return census_.closed == 1; }));
  EXPECT_EQ(census_.closed_for(CloseReason::kKicked), 1);
}

// Input that arrives after our end must not be answered by a reset either.
TEST_F(TcpCloseTest, WaitsForThePeersEnd) {
  start(1);
  const Address server = serve([](TestHandler&, Stream& stream, std::string_view) {
    stream.write("bye");
    stream.close_after_flush(CloseReason::kLocal, 20'000);
  });
  Client client(server);
  ASSERT_TRUE(client.send("go"));
  ASSERT_EQ(client.receive(3), "bye");
  pollfd end{client.descriptor(), POLLRDHUP, 0};
  ASSERT_EQ(::poll(&end, 1, kPatienceMs), 1);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(client.send("late"));
    on_worker(0, [](UvLoop&) {});
  }
  EXPECT_EQ(client.receive_all(), "");
  EXPECT_EQ(census_.closed, 0);
  client.close();
  ASSERT_TRUE(eventually([&] { return census_.closed == 1; }));
  EXPECT_EQ(census_.closed_for(CloseReason::kLocal), 1);
}

TEST_F(TcpCloseTest, ClosesAfterFlushThoughPaused) {
  start(1);
  const Address server = serve([&](TestHandler&, Stream& stream, std::string_view) {
    stream.pause();
    stream.write("bye");
    stream.close_after_flush(CloseReason::kLocal, 20'000);
  });
  Client client(server);
  ASSERT_TRUE(client.send("go"));
  EXPECT_EQ(client.receive_all(), "bye");
  client.close();
  ASSERT_TRUE(eventually([&] { return census_.closed == 1; }));
}

TEST_F(TcpCloseTest, LingersNoLongerThanAsked) {
  start(1);
  const Address server = serve([&](TestHandler&, Stream& stream, std::string_view what) {
    if (what == "much") stream.write(std::string(8 << 20, 'x'));
    stream.close_after_flush(CloseReason::kLocal, 50);
  });
  // One reads nothing, one never ends its side.
  Client stuck(server, 4'096);
  ASSERT_TRUE(stuck.send("much"));
  ASSERT_TRUE(eventually([&] { return census_.closed == 1; }));
  EXPECT_EQ(census_.closed_for(CloseReason::kTimeout), 1);
  Client open(server);
  ASSERT_TRUE(open.send("little"));
  ASSERT_TRUE(eventually([&] { return census_.closed == 2; }));
  EXPECT_EQ(census_.closed_for(CloseReason::kLocal), 1);
}

TEST_F(TcpCloseTest, EndsTheLingerOfAFlood) {
  start(1);
  const Address server = serve([&](TestHandler&, Stream& stream, std::string_view) {
    stream.close_after_flush(CloseReason::kProtocol, 60'000);
  });
  Client client(server);
  const std::string chunk(65'536, 'x');
  while (client.send(chunk)) {
  }
  ASSERT_TRUE(eventually([&] { return census_.closed == 1; }));
  EXPECT_EQ(census_.closed_for(CloseReason::kProtocol), 1);
}

TEST_F(TcpCloseTest, AnswersAHalfClosedPeerInFull) {
  start(1);
  const std::string bytes = pattern(4 << 20);
  const Address server = serve([&](TestHandler&, Stream& stream, std::string_view) {
    stream.write(bytes);
  });
  Client client(server, 4'096);
  ASSERT_TRUE(client.send("request"));
  client.finish_sending();
  EXPECT_TRUE(client.receive_all() == bytes);
  ASSERT_TRUE(eventually([&] { return census_.closed == 1; }));
  EXPECT_EQ(census_.closed_for(CloseReason::kPeerClosed), 1);
}

TEST_F(TcpCloseTest, TellsFinFromReset) {
  start(1);
  const Address server = serve(echo);
  Client orderly(server);
  ASSERT_TRUE(orderly.send("x"));
  ASSERT_EQ(orderly.receive(1), "x");
  orderly.close();
  ASSERT_TRUE(eventually([&] { return census_.closed_for(CloseReason::kPeerClosed) == 1; }));
  Client rude(server);
  ASSERT_TRUE(rude.send("x"));
  ASSERT_EQ(rude.receive(1), "x");
  rude.reset();
  ASSERT_TRUE(eventually([&] { return census_.closed_for(CloseReason::kPeerReset) == 1; }));
}

TEST_F(TcpCloseTest, SurvivesWritesToAPeerThatLeft) {
  start(1);
  std::promise<ConnectionId> opened;
  const Address server = serve(echo, [&](Stream& stream) {
    stream.pause();  // so that only writing can tell
    opened.set_value(stream.id());
  });
  Client client(server);
  const ConnectionId id = opened.get_future().get();
  client.reset();
  ASSERT_TRUE(eventually([&] {
    return !on_worker(0, [id](UvLoop& loop) {
      Stream* stream = loop.find(id);
      return stream != nullptr && stream->write("hello?");
    });
  }));
  ASSERT_TRUE(eventually([&] { return census_.closed == 1; }));
  EXPECT_EQ(census_.closed_for(CloseReason::kPeerReset), 1);
}

TEST_F(TcpCloseTest, ClosesFromInsideItsHandler) {
  start(1);
  const Address server = serve([](TestHandler&, Stream& stream, std::string_view) {
    stream.write("dropped");
    stream.close(CloseReason::kProtocol);
    stream.close(CloseReason::kLocal);
    EXPECT_FALSE(stream.write("dropped too"));
    EXPECT_FALSE(stream.detach().has_value());
    stream.pause();
    stream.resume();
    stream.close_after_flush(CloseReason::kKicked);
  });
  Client client(server);
  ASSERT_TRUE(client.send("x"));
  EXPECT_EQ(client.receive_all(), "");
  ASSERT_TRUE(eventually([&] { return census_.closed == 1; }));
  EXPECT_EQ(census_.closed_for(CloseReason::kProtocol), 1);
}

TEST_F(TcpCloseTest, OutlivesAForgottenHandler) {
  start(1);
  const Address server = serve([&](TestHandler& self, Stream& stream, std::string_view) {
    stream.write("last words");
    stream.forget_handler();
    stream.close_after_flush(CloseReason::kLocal);
    delete &self;
  });
  Client client(server);
  ASSERT_TRUE(client.send("x"));
  EXPECT_EQ(client.receive_all(), "last words");
  EXPECT_EQ(census_.alive, 0);
  client.close();
  ASSERT_TRUE(eventually([&] { return metric("connections_closed", "reason=\"local\"") == 1; }));
  EXPECT_EQ(census_.closed, 0);
}

TEST_F(TcpCloseTest, StopsWithConnectionsInEveryState) {
  start(3);
  const Address server = serve([&](TestHandler&, Stream& stream, std::string_view what) {
    if (what == "much") stream.write(std::string(8 << 20, 'x'));
    if (what == "pause") stream.pause();
    if (what == "finish") {
      stream.write(std::string(8 << 20, 'x'));
      stream.close_after_flush(CloseReason::kKicked, 60'000);
    }
    stream.write(".");
  });
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 40; ++i) {
    clients.push_back(std::make_unique<Client>(server));
    const char* const states[] = {"idle", "much", "pause", "finish"};
    ASSERT_TRUE(clients.back()->send(states[i % 4]));
    ASSERT_EQ(clients.back()->receive(1).size(), 1u);
  }
  system_->stop();
  EXPECT_EQ(census_.closed, 40);
  EXPECT_EQ(census_.closed_for(CloseReason::kShutdown), 30);
  EXPECT_EQ(census_.closed_for(CloseReason::kKicked), 10);
}

TEST_F(TcpCloseTest, OpensNothingOnALoopThatEnds) {
  start(1);
  std::atomic<int> refused{0};
  struct LastWish final : StreamHandler {
    explicit LastWish(std::atomic<int>& r) : refused(r) {}
    void on_data(Stream& stream, std::string_view bytes) override { stream.write(bytes); }
    void on_closed(Stream& stream, CloseReason reason) override {
      EXPECT_EQ(reason, CloseReason::kShutdown);
      Socket socket(::socket(AF_INET, SOCK_STREAM, 0), {});
      const auto opened = open_tcp(stream.loop(), std::move(socket), *this);
      refused += !opened.has_value() && opened.error().code == Errc::kClosed;
      connect_tcp(stream.loop(), {"127.0.0.1", 1}, 1'000, [this](Result<Socket> result) {
        refused += !result.has_value() && result.error().code == Errc::kClosed;
      });
    }
    std::atomic<int>& refused;
  };
  LastWish handler(refused);
  const Address server = serve_raw([&](UvLoop& loop, Socket socket) {
    ASSERT_TRUE(open_tcp(loop, std::move(socket), handler).has_value());
  });
  Client client(server);
  ASSERT_TRUE(client.send("x"));
  ASSERT_EQ(client.receive(1), "x");
  system_->stop();
  EXPECT_EQ(refused, 2);
}

}  // namespace
}  // namespace gatehouse::net
