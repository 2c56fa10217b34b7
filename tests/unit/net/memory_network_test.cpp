// Listening, names and connecting without sockets.
#include <set>

#include "net_fixture.hpp"

namespace gatehouse::net {
namespace {

class MemoryNetworkTest : public NetTest {
 protected:
  void make_network() override { use(std::make_unique<MemoryNetwork>(*system_)); }
  MemoryNetwork& memory() { return static_cast<MemoryNetwork&>(*network_); }

  Result<std::unique_ptr<Transport>> connect_from(std::uint16_t worker, const Endpoint& to) {
    std::promise<Result<std::unique_ptr<Transport>>> promise;
    system_->worker(worker).post([this, &promise, &to] {
      auto inside = std::make_shared<bool>(true);
      network_->connect(to, 1'000, [&promise, inside](Result<std::unique_ptr<Transport>> result) {
        EXPECT_FALSE(*inside);
        promise.set_value(std::move(result));
      });
      *inside = false;
    });
    return promise.get_future().get();
  }
};

TEST_F(MemoryNetworkTest, ConnectsWorkersWithEachOtherByNameAndNumber) {
  start(2);
  const Address server = serve(echo, {}, {.worker = 1});
  memory().set_host("game.example", {server.ip()});
  for (const char* host : {"127.0.0.1", "game.example"}) {
    auto connected = connect_from(0, {host, server.port()});
    ASSERT_TRUE(connected.has_value()) << connected.error().message;
    EXPECT_EQ((*connected)->peer(), server);
    std::promise<std::string> answer;
    auto* handler = new TestHandler(census_, [&](TestHandler&, Transport& t, std::string_view b) {
      answer.set_value(std::string(b));
      t.close(CloseReason::kLocal);
    });
    on_worker(0, [&](TransportSet& set) {
      (*set.attach(std::move(*connected), *handler))->write("hello");
    });
    EXPECT_EQ(answer.get_future().get(), "hello");
  }
  EXPECT_TRUE(eventually([&] { return census_.alive == 0; }));
}

TEST_F(MemoryNetworkTest, RefusesWhereNobodyListens) {
  start(1);
  const Address server = serve(echo);
  const Endpoint endpoint{"127.0.0.1", server.port()};
  const auto second = network_->listen(endpoint, {}, [](TransportSet&, auto) {});
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, Errc::kExists);
  listeners_[0]->stop();
  EXPECT_EQ(connect_from(0, endpoint).error().code, Errc::kUnavailable);
  EXPECT_EQ(connect_from(0, {"nobody.example", 1}).error().code, Errc::kNotFound);
  const auto again = network_->listen(endpoint, {}, [](TransportSet&, auto) {});
  EXPECT_TRUE(again.has_value()) << "the port is free";
}

TEST_F(MemoryNetworkTest, SpreadsConnectionsOverTheWorkers) {
  start(3);
  std::mutex mutex;
  std::multiset<std::uint16_t> workers;
  const Address server = serve(echo, [&](Transport& transport) {
    std::lock_guard lock(mutex);
    workers.insert(transport.set().worker().index());
  });
  MetricSet metrics;
  MemoryClients clients(metrics);
  std::vector<std::unique_ptr<Client>> open;
  for (int i = 0; i < 9; ++i) open.push_back(clients.connect(memory(), server));
  EXPECT_TRUE(eventually([&] {
    std::lock_guard lock(mutex);
    return workers.size() == 9;
  }));
  for (const std::uint16_t worker : {0, 1, 2}) EXPECT_EQ(workers.count(worker), 3u);
}

TEST_F(MemoryNetworkTest, SaysWhatItHasNot) {
  start(1);
  struct Nobody final : UdpHandler, TransportHandler {
    void on_datagram(UdpSocket&, const Address&, std::string_view) override { ADD_FAILURE(); }
    void on_udp_closed(UdpSocket&) override { ADD_FAILURE(); }
    void on_data(Transport&, std::string_view) override { ADD_FAILURE(); }
    void on_closed(Transport&, CloseReason) override { ADD_FAILURE(); }
  } nobody;
  on_worker(0, [&](TransportSet&) {
    const Address any = Address::from("127.0.0.1", 0).value();
    EXPECT_EQ(network_->open_udp(any, nobody).error().code, Errc::kUnavailable);
    EXPECT_EQ(network_->open_descriptor(0, nobody).error().code, Errc::kUnavailable);
  });
}

}  // namespace
}  // namespace gatehouse::net
