#include "edge/tls_transport.hpp"

#include <future>
#include <tuple>

#include "edge_fixture.hpp"
#include "simulated_world.hpp"
#include "tls_client.hpp"

namespace gatehouse::edge {
namespace {

using crypto::showing;
using crypto::trusting;

// On both carriers; handshakes on the worker, and on threads of their own.
class TlsTransportTest : public EdgeTest,
                         public ::testing::WithParamInterface<std::tuple<Carrier, std::uint32_t>> {
 protected:
  Carrier carrier() const override { return std::get<0>(GetParam()); }
  void TearDown() override {
    if (blocked_) release_.set_value();
    if (system_ != nullptr) system_->stop();
    handshakes_.reset();
    NetTest::TearDown();
  }

  void start_tls(std::uint16_t workers, std::uint32_t queue_max = 100) {
    start(workers);
    const TlsHandshakeLimits limits{0, std::get<1>(GetParam()), queue_max};
    handshakes_ = std::make_unique<TlsHandshakes>(test_world(), limits, metrics_);
  }
  net::Address serve_tls(std::function<LayerHandler*()> open,
                         std::shared_ptr<crypto::TlsContext> context = showing("here")) {
    return serve_raw(
        [this, open, context](TransportSet& set, std::unique_ptr<Transport> accepted) {
          auto* doorman = new StackingHandler([this, open, context, &set](Transport& below) {
            LayerHandler* made = open();
            auto session = crypto::TlsSession::server(context);
            ASSERT_TRUE(session.has_value());
            auto layer = std::make_unique<TlsTransport>(below, std::move(*session), *handshakes_);
            if (auto attached = set.attach(std::move(layer), *made)) {
              if (!std::exchange(one_opened_, true)) opened_.set_value((*attached)->id());
            } else {
              delete made;
            }
          });
          if (!set.attach(std::move(accepted), *doorman)) delete doorman;
        },
        {.worker = 0});
  }
  TlsClient tls(const net::Address& server) { return {connect(server), trusting("ca")}; }
  std::int64_t ended(const char* how) {
    return metric("tls_handshakes_total", std::string("result=\"") + how + "\"");
  }
  // Holds the one thread of the handshakes, until the test ends or release_ is set.
  void block_handshakes() {
    std::promise<void> begun;
    auto released = release_.get_future().share();
    ASSERT_TRUE(handshakes_->submit([&begun, released] {
      begun.set_value();
      released.wait();
    }));
    begun.get_future().get();
    blocked_ = true;
  }
  void release_handshakes() {
    release_.set_value();
    blocked_ = false;
  }

  std::unique_ptr<TlsHandshakes> handshakes_;
  std::promise<ConnectionId> opened_;  // the first
  bool one_opened_ = false;
  std::promise<void> release_;
  bool blocked_ = false;
};

INSTANTIATE_TEST_SUITE_P(Carriers, TlsTransportTest,
                         ::testing::Combine(::testing::Values(Carrier::kTcp, Carrier::kMemory),
                                            ::testing::Values(0u, 1u)),
                         [](const auto& test) {
                           const bool tcp = std::get<0>(test.param) == Carrier::kTcp;
                           const bool threads = std::get<1>(test.param) != 0;
                           return std::string(tcp ? "Tcp" : "Memory") +
                                  (threads ? "Threads" : "Worker");
                         });

TEST_P(TlsTransportTest, SaysWhatWasAgreedOn) {
  start_tls(1);
  TlsClient client = tls(serve_tls([&] {
    auto* made = handler(keep());
    made->ready = [](LayerHandler&, Transport& t) {
      ASSERT_TRUE(t.tls().has_value());
      EXPECT_EQ(t.kind(), TransportKind::kTls);
      EXPECT_EQ(t.tls()->version, "TLSv1.3");
      EXPECT_EQ(t.tls()->server_name, "localhost");
      t.write("welcome");
    };
    return made;
  }));
  ASSERT_TRUE(client.shake_hands());
  EXPECT_EQ(client.receive(7), "welcome");
  ASSERT_TRUE(client.send("hello"));
  EXPECT_TRUE(arrives("hello"));
  EXPECT_EQ(ended("full"), 1);
  with([](Transport& t) { t.close_after_flush(CloseReason::kLocal); });
  EXPECT_EQ(client.receive_all(), "");
  EXPECT_TRUE(client.session().ended());
}

TEST_P(TlsTransportTest, TakesRecordsCutAtEveryByte) {
  start_tls(1);
  TlsClient client = tls(serve_tls([&] {
    return handler([](net::TestHandler&, Transport& t, std::string_view bytes) { t.write(bytes); });
  }));
  ASSERT_TRUE(client.shake_hands(1));
  ASSERT_TRUE(client.send("first", 1));
  ASSERT_TRUE(client.send("second", 1));
  EXPECT_EQ(client.receive(11), "firstsecond");
}

TEST_P(TlsTransportTest, EndsAPeerThatSpeaksNoTls) {
  start_tls(1);
  const net::Address server = serve_tls([&] { return handler(keep()); });
  const auto client = connect(server);
  ASSERT_TRUE(client->send(std::string("\x16\x03\x01\x00\x05hello", 10)));
  EXPECT_EQ(client->receive_all().substr(0, 3), std::string("\x15\x03\x03", 3));
  client->close();
  EXPECT_TRUE(all_closed(1, CloseReason::kProtocol));
  EXPECT_EQ(ended("failed"), 1);
}

TEST_P(TlsTransportTest, EndsAPeerWhoseRecordWasChanged) {
  start_tls(1);
  TlsClient client = tls(serve_tls([&] { return handler(keep()); }));
  ASSERT_TRUE(client.shake_hands());
  ASSERT_TRUE(client.send("good"));
  ASSERT_TRUE(arrives("good"));
  ASSERT_TRUE(client.below().send(std::string("\x17\x03\x03\x00\x14", 5) + std::string(20, 'x')));
  EXPECT_EQ(client.receive_all(), "");
  client.below().close();
  EXPECT_TRUE(all_closed(1, CloseReason::kProtocol));
  EXPECT_EQ(input(), "good");
  EXPECT_EQ(ended("failed"), 0) << "the handshake was over";
}

// A connection goes round the workers while records are on their way, half of one read.
TEST_P(TlsTransportTest, GoesToAnotherWorkerInTheMiddleOfARecord) {
  start_tls(3);
  std::atomic<int> moves{0};
  std::function<LayerHandler*()> open;
  open = [&] {
    auto left = std::make_shared<std::size_t>(20'000);
    return handler([&, left](net::TestHandler& self, Transport& t, std::string_view bytes) {
      t.write(bytes);
      *left -= std::min(*left, bytes.size());
      if (*left != 0) return;
      TransportSet& there =
          network_->transports(static_cast<std::uint16_t>((t.set().worker().index() + 1) % 3));
      auto moved = t.detach();
      ASSERT_TRUE(moved.has_value());
      ++moves;
      there.worker().post([&open, &there, owned = std::move(*moved)]() mutable {
        LayerHandler* next = open();
        if (!there.attach(std::move(owned), *next)) delete next;
      });
      delete &self;
    });
  };
  TlsClient client = tls(serve_tls(open));
  ASSERT_TRUE(client.shake_hands());
  std::string got;
  const std::string plain = net::pattern(300'000);
  for (std::size_t at = 0; at < plain.size(); at += 10'000) {
    ASSERT_TRUE(client.send(std::string_view(plain).substr(at, 10'000), 3'001));
    got += client.receive(10'000);
  }
  EXPECT_TRUE(got == plain);
  EXPECT_GE(moves, 10);
}

TEST_P(TlsTransportTest, AnswersWhoSaidThatHeIsDone) {
  start_tls(1);
  TlsClient client = tls(serve_tls([&] {
    return handler([](net::TestHandler&, Transport& t, std::string_view bytes) { t.write(bytes); });
  }));
  ASSERT_TRUE(client.shake_hands());
  ASSERT_TRUE(client.send("last"));
  ASSERT_TRUE(client.finish_sending());
  EXPECT_EQ(client.receive_all(), "last");
  EXPECT_TRUE(client.session().ended());
  client.below().close();
  EXPECT_TRUE(all_closed(1, CloseReason::kPeerClosed));
}

TEST_P(TlsTransportTest, EndsWithAPeerThatIsCutOff) {
  start_tls(1);
  const net::Address server = serve_tls([&] { return handler(keep()); });
  TlsClient early = tls(server), late = tls(server);
  ASSERT_TRUE(early.below().send(std::string("\x16\x03\x01\x00", 4)));
  early.below().close();
  ASSERT_TRUE(late.shake_hands());
  ASSERT_TRUE(late.send("x"));
  ASSERT_TRUE(arrives("x"));
  late.below().close();
  EXPECT_TRUE(all_closed(2, CloseReason::kPeerClosed));
}

// Its hello is with the threads when it ends; nobody is there when they are done.
TEST_P(TlsTransportTest, EndsWhileItsHandshakeWaits) {
  if (std::get<1>(GetParam()) == 0) GTEST_SKIP() << "none waits";
  start_tls(1);
  block_handshakes();
  TlsClient client = tls(serve_tls([&] { return handler(keep()); }));
  ASSERT_TRUE(client.say_hello());
  const ConnectionId id = opened_.get_future().get();
  on_worker(0, [](TransportSet&) {});  // what was put back comes before this
  on_worker(0, [id](TransportSet& set) {
    Transport* transport = set.find(id);
    EXPECT_FALSE(transport->detach().has_value());
    EXPECT_FALSE(transport->tls().has_value());
    transport->close(CloseReason::kTimeout);
  });
  EXPECT_TRUE(all_closed(1, CloseReason::kTimeout));
  release_handshakes();
  std::promise<void> behind;
  ASSERT_TRUE(handshakes_->submit([&] { behind.set_value(); }));
  behind.get_future().get();
  on_worker(0, [](TransportSet&) {});
  EXPECT_EQ(ended("full"), 0);
}

TEST_P(TlsTransportTest, StopsWhileHandshakesWait) {
  if (std::get<1>(GetParam()) == 0) GTEST_SKIP() << "none waits";
  start_tls(1);
  block_handshakes();
  TlsClient client = tls(serve_tls([&] { return handler(keep()); }));
  ASSERT_TRUE(client.say_hello());
  opened_.get_future().get();
  on_worker(0, [](TransportSet&) {});
  system_->stop();
  EXPECT_EQ(census_.closed_for(CloseReason::kShutdown), 1);
}

TEST_P(TlsTransportTest, TurnsAwayWhoFindsNoPlace) {
  if (std::get<1>(GetParam()) == 0) GTEST_SKIP() << "there is no queue";
  start_tls(1, 1);
  block_handshakes();
  ASSERT_TRUE(handshakes_->submit([] {}));
  TlsClient client = tls(serve_tls([&] { return handler(keep()); }));
  ASSERT_TRUE(client.say_hello());
  EXPECT_EQ(client.below().receive_all(), kTlsRefusal);
  client.below().close();
  EXPECT_TRUE(all_closed(1, CloseReason::kLimit));
  EXPECT_EQ(ended("over_queue"), 1);
}

TEST(TlsHandshakes, BoundsHowManyBeginInASecond) {
  MetricSet metrics;
  test::SimulatedClock clock;
  const World world{clock, test_world().random, test_world().executor};
  TlsHandshakes handshakes(world, {2, 0, 1}, metrics);
  EXPECT_TRUE(handshakes.admit());
  EXPECT_TRUE(handshakes.admit());
  EXPECT_FALSE(handshakes.admit());
  EXPECT_EQ(metrics.counter("tls_handshakes_total", "result=\"over_rate\"", "").value(), 1);
  clock.advance_ms(500);
  EXPECT_TRUE(handshakes.admit());
  EXPECT_FALSE(handshakes.admit());
  TlsHandshakes unbounded(world, {0, 0, 1}, metrics);
  for (int i = 0; i < 1'000; ++i) ASSERT_TRUE(unbounded.admit());
}

}  // namespace
}  // namespace gatehouse::edge
