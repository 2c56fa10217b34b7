// What a policy replaces, and what the server does with its errors.
#include "login_fixture.hpp"

namespace gatehouse::login {
namespace {

// Lets everybody in under the name `u-<user>`.
void admit_all(TestServer& server) {
  server.policy.on_auth = [](const protocol::Token& token, std::string_view address) {
    EXPECT_EQ(address, "127.0.0.1");
    return Result<AuthResult>(AuthResult{token.server, "u-" + token.user});
  };
}

TEST(LoginPolicy, TheBaseClassReplacesNothing) {
  class Default final : public Policy {
  } policy;
  EXPECT_FALSE(policy.has_auth());
  EXPECT_FALSE(policy.has_login());
  int called = 0;
  policy.auth({}, "", protocol::Suite::kPlain, [&](Result<AuthResult> r) { called += !r; });
  policy.login("", "", {}, [&](Result<std::string> r) { called += !r; });
  EXPECT_EQ(called, 2);
}

// The tests below run twice: the policy answers on the worker, and on a thread of its own.
class LoginPolicyAt : public testing::TestWithParam<bool> {
 protected:
  LoginPolicyAt() { server_.policy.elsewhere = GetParam(); }
  TestServer server_;
};
INSTANTIATE_TEST_SUITE_P(Threads, LoginPolicyAt, testing::Bool());

TEST_P(LoginPolicyAt, AuthAloneMakesAnAccountWithoutPassword) {
  admit_all(server_);
  EXPECT_EQ(server_.plain("test1", "anything"), "200");
  EXPECT_EQ(server_.plain("test1", "else"), "200");
  const auto accounts = server_.accounts();
  ASSERT_EQ(accounts.size(), 1u);
  EXPECT_EQ(accounts[0].name, "u-test1");
  EXPECT_EQ(accounts[0].password_hash, "!");
  ASSERT_EQ(server_.placer.grants().size(), 2u);
  EXPECT_EQ(server_.placer.grants()[1].account, accounts[0].id);
  EXPECT_EQ(server_.placer.grants()[1].uid, "u-test1");
}

TEST_P(LoginPolicyAt, AuthAloneRespectsBansServersAndPlacement) {
  admit_all(server_);
  EXPECT_EQ(server_.plain("test1", "x", "atlantis"), "403 Forbidden");
  EXPECT_TRUE(server_.accounts().empty());
  EXPECT_EQ(server_.plain("test1", "x"), "200");
  ASSERT_TRUE(server_.driver()->set_ban("u-test1", true, 0, "cheating"));
  EXPECT_EQ(server_.plain("test1", "x"), "403 Forbidden");
  server_.placer.fail_with(Errc::kFull);
  EXPECT_EQ(server_.plain("test2", "x"), "503 Service Unavailable");
}

TEST_P(LoginPolicyAt, ErrorsOfAuth) {
  Errc code = Errc::kDenied;
  server_.policy.on_auth = [&code](const protocol::Token&, std::string_view) {
    return Result<AuthResult>(fail(code, "the test wants it so"));
  };
  EXPECT_EQ(server_.plain("test1", "x"), "401 Unauthorized");
  code = Errc::kUnavailable;
  EXPECT_EQ(server_.plain("test1", "x"), "503 Service Unavailable");
  server_.policy.on_auth = [](const protocol::Token& token, std::string_view) {
    return Result<AuthResult>(AuthResult{token.server, ""});
  };
  EXPECT_EQ(server_.plain("test1", "x"), "401 Unauthorized") << "no uid, no hang";
  server_.policy.on_auth = [](const protocol::Token& token, std::string_view) {
    return Result<AuthResult>(AuthResult{token.server, std::string(65, 'x')});
  };
  EXPECT_EQ(server_.plain("test1", "x"), "401 Unauthorized") << "no name for the store";
  EXPECT_TRUE(server_.accounts().empty());
}

TEST_P(LoginPolicyAt, AuthAndLoginNeedNeitherStoreNorGate) {
  admit_all(server_);
  server_.policy.on_login = [](const std::string& game_server, const std::string& uid) {
    return Result<std::string>(game_server + "/" + uid);
  };
  LoginClient client(server_.address());
  EXPECT_TRUE(client.login_plain(make_token("test1", "x", "anywhere")).starts_with("200 "));
  EXPECT_EQ(client.subid(), "anywhere/u-test1");
  EXPECT_EQ(client.secret().size(), 32u);
  EXPECT_EQ(client.gates(), std::vector<std::string>{"gate:7"});
  EXPECT_TRUE(server_.accounts().empty());
  EXPECT_TRUE(server_.placer.grants().empty());
}

TEST_P(LoginPolicyAt, LoginAloneComesBehindThePassword) {
  Errc code = Errc::kDenied;
  bool good = true;
  server_.policy.on_login = [&](const std::string&, const std::string&) {
    return good ? Result<std::string>("7") : Result<std::string>(fail(code, "as wanted"));
  };
  EXPECT_EQ(server_.plain("test1", "123"), "200");
  EXPECT_EQ(server_.plain("test1", "124"), "401 Unauthorized");
  EXPECT_EQ(server_.accounts().size(), 1u);
  good = false;
  EXPECT_EQ(server_.plain("test1", "123"), "403 Forbidden");
  code = Errc::kUnavailable;
  EXPECT_EQ(server_.plain("test1", "123"), "503 Service Unavailable");
}

TEST(LoginPolicy, TicketsAreForPoliciesOnly) {
  TestServer server;
  const std::string token = "dGVzdDE=@c2FtcGxl!dGlja2V0";
  LoginClient client(server.address());
  EXPECT_EQ(client.login_plain(token), "401 Unauthorized");
  EXPECT_TRUE(server.accounts().empty());
  server.policy.on_auth = [](const protocol::Token& t, std::string_view) {
    EXPECT_EQ(t.ticket.reveal(), "ticket");
    return Result<AuthResult>(AuthResult{t.server, t.user});
  };
  LoginClient resumed(server.address());
  EXPECT_TRUE(resumed.login_plain(token).starts_with("200 "));
}

}  // namespace
}  // namespace gatehouse::login
