#include "net_fixture.hpp"

namespace gatehouse::net {
namespace {

// What holds for sockets alone; transport_test.cpp has what all carriers have in common.
class TcpTest : public NetTest {};

TEST_F(TcpTest, SendsATurnsOutputInOneWrite) {
  start(1);
  const Address server = serve([](TestHandler&, Transport& transport, std::string_view bytes) {
    for (std::size_t i = 0; i < bytes.size(); i += 10) {
      if (i % 20 == 0) {
        transport.write(bytes.substr(i, 10));
      } else {
        transport.output().append(bytes.substr(i, 10));
      }
    }
  });
  const auto client = connect(server);
  const std::string frames = pattern(1'000);
  for (int i = 0; i < 5; ++i) {
    const LoopStats before = stats(0);
    ASSERT_TRUE(client->send(frames));
    ASSERT_EQ(client->receive(1'000), frames);
    const LoopStats after = stats(0);
    EXPECT_EQ(after.reads - before.reads, 1u);
    EXPECT_EQ(after.writes - before.writes, 1u);
  }
}

TEST_F(TcpTest, RefusesADescriptorThatIsNoSocket) {
  start(1);
  on_worker(0, [&](TransportSet& set) {
    struct Nobody final : TransportHandler {
      void on_data(Transport&, std::string_view) override { ADD_FAILURE(); }
      void on_closed(Transport&, CloseReason) override { ADD_FAILURE(); }
    } nobody;
    const auto opened = set.attach(std::make_unique<TcpTransport>(Socket()), nobody);
    ASSERT_FALSE(opened.has_value());
    EXPECT_EQ(opened.error().code, Errc::kIo);
  });
  ASSERT_TRUE(
      eventually([&] { return on_worker(0, [](TransportSet& set) { return set.count(); }) == 0; }));
}

TEST_F(TcpTest, OpensNothingOnALoopThatEnds) {
  start(1);
  std::atomic<int> refused{0};
  struct LastWish final : TransportHandler {
    LastWish(Network& n, std::atomic<int>& r) : network(n), refused(r) {}
    void on_data(Transport& transport, std::string_view bytes) override { transport.write(bytes); }
    void on_closed(Transport& transport, CloseReason reason) override {
      EXPECT_EQ(reason, CloseReason::kShutdown);
      auto late = std::make_unique<TcpTransport>(Socket(::socket(AF_INET, SOCK_STREAM, 0), {}));
      const auto opened = transport.set().attach(std::move(late), *this);
      refused += !opened.has_value() && opened.error().code == Errc::kClosed;
      network.connect({"127.0.0.1", 1}, 1'000, [this](Result<std::unique_ptr<Transport>> result) {
        refused += !result.has_value() && result.error().code == Errc::kClosed;
      });
    }
    Network& network;
    std::atomic<int>& refused;
  };
  LastWish handler(*network_, refused);
  const Address server = serve_raw([&](TransportSet& set, std::unique_ptr<Transport> accepted) {
    ASSERT_TRUE(set.attach(std::move(accepted), handler).has_value());
  });
  const auto client = connect(server);
  ASSERT_TRUE(client->send("x"));
  ASSERT_EQ(client->receive(1), "x");
  system_->stop();
  EXPECT_EQ(refused, 2);
}

}  // namespace
}  // namespace gatehouse::net
