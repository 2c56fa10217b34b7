#include "net_fixture.hpp"
#include "test_world.hpp"

namespace gatehouse::net {
namespace {

class ConnectTest : public NetTest {
 protected:
  Result<std::unique_ptr<Transport>> connect(const Endpoint& endpoint,
                                             std::uint32_t timeout_ms = kPatienceMs) {
    std::promise<Result<std::unique_ptr<Transport>>> promise;
    system_->worker(0).post([this, &promise, &endpoint, timeout_ms] {
      auto inside = std::make_shared<bool>(true);
      network_->connect(endpoint, timeout_ms,
                        [&promise, inside](Result<std::unique_ptr<Transport>> result) {
                          EXPECT_FALSE(*inside);
                          promise.set_value(std::move(result));
                        });
      *inside = false;
    });
    return promise.get_future().get();
  }
  Result<std::vector<std::string>> look_up(const std::string& host) {
    std::promise<Result<std::vector<std::string>>> promise;
    system_->worker(0).post([this, &promise, &host] {
      auto inside = std::make_shared<bool>(true);
      network_->resolve(host, [&promise, inside](auto result) {
        EXPECT_FALSE(*inside);
        promise.set_value(std::move(result));
      });
      *inside = false;
    });
    return promise.get_future().get();
  }
};

TEST_F(ConnectTest, ResolvesNamesAndNumbers) {
  start(1);
  EXPECT_THAT(look_up("localhost").value(), ::testing::IsSubsetOf({"127.0.0.1", "::1"}));
  EXPECT_THAT(look_up("127.0.0.1").value(), ::testing::ElementsAre("127.0.0.1"));
  EXPECT_THAT(look_up("::1").value(), ::testing::ElementsAre("::1"));
  const std::string too_long(300, 'a');
  for (const std::string& host : {std::string("no-such-host.invalid"), too_long, std::string()}) {
    const auto result = look_up(host);
    ASSERT_FALSE(result.has_value()) << host;
    EXPECT_TRUE(result.error().code == Errc::kNotFound || result.error().code == Errc::kUnavailable)
        << result.error().message;
  }
}

TEST_F(ConnectTest, ConnectsByNameAndTalks) {
  start(2);
  const Address server = serve(echo);
  for (const char* host : {"localhost", "127.0.0.1"}) {
    auto socket = connect({host, server.port()});
    ASSERT_TRUE(socket.has_value()) << socket.error().message;
    EXPECT_EQ((*socket)->peer(), server);
    std::promise<std::string> answer;
    auto* handler =
        new TestHandler(census_, [&](TestHandler&, Transport& transport, std::string_view bytes) {
          answer.set_value(std::string(bytes));
          transport.close(CloseReason::kLocal);
        });
    on_worker(0, [&](TransportSet& set) {
      auto transport = set.attach(std::move(*socket), *handler);
      ASSERT_TRUE(transport.has_value());
      (*transport)->write("hello");
    });
    EXPECT_EQ(answer.get_future().get(), "hello");
  }
  ASSERT_TRUE(eventually([&] { return census_.alive == 0; }));
}

TEST_F(ConnectTest, ReportsARefusal) {
  start(1);
  Address server;
  {
    server = serve(echo);
    listeners_[0]->stop();
  }
  for (int i = 0; i < 3; ++i) {
    const auto socket = connect({"127.0.0.1", server.port()});
    ASSERT_FALSE(socket.has_value());
    EXPECT_EQ(socket.error().code, Errc::kUnavailable);
    EXPECT_THAT(socket.error().message, ::testing::HasSubstr("refused"));
  }
}

TEST_F(ConnectTest, ReportsAnUnknownName) {
  start(1);
  const auto socket = connect({"no-such-host.invalid", 1});
  ASSERT_FALSE(socket.has_value());
  EXPECT_TRUE(socket.error().code == Errc::kNotFound || socket.error().code == Errc::kUnavailable);
}

// A port whose backlog is full, so that connecting to it takes for ever.
class DeafPort {
 public:
  DeafPort() : listening_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_storage storage;
    const socklen_t size = Address::from("127.0.0.1", 0).value().to_sockaddr(storage);
    ::bind(listening_, reinterpret_cast<sockaddr*>(&storage), size);
    ::listen(listening_, 0);
    socklen_t bound = sizeof storage;
    getsockname(listening_, reinterpret_cast<sockaddr*>(&storage), &bound);
    address_ = Address::from(reinterpret_cast<sockaddr&>(storage));
    for (int i = 0; i < 4; ++i) {
      waiting_.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
      ::connect(waiting_.back(), reinterpret_cast<sockaddr*>(&storage), bound);
    }
  }
  ~DeafPort() {
    for (const int descriptor : waiting_) ::close(descriptor);
    ::close(listening_);
  }
  [[nodiscard]] Endpoint endpoint() const { return {"127.0.0.1", address_.port()}; }

 private:
  int listening_;
  Address address_;
  std::vector<int> waiting_;
};

TEST_F(ConnectTest, TimesOut) {
  start(1);
  const DeafPort deaf;
  const MonotonicMs begin = monotonic_ms();
  const auto socket = connect(deaf.endpoint(), 100);
  ASSERT_FALSE(socket.has_value());
  EXPECT_EQ(socket.error().code, Errc::kTimeout);
  EXPECT_GE(monotonic_ms() - begin, 100);
}

TEST_F(ConnectTest, EndsWithTheLoop) {
  start(1);
  const DeafPort deaf;
  std::atomic<int> closed{0};
  on_worker(0, [&](TransportSet&) {
    network_->connect(deaf.endpoint(), 60'000, [&](Result<std::unique_ptr<Transport>> result) {
      closed += !result.has_value() && result.error().code == Errc::kClosed;
    });
  });
  // The numeric name is answered by a job; the attempt is under way after it.
  on_worker(0, [](TransportSet&) {});
  system_->stop();
  EXPECT_EQ(closed, 1);
}

}  // namespace
}  // namespace gatehouse::net
