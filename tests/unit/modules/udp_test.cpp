// What a UDP socket of a service does with more datagrams than its owner takes.
#include <gtest/gtest.h>

#include <latch>

#include "actor/system.hpp"
#include "sockets/lua_udp.hpp"
#include "sockets/socket_event.hpp"
#include "test_world.hpp"

namespace gatehouse::modules {
namespace {

class SilentSocket final : public net::UdpSocket {
 public:
  Result<> send(const net::Address&, std::string_view) override { return {}; }
  std::size_t unsent_bytes() const override { return 0; }
  void close() override {}
};

// Lies on its worker until the test ends, so that its mailbox is never emptied.
class StuckService final : public actor::Service {
 public:
  StuckService(std::latch& stuck, std::latch& end) : stuck_(stuck), end_(end) {}

 private:
  void on_message(actor::MessagePtr) override {
    if (std::exchange(waited_, true)) return;
    stuck_.count_down();
    end_.wait();
  }

  std::latch& stuck_;
  std::latch& end_;
  bool waited_ = false;
};

class LuaUdpTest : public ::testing::Test {
 protected:
  void start(std::uint64_t mailbox_bytes_max) {
    actor::SystemOptions options;
    options.limits.mailbox_bytes_max = mailbox_bytes_max;
    system_ = std::make_unique<actor::System>(test_world(), options, metrics_);
    system_->start([](actor::Worker&) { return actor::make_condvar_loop(); });
    const auto spawned =
        system_->spawn([this] { return std::make_unique<StuckService>(stuck_, end_); });
    ASSERT_TRUE(spawned.has_value());
    owner_ = *spawned;
    ASSERT_EQ(sockets::send_socket_event(*system_, owner_, {}), actor::SendResult::kQueued);
    stuck_.wait();
    udp_ = std::make_unique<sockets::LuaUdp>(*system_, 7, owner_, counters_);
  }
  void TearDown() override {
    end_.count_down();
    system_->stop();
  }
  // Datagrams of so many bytes until one is dropped; how many were not.
  std::size_t flood(std::size_t bytes) {
    const std::string datagram(bytes, 'x');
    const std::int64_t before = dropped();
    std::size_t count = 0;
    for (; dropped() == before; ++count) udp_->on_datagram(socket_, from_, datagram);
    return count - 1;
  }
  std::int64_t dropped() { return metrics_.counter("udp_dropped", "way=\"in\"", "").value(); }

  std::latch stuck_{1}, end_{1};
  MetricSet metrics_;
  std::unique_ptr<actor::System> system_;
  ServiceId owner_;
  std::shared_ptr<sockets::SocketCounters> counters_ = std::make_shared<sockets::SocketCounters>();
  std::unique_ptr<sockets::LuaUdp> udp_;
  SilentSocket socket_;
  const net::Address from_ = net::Address::from("127.0.0.1", 4711).value();
};

TEST_F(LuaUdpTest, BoundsWhatItsOwnerHasNotTaken) {
  start(64u << 20);
  const std::size_t count = flood(1'000);
  EXPECT_GT(count, 3'000u);
  EXPECT_LT(count, sockets::LuaUdp::kPendingBytesMax / 1'000);
  EXPECT_EQ(dropped(), 1);
  udp_->taken(1'000);
  EXPECT_EQ(flood(1'000), 1u) << "room for one more";
  EXPECT_EQ(counters_->read_bytes, (count + 1) * 1'000);
  // The owner's mailbox has room for others all the same.
  EXPECT_EQ(sockets::send_socket_event(*system_, owner_, {}), actor::SendResult::kQueued);
}

TEST_F(LuaUdpTest, DropsWhenTheMailboxIsFull) {
  start(256u << 10);
  const std::size_t count = flood(1'000);
  EXPECT_GT(count, 100u);
  EXPECT_LT(count, 256u);
}

TEST_F(LuaUdpTest, DropsWhenTheOwnerIsGone) {
  start(64u << 20);
  sockets::LuaUdp orphan(*system_, 8, ServiceId{0x7fffffff}, counters_);
  orphan.on_datagram(socket_, from_, "x");
  EXPECT_EQ(dropped(), 1);
  orphan.taken(1'000'000);  // a message that no socket sent
}

TEST(UdpAddress, KeepsItsForm) {
  for (const char* ip : {"127.0.0.1", "::1", "2001:db8::7"}) {
    const net::Address address = net::Address::from(ip, 0x1234).value();
    const std::string packed = sockets::pack_udp_address(address);
    EXPECT_EQ(packed.size(), address.is_v6() ? 19u : 7u);
    EXPECT_EQ(packed.substr(1, 2), "\x12\x34");
    EXPECT_EQ(sockets::unpack_udp_address(packed).value(), address);
    EXPECT_FALSE(sockets::unpack_udp_address(packed.substr(1)).has_value());
    EXPECT_FALSE(sockets::unpack_udp_address(packed + "x").has_value());
  }
  EXPECT_FALSE(sockets::unpack_udp_address("").has_value());
  EXPECT_FALSE(sockets::unpack_udp_address("\3"
                                           "123456")
                   .has_value());
}

}  // namespace
}  // namespace gatehouse::modules
