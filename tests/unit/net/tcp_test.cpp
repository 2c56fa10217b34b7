#include "net_fixture.hpp"

namespace gatehouse::net {
namespace {

class TcpTest : public NetTest {
 protected:
  // Sends on another thread while this one receives; both sides of a pipe fill up otherwise.
  static std::string exchange(Client& client, const std::string& bytes) {
    std::thread sender([&client, &bytes] { EXPECT_TRUE(client.send(bytes)); });
    std::string answer = client.receive(bytes.size());
    sender.join();
    return answer;
  }
};

TEST_F(TcpTest, EchoesThroughOneAndThreeWorkers) {
  for (const std::uint16_t workers : {1, 3}) {
    start(workers);
    const Address server = serve(echo);
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < 20; ++i) clients.push_back(std::make_unique<Client>(server));
    for (int round = 0; round < 10; ++round) {
      for (auto& client : clients) ASSERT_TRUE(client->send("round " + std::to_string(round)));
      for (auto& client : clients) ASSERT_EQ(client->receive(7), "round " + std::to_string(round));
    }
    stop();
    EXPECT_EQ(census_.alive, 0);
  }
}

TEST_F(TcpTest, CarriesAMebibyteBothWays) {
  start(1);
  const Address server = serve(echo);
  Client client(server);
  const std::string bytes = pattern(1 << 20);
  EXPECT_TRUE(exchange(client, bytes) == bytes);
  EXPECT_TRUE(exchange(client, bytes) == bytes);
}

TEST_F(TcpTest, SendsATurnsOutputInOneWrite) {
  start(1);
  const Address server = serve([](TestHandler&, Stream& stream, std::string_view bytes) {
    for (std::size_t i = 0; i < bytes.size(); i += 10) {
      if (i % 20 == 0) {
        stream.write(bytes.substr(i, 10));
      } else {
        stream.output().append(bytes.substr(i, 10));
      }
    }
  });
  Client client(server);
  const std::string frames = pattern(1'000);
  for (int i = 0; i < 5; ++i) {
    const LoopStats before = stats(0);
    ASSERT_TRUE(client.send(frames));
    ASSERT_EQ(client.receive(1'000), frames);
    const LoopStats after = stats(0);
    EXPECT_EQ(after.reads - before.reads, 1u);
    EXPECT_EQ(after.writes - before.writes, 1u);
  }
}

TEST_F(TcpTest, FlushesWhatAJobWrote) {
  start(2);
  std::promise<ConnectionId> opened;
  const Address server = serve(
      echo, [&](Stream& stream) { opened.set_value(stream.id()); }, {.worker = 1});
  Client client(server);
  const ConnectionId id = opened.get_future().get();
  const LoopStats before = stats(1);
  on_worker(1, [id](UvLoop& loop) {
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(loop.find(id)->write("push"));
    EXPECT_EQ(loop.find(id)->unsent_bytes(), 400u);
  });
  EXPECT_EQ(client.receive(400).size(), 400u);
  EXPECT_EQ(stats(1).writes - before.writes, 1u);
  EXPECT_EQ(on_worker(1, [id](UvLoop& loop) { return loop.find(id)->unsent_bytes(); }), 0u);
}

// A client streams without pause; the server hands the connection round the workers.
TEST_F(TcpTest, MovesBetweenWorkersWithoutLossOrDoubling) {
  constexpr std::size_t kBytes = 8 << 20;
  start(3);
  std::atomic<int> moves{0};
  std::atomic<int> moves_with_output{0};
  std::function<void(UvLoop&, Socket)> take_over = [&](UvLoop& loop, Socket socket) {
    auto left = std::make_shared<std::size_t>(100'000);
    auto* handler = new TestHandler(
        census_, [&, left](TestHandler& self, Stream& stream, std::string_view bytes) {
          stream.write(bytes);
          *left -= std::min(*left, bytes.size());
          if (*left != 0) return;
          auto moved = stream.detach();
          ASSERT_TRUE(moved.has_value());
          ++moves;
          moves_with_output += !moved->unsent().empty();
          const auto next =
              static_cast<std::uint16_t>((stream.loop().worker().index() + 1) % 3);
          network_->loop(next).worker().post(
              [&take_over, s = std::make_shared<Socket>(std::move(*moved))] {
                take_over(*UvLoop::current(), std::move(*s));
              });
          delete &self;
        });
    auto stream = open_tcp(loop, std::move(socket), *handler);
    if (!stream) delete handler;
  };
  const Address server = serve_raw([&](UvLoop& loop, Socket socket) {
    take_over(loop, std::move(socket));
  });
  Client client(server);
  const std::string bytes = pattern(kBytes);
  EXPECT_TRUE(exchange(client, bytes) == bytes);
  EXPECT_GE(moves, 20);
  EXPECT_GT(moves_with_output, 0);
  client.close();
  ASSERT_TRUE(eventually([&] { return census_.alive == 0; }));
  EXPECT_EQ(census_.closed, 1);  // detached streams end without a word
}

// The kernel's buffers are full, part of a write waits in libuv, more in the stream.
TEST_F(TcpTest, MovesWithOutputThatWaits) {
  start(2);
  std::promise<ConnectionId> opened;
  auto first = std::make_unique<TestHandler>(census_, echo);
  const Address server = serve_raw(
      [&](UvLoop& loop, Socket socket) {
        opened.set_value(open_tcp(loop, std::move(socket), *first).value()->id());
      },
      {.worker = 0});
  Client client(server, 4'096);
  const ConnectionId id = opened.get_future().get();
  const std::string bytes = pattern(8 << 20);
  on_worker(0, [&](UvLoop& loop) { loop.find(id)->write(bytes); });
  on_worker(0, [&](UvLoop& loop) {
    Stream& stream = *loop.find(id);
    EXPECT_GT(stream.unsent_bytes(), 0u);
    EXPECT_LT(stream.unsent_bytes(), bytes.size());
    stream.write("tail");
  });
  Socket socket = on_worker(0, [&](UvLoop& loop) { return loop.find(id)->detach().value(); });
  first.reset();  // its stream left without it
  auto* handler = new TestHandler(census_, echo);
  on_worker(1, [&](UvLoop& loop) {
    ASSERT_TRUE(open_tcp(loop, std::move(socket), *handler).has_value());
  });
  EXPECT_TRUE(client.receive(bytes.size()) == bytes);
  EXPECT_EQ(client.receive(4), "tail");
  ASSERT_TRUE(client.send("and on"));
  EXPECT_EQ(client.receive(6), "and on");
}

TEST_F(TcpTest, PausesAndResumesReading) {
  start(1);
  std::atomic<std::size_t> got{0};
  std::promise<ConnectionId> opened;
  const Address server = serve(
      [&](TestHandler&, Stream& stream, std::string_view bytes) {
        const bool first = got == 0;
        got += bytes.size();
        if (first) {
          stream.pause();
          opened.set_value(stream.id());
        }
      });
  Client client(server);
  ASSERT_TRUE(client.send("first"));
  const ConnectionId id = opened.get_future().get();
  // Non-blocking, until the kernel takes no more: the paused stream holds the peer back.
  const std::string chunk(65'536, 'x');
  std::size_t sent = 5;
  for (ssize_t n = 0; (n = ::send(client.descriptor(), chunk.data(), chunk.size(),
                                  MSG_DONTWAIT | MSG_NOSIGNAL)) > 0;) {
    sent += static_cast<std::size_t>(n);
    ASSERT_LT(sent, 64u << 20);
  }
  on_worker(0, [](UvLoop&) {});
  EXPECT_LE(got, 65'536u);
  const std::size_t before = got;
  on_worker(0, [](UvLoop&) {});
  EXPECT_EQ(got, before);
  on_worker(0, [id](UvLoop& loop) { loop.find(id)->resume(); });
  ASSERT_TRUE(eventually([&] { return got == sent; }));
}

TEST_F(TcpTest, SwitchesHandlers) {
  start(1);
  const Address server = serve([&](TestHandler& self, Stream& stream, std::string_view) {
    stream.write("one ");
    auto* next = new TestHandler(census_, [](TestHandler&, Stream& s, std::string_view) {
      s.write("two");
    });
    stream.set_handler(*next);
    delete &self;
  });
  Client client(server);
  ASSERT_TRUE(client.send("x"));
  ASSERT_EQ(client.receive(4), "one ");
  ASSERT_TRUE(client.send("x"));
  ASSERT_EQ(client.receive(3), "two");
  client.close();
  ASSERT_TRUE(eventually([&] { return census_.closed == 1; }));
}

TEST_F(TcpTest, RefusesADescriptorThatIsNoSocket) {
  start(1);
  on_worker(0, [&](UvLoop& loop) {
    struct Nobody final : StreamHandler {
      void on_data(Stream&, std::string_view) override { ADD_FAILURE(); }
      void on_closed(Stream&, CloseReason) override { ADD_FAILURE(); }
    } nobody;
    const auto opened = open_tcp(loop, Socket(), nobody);
    ASSERT_FALSE(opened.has_value());
    EXPECT_EQ(opened.error().code, Errc::kIo);
  });
  ASSERT_TRUE(eventually(
      [&] { return on_worker(0, [](UvLoop& loop) { return loop.stream_count(); }) == 0; }));
}

}  // namespace
}  // namespace gatehouse::net
