// Which threads a login comes by, and what it leaves alone on its way.
#include "login_fixture.hpp"

namespace gatehouse::login {
namespace {

// A step does not come back to the worker in between: who has its answer goes on.
std::string placed_on(TestServer& server) {
  const auto threads = server.placer.threads();
  if (threads.empty()) return "";
  return threads.back().substr(0, threads.back().find_first_of("0123456789"));
}

TEST(LoginSteps, ThePasswordsThreadPlacesThePlayer) {
  TestServer server;
  EXPECT_EQ(server.plain("known", "x"), "200");
  EXPECT_EQ(placed_on(server), "store") << "a new account is made in the store";
  EXPECT_EQ(server.plain("known", "x"), "200");
  EXPECT_EQ(placed_on(server), "hash");
  LoginClient skynet(server.address());
  EXPECT_TRUE(skynet.login_skynet(make_token("known", "x")).starts_with("200 "));
  EXPECT_EQ(placed_on(server), "hash");
}

TEST(LoginSteps, TheStoresThreadPlacesWhoNeedsNoHash) {
  TestServer server;
  server.policy.on_auth = [](const protocol::Token& token, std::string_view) {
    return Result<AuthResult>(AuthResult{token.server, token.user});
  };
  EXPECT_EQ(server.plain("vouched", "x"), "200");
  EXPECT_EQ(placed_on(server), "store");
}

TEST(LoginSteps, APlacementKnowsTheWorkerOfItsConnection) {
  TestServer server;
  std::set<std::uint16_t> workers;
  EXPECT_TRUE(eventually([&] {
    EXPECT_EQ(server.plain("known", "x"), "200");
    const auto worker = server.placer.grants().back().worker;
    if (worker) workers.insert(*worker);
    return workers.size() == 2;
  })) << "the kernel gives connections to both";
}

// Who waits for a game server has proved who he is; in the line for a hash anybody may use his
// name.
TEST(LoginSteps, AStrangerWhoLeavesTheHashLineTakesNobodysPlace) {
  TestServer server;
  ASSERT_TRUE(server.driver()->upsert_game_server({"sample", store::ServerState::kOpen, 1}));
  EXPECT_EQ(server.plain("owner", "right"), "200");
  server.placer.player_count = 1;
  LoginClient owner(server.address());
  owner.send_line(make_token("owner", "right"));
  ASSERT_TRUE(eventually([&] { return server.login->waiting_count() == 1; }));

  auto block = std::make_unique<PoolBlock>(*server.hash_pool);
  std::vector<std::unique_ptr<LoginClient>> crowd;
  for (std::size_t i = 0; i < 2 * server.hash_pool->threads(); ++i) {
    crowd.push_back(std::make_unique<LoginClient>(server.address()));
    crowd.back()->send_line(make_token("other" + std::to_string(i), "x"));
  }
  ASSERT_TRUE(eventually([&] { return server.hash_pool->queue_length() == crowd.size(); }));
  {
    LoginClient stranger(server.address());
    stranger.send_line(make_token("owner", "guess"));
    ASSERT_TRUE(eventually([&] { return server.login->waiting_count() == 2; }));
  }
  ASSERT_TRUE(eventually([&] { return server.login->waiting_count() == 1; }));
  server.placer.player_count = 0;
  EXPECT_EQ(owner.read_line().size(), 12u);
  std::string line = owner.read_line();
  while (line.starts_with("102 ")) line = owner.read_line();
  EXPECT_TRUE(line.starts_with("200 ")) << line;
  block.reset();
}

}  // namespace
}  // namespace gatehouse::login
