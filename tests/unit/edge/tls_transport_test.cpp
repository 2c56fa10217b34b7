#include "edge/tls_transport.hpp"

#include "edge_fixture.hpp"
#include "tls_client.hpp"

namespace gatehouse::edge {
namespace {

using crypto::showing;
using crypto::trusting;

class TlsTransportTest : public EdgeTest, public ::testing::WithParamInterface<Carrier> {
 protected:
  Carrier carrier() const override { return GetParam(); }

  net::Address serve_tls(std::function<LayerHandler*()> open,
                         std::shared_ptr<crypto::TlsContext> context = showing("here")) {
    return serve_raw(
        [open, context](TransportSet& set, std::unique_ptr<Transport> accepted) {
          auto* doorman = new StackingHandler([open, context, &set](Transport& below) {
            LayerHandler* made = open();
            auto session = crypto::TlsSession::server(context);
            ASSERT_TRUE(session.has_value());
            auto layer = std::make_unique<TlsTransport>(below, std::move(*session));
            if (!set.attach(std::move(layer), *made)) delete made;
          });
          if (!set.attach(std::move(accepted), *doorman)) delete doorman;
        },
        {.worker = 0});
  }
  TlsClient tls(const net::Address& server) { return {connect(server), trusting("ca")}; }
};

INSTANTIATE_TEST_SUITE_P(Carriers, TlsTransportTest,
                         ::testing::Values(Carrier::kTcp, Carrier::kMemory), net::carrier_name);

TEST_P(TlsTransportTest, SaysWhatWasAgreedOn) {
  start(1);
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
  with([](Transport& t) { t.close_after_flush(CloseReason::kLocal); });
  EXPECT_EQ(client.receive_all(), "");
  EXPECT_TRUE(client.session().ended());
}

TEST_P(TlsTransportTest, EndsAPeerThatSpeaksNoTls) {
  start(1);
  const net::Address server = serve_tls([&] { return handler(keep()); });
  const auto client = connect(server);
  ASSERT_TRUE(client->send(std::string("\x16\x03\x01\x00\x05hello", 10)));
  EXPECT_EQ(client->receive_all().substr(0, 3), std::string("\x15\x03\x03", 3));
  client->close();
  EXPECT_TRUE(all_closed(1, CloseReason::kProtocol));
}

}  // namespace
}  // namespace gatehouse::edge
