#include "net/uv_udp.hpp"

#include "net_fixture.hpp"

namespace gatehouse::net {
namespace {

// Collects datagrams, or answers them. Used on its worker's thread; tests read the counters.
class Peer final : public UdpHandler {
 public:
  explicit Peer(bool echoes) : echoes_(echoes) {}

  void on_datagram(UdpSocket& socket, const Address& from, std::string_view bytes) override {
    last_from = from;
    last = bytes;
    ++received;
    if (echoes_) {
      EXPECT_TRUE(socket.send(from, bytes).has_value());
    }
    if (closes) {
      closes = false;
      socket.close();
    }
  }
  void on_udp_closed(UdpSocket&) override { ++closed; }

  std::atomic<int> received{0};
  std::atomic<int> closed{0};
  std::atomic<bool> closes{false};
  Address last_from;
  std::string last;

 private:
  const bool echoes_;
};

class UdpTest : public NetTest {
 protected:
  static Address any_port(const char* ip) { return Address::from(ip, 0).value(); }
  UdpSocket* open(std::uint16_t worker, Peer& peer, const char* ip = "127.0.0.1") {
    return on_worker(worker, [&](TransportSet&) -> UdpSocket* {
      auto opened = network_->open_udp(any_port(ip), peer);
      EXPECT_TRUE(opened.has_value()) << opened.error().message;
      return opened.value_or(nullptr);
    });
  }
  Result<> send(std::uint16_t worker, UdpSocket* from, const Address& to, std::string_view bytes) {
    return on_worker(worker, [&](TransportSet&) { return from->send(to, bytes); });
  }
  void exchange(const char* ip, std::uint16_t other_worker) {
    UdpSocket* a = open(0, client_, ip);
    UdpSocket* b = open(other_worker, server_, ip);
    EXPECT_NE(b->local().port(), 0);
    int count = 0;
    for (const std::size_t size :
         {std::size_t{1}, std::size_t{0}, std::size_t{1'400}, UdpSocket::kDatagramBytesMax}) {
      const std::string bytes = pattern(size);
      ASSERT_TRUE(send(0, a, b->local(), bytes).has_value());
      ++count;
      ASSERT_TRUE(eventually([&] { return client_.received == count; })) << size;
      on_worker(0, [&](TransportSet&) {
        EXPECT_TRUE(client_.last == bytes);
        EXPECT_EQ(client_.last_from, b->local());
      });
      on_worker(other_worker, [&](TransportSet&) { EXPECT_EQ(server_.last_from, a->local()); });
    }
  }

  Peer client_{false};
  Peer server_{true};
};

TEST_F(UdpTest, CarriesDatagramsOfEverySize) {
  start(2);
  exchange("127.0.0.1", 1);
}

TEST_F(UdpTest, CarriesThemOverIpv6) {
  start(1);
  exchange("::1", 0);
}

TEST_F(UdpTest, ReachesIpv4FromAnIpv6Socket) {
  start(1);
  UdpSocket* a = open(0, client_, "::");
  UdpSocket* b = open(0, server_);
  ASSERT_TRUE(send(0, a, b->local(), "mapped").has_value());
  ASSERT_TRUE(eventually([&] { return client_.received == 1; }));
  on_worker(0, [&](TransportSet&) { EXPECT_EQ(client_.last_from, b->local()); });
  const auto wrong = send(0, b, Address::from("::1", 1).value(), "x");
  ASSERT_FALSE(wrong.has_value());
  EXPECT_EQ(wrong.error().code, Errc::kInvalid);
}

TEST_F(UdpTest, RefusesWhatDoesNotFit) {
  start(1);
  UdpSocket* a = open(0, client_);
  const auto sent = send(0, a, a->local(), pattern(UdpSocket::kDatagramBytesMax + 1));
  ASSERT_FALSE(sent.has_value());
  EXPECT_EQ(sent.error().code, Errc::kInvalid);
  EXPECT_EQ(sent.error().message, "a datagram of 65508 bytes is too long (65507 at most)");
  EXPECT_EQ(send(0, a, Address(), "x").error().code, Errc::kInvalid);
  EXPECT_EQ(on_worker(0, [&](TransportSet&) { return a->unsent_bytes(); }), 0u);
}

TEST_F(UdpTest, TellsWhyItCannotBind) {
  start(1);
  UdpSocket* a = open(0, client_);
  const auto errors = on_worker(0, [&](TransportSet&) {
    const Address foreign = Address::from("203.0.113.1", 0).value();
    return std::pair(network_->open_udp(a->local(), server_).error().code,
                     network_->open_udp(foreign, server_).error().code);
  });
  EXPECT_EQ(errors.first, Errc::kExists);
  EXPECT_EQ(errors.second, Errc::kInvalid);
}

TEST_F(UdpTest, NobodyThereDoesNoHarm) {
  start(1);
  UdpSocket* a = open(0, client_);
  UdpSocket* gone = open(0, server_);
  const Address address = gone->local();
  on_worker(0, [&](TransportSet&) { gone->close(); });
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(send(0, a, address, "lost").has_value());
  ASSERT_TRUE(send(0, a, a->local(), "alive").has_value());
  EXPECT_TRUE(eventually([&] { return client_.received == 1; }));
  EXPECT_EQ(server_.closed, 0) << "a socket that its owner closed says nothing";
}

TEST_F(UdpTest, MayCloseInItsHandler) {
  start(1);
  UdpSocket* a = open(0, client_);
  server_.closes = true;
  UdpSocket* b = open(0, server_);
  const Address to = b->local();
  on_worker(0, [&](TransportSet&) {
    for (int i = 0; i < 50; ++i) EXPECT_TRUE(a->send(to, "one is answered").has_value());
  });
  ASSERT_TRUE(eventually([&] { return client_.received == 1; }));
  on_worker(0, [](TransportSet&) {});  // one more turn, in which the rest would come
  EXPECT_EQ(server_.received, 1);
}

TEST_F(UdpTest, EndsWithItsLoop) {
  start(1);
  open(0, client_);
  open(0, server_, "::1");
  stop();
  EXPECT_EQ(client_.closed, 1);
  EXPECT_EQ(server_.closed, 1);
}

}  // namespace
}  // namespace gatehouse::net
