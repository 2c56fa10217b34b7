// The login daemon over every carrier: sockets, and memory without sockets and libuv.
#include "login_fixture.hpp"

namespace gatehouse::login {
namespace {

class LoginCarrier : public testing::TestWithParam<net::Carrier> {
 protected:
  static TestOptions options(const std::function<void(Limits&)>& change = [](Limits&) {}) {
    TestOptions options;
    options.carrier = GetParam();
    change(options.limits);
    return options;
  }
};

INSTANTIATE_TEST_SUITE_P(Carriers, LoginCarrier,
                         testing::Values(net::Carrier::kTcp, net::Carrier::kMemory),
                         [](const auto& carrier) {
                           return carrier.param == net::Carrier::kTcp ? "Tcp" : "Memory";
                         });

TEST_P(LoginCarrier, BothSuitesGetInAndTheConnectionEnds) {
  TestServer server(options());
  EXPECT_EQ(server.plain("test1", "123"), "200");
  EXPECT_EQ(server.plain("test1", "124"), "401 Unauthorized");
  LoginClient client(server.connect());
  EXPECT_TRUE(client.login_skynet(make_token("test1", "123")).starts_with("200 "));
  EXPECT_EQ(client.secret().size(), 8u);
  EXPECT_EQ(client.read_to_end(), "");
  EXPECT_EQ(server.counted("ok"), 2);
}

TEST_P(LoginCarrier, LinesComeByteByByte) {
  TestServer server(options());
  LoginClient client(server.connect());
  EXPECT_FALSE(client.read_line().empty());
  const std::string line = make_token("test1", "123") + "\r\n";
  for (const char& byte : line) ASSERT_TRUE(client.send({&byte, 1}));
  EXPECT_TRUE(client.read_line().starts_with("200 "));
  EXPECT_EQ(client.read_to_end(), "");
}

TEST_P(LoginCarrier, AnswersAClientThatHasEndedItsSide) {
  TestServer server(options());
  LoginClient client(server.connect());
  EXPECT_FALSE(client.read_line().empty());
  ASSERT_TRUE(client.send_line(make_token("test1", "123")));
  client.finish_sending();
  EXPECT_TRUE(client.read_line().starts_with("200 "));
  EXPECT_EQ(client.read_to_end(), "");
}

TEST_P(LoginCarrier, ForgetsAClientThatBreaksOff) {
  TestServer server(options());
  server.placer.hold(true);
  LoginClient client(server.connect());
  EXPECT_FALSE(client.read_line().empty());
  ASSERT_TRUE(client.send_line(make_token("test1", "123")));
  ASSERT_TRUE(eventually([&] { return server.placer.held() == 1; }));
  client.reset();
  EXPECT_TRUE(eventually([&] { return server.login->connection_count() == 0; }));
  EXPECT_EQ(server.counted("client_left"), 1);
  server.placer.release();
}

TEST_P(LoginCarrier, SilentClientsEndAtTheDeadline) {
  TestServer server(options([](Limits& limits) { limits.login_handshake_timeout_ms = 100; }));
  LoginClient client(server.connect());
  EXPECT_FALSE(client.read_line().empty());
  EXPECT_EQ(client.read_to_end(), "");
  EXPECT_EQ(server.refused("handshake_timeout"), 1);
}

TEST_P(LoginCarrier, TellsABannedAddressAtOnce) {
  TestServer server(options());
  auto rules = std::make_shared<net::AddressRules>();
  ASSERT_TRUE(rules->banned.add("127.0.0.0/8"));
  server.guard->set_address_rules(rules);
  LoginClient client(server.connect());
  EXPECT_EQ(client.read_line(), "403 Forbidden");
  EXPECT_EQ(client.read_to_end(), "");
}

TEST_P(LoginCarrier, StopAnswersWhoeverIsIn) {
  TestServer server(options());
  LoginClient client(server.connect());
  EXPECT_FALSE(client.read_line().empty());
  server.login->stop();
  EXPECT_EQ(client.read_line(), "503 Service Unavailable");
  EXPECT_EQ(client.read_to_end(), "");
  EXPECT_TRUE(eventually([&] { return server.login->connection_count() == 0; }));
}

}  // namespace
}  // namespace gatehouse::login
