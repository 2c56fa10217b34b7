// AgentManager: one agent an account, and an answer for every login.
#include "game/agent_manager.hpp"

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <vector>

#include "game/agent_host.hpp"
#include "game_world.hpp"

namespace gatehouse::game {
namespace {

// "stubborn" leaves when it is told to; "broken" cannot be loaded.
constexpr const char* kGame = R"(
local skynet = require "skynet"
return {
	load = function(self, data)
		self.count = data and data.count or 0
		if self.uid:find "^broken" then
			error "as the test wants"
		end
	end,
	request = function(_, msg)
		return msg
	end,
	save = function(self)
		return { count = self.count + 1 }
	end,
	logout = function(self)
		while self.uid:find "^stubborn" and not skynet.getenv "may_leave" do
			skynet.sleep(1)
		end
	end,
}
)";

std::shared_ptr<admission::Waiter> gone() {
  auto waiter = std::make_shared<admission::Waiter>();
  waiter->cancelled.store(true);
  return waiter;
}

Errc code_of(const Result<login::Placement>& placed) {
  EXPECT_FALSE(placed.has_value());
  return placed ? Errc::kInvalid : placed.error().code;
}

TEST(AgentManager, KnowsTheServersOfItsGates) {
  GameWorld world(kGame);
  EXPECT_TRUE(world.agents().serves("sample"));
  EXPECT_FALSE(world.agents().serves("nowhere"));
  EXPECT_EQ(world.agents().endpoints("sample").size(), 1u);
  EXPECT_TRUE(world.agents().endpoints("nowhere").empty());
  EXPECT_TRUE(world.agents().check_module().has_value());
  EXPECT_EQ(code_of(world.place("a", "nowhere")), Errc::kNotFound);
  EXPECT_EQ(world.agents().online(), 0u);
}

TEST(AgentManager, PlacesAndLogsOut) {
  GameWorld world(kGame);
  const auto placed = world.place("player");
  ASSERT_TRUE(placed.has_value());
  EXPECT_EQ(placed->endpoints, world.agents().endpoints("sample"));
  EXPECT_TRUE(world.agents().online("player", "sample"));
  EXPECT_FALSE(world.agents().online("player", "other"));
  EXPECT_EQ(world.agents().online_uids(), std::vector<std::string>{"player"});
  EXPECT_EQ(world.agents().players("sample"), 1u);
  EXPECT_EQ(world.account("player").session_gate, placed->endpoints[0]);
  EXPECT_TRUE(world.agents().kick("player", LogoutCode::kRemoved, "the test ends"));
  EXPECT_TRUE(world.eventually_online(0));
  EXPECT_FALSE(world.agents().kick("player", LogoutCode::kRemoved, "nobody is there"));
  EXPECT_TRUE(test::eventually([&] { return world.account("player").session_gate.empty(); }));
}

TEST(AgentManager, ANewerLoginWaitsUntilTheOlderHasLeft) {
  GameWorld world(kGame);
  const auto first = world.place("stubborn");
  ASSERT_TRUE(first.has_value());
  GameWorld::Placed second = world.begin_place(world.grant("stubborn"));
  GameWorld::Placed third = world.begin_place(world.grant("stubborn", "other"));
  EXPECT_EQ(world.agents().online(), 1u);
  EXPECT_EQ(second.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  static_cast<void>(world.system().set_env("may_leave", "yes"));
  // Both are told; one of them has the account, and the other was told that a login is under way
  // or was there until the other came.
  const auto second_placed = GameWorld::wait(second), third_placed = GameWorld::wait(third);
  ASSERT_TRUE(second_placed.has_value());
  EXPECT_GT(std::stoull(second_placed->subid), std::stoull(first->subid)) << "a new epoch";
  EXPECT_TRUE(third_placed.has_value() || third_placed.error().code == Errc::kExists);
  EXPECT_TRUE(test::eventually([&] { return world.agents().online() == 1; }));
}

TEST(AgentManager, OneLoginOfAnAccountAtATime) {
  GameWorld world(kGame, {}, 1);
  // While the only worker is busy nobody can be made.
  std::promise<void> end;
  std::shared_future<void> ended(end.get_future());
  world.system().worker(0).post([ended] { ended.wait(); });
  GameWorld::Placed first = world.begin_place(world.grant("player"));
  GameWorld::Placed second = world.begin_place(world.grant("player"));
  EXPECT_EQ(code_of(GameWorld::wait(second)), Errc::kExists);
  end.set_value();
  EXPECT_TRUE(GameWorld::wait(first).has_value());
  EXPECT_EQ(world.agents().online(), 1u);
}

TEST(AgentManager, MakesNobodyForWhoHasLeft) {
  GameWorld world(kGame, {}, 1);
  login::Grant grant = world.grant("player");
  grant.waiter = gone();
  GameWorld::Placed placed = world.begin_place(std::move(grant));
  EXPECT_EQ(code_of(GameWorld::wait(placed)), Errc::kClosed);
  EXPECT_EQ(world.agents().online(), 0u);
  // Or leaves while the agent is made.
  auto waiter = std::make_shared<admission::Waiter>();
  std::promise<void> end;
  std::shared_future<void> ended(end.get_future());
  world.system().worker(0).post([ended] { ended.wait(); });
  grant = world.grant("player");
  grant.waiter = waiter;
  placed = world.begin_place(std::move(grant));
  waiter->cancelled.store(true);
  end.set_value();
  EXPECT_FALSE(GameWorld::wait(placed).has_value());
  EXPECT_TRUE(world.eventually_online(0));
  EXPECT_TRUE(test::eventually([&] { return world.account("player").session_gate.empty(); }));
}

TEST(AgentManager, APlayerThatCannotBeLoadedFreesTheAccount) {
  GameWorld world(kGame);
  EXPECT_EQ(code_of(world.place("broken")), Errc::kUnavailable);
  EXPECT_TRUE(world.eventually_online(0));
  EXPECT_TRUE(test::eventually([&] { return world.account("broken").session_gate.empty(); }));
  EXPECT_TRUE(world.place("another").has_value());
}

TEST(AgentManager, WithdrawsTheSessionThatIsMeant) {
  GameWorld world(kGame);
  const auto placed = world.place("player");
  ASSERT_TRUE(placed.has_value());
  world.agents().withdraw("player", placed->subid + "0");
  world.agents().withdraw("nobody", placed->subid);
  EXPECT_EQ(world.agents().online(), 1u);
  world.agents().withdraw("player", placed->subid);
  EXPECT_TRUE(world.eventually_online(0));
}

TEST(AgentManager, EndsWhoIsBarredUnlessTheSessionIsNewer) {
  GameWorld world(kGame);
  const auto placed = world.place("stubborn");
  ASSERT_TRUE(placed.has_value());
  const std::uint64_t epoch = std::stoull(placed->subid);
  AgentManager& agents = world.agents();
  EXPECT_FALSE(agents.end_barred("stubborn", epoch - 1, LogoutCode::kBanned, "banned"));
  EXPECT_FALSE(agents.end_barred("nobody", epoch, LogoutCode::kBanned, "banned"));
  EXPECT_TRUE(agents.end_barred("stubborn", epoch, LogoutCode::kBanned, "banned"));
  EXPECT_FALSE(agents.end_barred("stubborn", epoch, LogoutCode::kBanned, "once more"));
  static_cast<void>(world.system().set_env("may_leave", "yes"));
  EXPECT_TRUE(world.eventually_online(0));
}

TEST(AgentManager, PlacesNobodyOnceItStops) {
  GameWorld world(kGame);
  for (const char* uid : {"a", "b", "c"}) EXPECT_TRUE(world.place(uid).has_value());
  world.agents().log_all_out("the server stops");
  EXPECT_EQ(code_of(world.place("late")), Errc::kUnavailable);
  EXPECT_TRUE(world.eventually_online(0));
  for (const char* uid : {"a", "b", "c"})
    EXPECT_TRUE(test::eventually([&] { return world.account(uid).session_gate.empty(); }));
}

TEST(AgentManager, PlayersShareAVmUpToItsNumber) {
  AgentOptions options;
  options.per_vm = 3;
  GameWorld world(kGame, options, 1);
  for (int i = 0; i < 7; ++i) EXPECT_TRUE(world.place("p" + std::to_string(i)).has_value());
  const std::size_t hosts = world.on_worker([&] {
    std::size_t count = 0;
    world.system().worker(0).each_service([&count](actor::Service& service) {
      if (dynamic_cast<AgentHost*>(&service) != nullptr) ++count;
    });
    return count;
  });
  EXPECT_EQ(hosts, 3u);
}

TEST(AgentManager, SaysThatAModuleCannotBeUsed) {
  for (const char* game : {"this is not lua", "return 7", "error 'as the test wants'"}) {
    GameWorld world(game);
    const auto checked = world.agents().check_module();
    ASSERT_FALSE(checked.has_value()) << game;
    EXPECT_EQ(checked.error().code, Errc::kInvalid);
    EXPECT_FALSE(world.place("player").has_value()) << "an answer all the same";
    EXPECT_EQ(world.agents().online(), 0u);
  }
}

}  // namespace
}  // namespace gatehouse::game
