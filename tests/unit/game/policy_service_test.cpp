// The service behind a login policy: every call is answered once, whatever the file does.
#include "game/policy_service.hpp"

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "game/login_policy.hpp"
#include "game_world.hpp"

namespace gatehouse::game {
namespace {

constexpr const char* kEchoGame = "return { request = function(_, msg) return msg end }";

constexpr const char* kPolicy = R"(
local skynet = require "skynet"
local login = require "gatehouse.login"
local M = {}
function M.auth_handler(token)
	if token.user == "wait" then
		skynet.wait()
	elseif token.user == "leave" then
		skynet.exit()
	elseif token.user == "raise" then
		error "as the test wants"
	elseif token.user == "nobody" then
		return token.server
	elseif token.user == "yield" then
		skynet.yield()
	end
	local parts = { token.user, token.password, token.address, token.suite }
	return token.server, table.concat(parts, " ")
end
function M.login_handler(server, uid, secret)
	local subid = login.place(server, uid, secret)
	if uid == "undone" then
		error "as the test wants"
	elseif uid == "late" then
		skynet.wait()
	end
	return subid
end
return M
)";

class PolicyServiceTest : public ::testing::Test {
 protected:
  Result<> start(std::string_view text, PolicyOptions options = {}) {
    world_ = std::make_unique<GameWorld>(kEchoGame);
    options.file = world_->path("policy.lua");
    test::write_file(options.file, text);
    auto started = LuaPolicy::start(world_->runtime(), world_->agents(), options);
    if (!started) return tl::unexpected<Error>(started.error());
    policy_ = std::move(*started);
    return {};
  }

  using Auth = std::future<Result<login::AuthResult>>;
  Auth begin_auth(const std::string& user) {
    auto done = std::make_shared<std::promise<Result<login::AuthResult>>>();
    auto answered = done->get_future();
    world_->on_worker([&] {
      protocol::Token token;
      token.user = user;
      token.server = "sample";
      token.password = Secret{std::string("secret")};
      policy_->auth(token, "192.0.2.7", protocol::Suite::kPlain,
                    [done](Result<login::AuthResult> result) { done->set_value(result); });
      return true;
    });
    return answered;
  }
  template <class T>
  static Result<T> wait(std::future<Result<T>>& answered) {
    if (answered.wait_for(kWorldPatience) == std::future_status::ready) return answered.get();
    ADD_FAILURE() << "a call without an answer";
    return fail(Errc::kTimeout, "no answer");
  }
  Result<login::AuthResult> auth(const std::string& user) {
    Auth answered = begin_auth(user);
    return wait(answered);
  }
  Errc auth_error(const std::string& user) {
    const auto result = auth(user);
    EXPECT_FALSE(result.has_value()) << user;
    return result ? Errc::kInvalid : result.error().code;
  }
  Result<std::string> login(const std::string& uid) {
    auto done = std::make_shared<std::promise<Result<std::string>>>();
    auto answered = done->get_future();
    world_->on_worker([&] {
      policy_->login("sample", uid, Secret{std::string(32, 's')},
                     [done](Result<std::string> result) { done->set_value(std::move(result)); });
      return true;
    });
    return wait(answered);
  }

  std::unique_ptr<GameWorld> world_;
  std::unique_ptr<LuaPolicy> policy_;
};

TEST_F(PolicyServiceTest, RunsTheHandlersThatTheFileHas) {
  ASSERT_TRUE(start(kPolicy).has_value());
  EXPECT_TRUE(policy_->has_auth());
  EXPECT_TRUE(policy_->has_login());
  const auto result = auth("test1");
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->server, "sample");
  EXPECT_EQ(result->uid, "test1 secret 192.0.2.7 plain");
  EXPECT_TRUE(auth("yield").has_value());
}

TEST_F(PolicyServiceTest, AFileMayLeaveBothOut) {
  ASSERT_TRUE(start("return {}").has_value());
  EXPECT_FALSE(policy_->has_auth());
  EXPECT_FALSE(policy_->has_login());
}

TEST_F(PolicyServiceTest, AFileThatCannotBeUsedIsSaidSo) {
  for (const char* text : {"this is not lua", "return 7", "error 'as the test wants'",
                           "return { auth_handler = 1 }"}) {
    policy_.reset();
    const auto started = start(text);
    ASSERT_FALSE(started.has_value()) << text;
    EXPECT_EQ(started.error().code, Errc::kInvalid) << text;
  }
}

TEST_F(PolicyServiceTest, ErrorsAndNobodyAreDenied) {
  ASSERT_TRUE(start(kPolicy).has_value());
  EXPECT_EQ(auth_error("raise"), Errc::kDenied);
  EXPECT_EQ(auth_error("nobody"), Errc::kDenied);
  EXPECT_TRUE(auth("next").has_value()) << "the service goes on";
}

TEST_F(PolicyServiceTest, ACallHasItsTime) {
  ASSERT_TRUE(start(kPolicy, {.file = "", .timeout_ms = 50}).has_value());
  EXPECT_EQ(auth_error("wait"), Errc::kTimeout);
  EXPECT_TRUE(auth("next").has_value());
}

TEST_F(PolicyServiceTest, SoManyCallsWaitAndNoMore) {
  ASSERT_TRUE(start(kPolicy, {.file = "", .timeout_ms = 600'000, .calls_max = 2}).has_value());
  std::vector<Auth> waiting;
  for (int i = 0; i < 2; ++i) waiting.push_back(begin_auth("wait"));
  EXPECT_EQ(auth_error("one more"), Errc::kFull);
  for (Auth& call : waiting)
    EXPECT_EQ(call.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
}

TEST_F(PolicyServiceTest, ItsEndAnswersWhatItHasInHand) {
  ASSERT_TRUE(start(kPolicy, {.file = "", .timeout_ms = 600'000}).has_value());
  Auth waiting = begin_auth("wait");
  EXPECT_FALSE(auth("leave").has_value());
  const auto result = wait(waiting);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, Errc::kUnavailable);
  EXPECT_EQ(auth_error("later"), Errc::kUnavailable);
}

TEST_F(PolicyServiceTest, PlacesThePlayerOfAGoodLogin) {
  ASSERT_TRUE(start(kPolicy).has_value());
  const auto subid = login("player");
  ASSERT_TRUE(subid.has_value()) << subid.error().message;
  EXPECT_FALSE(subid->empty());
  EXPECT_TRUE(world_->agents().online("player", "sample"));
}

TEST_F(PolicyServiceTest, WhatAFailedLoginMadeIsUndone) {
  ASSERT_TRUE(start(kPolicy, {.file = "", .timeout_ms = 500}).has_value());
  for (const auto& [uid, code] :
       {std::pair{"undone", Errc::kDenied}, std::pair{"late", Errc::kTimeout}}) {
    const auto subid = login(uid);
    ASSERT_FALSE(subid.has_value()) << uid;
    EXPECT_EQ(subid.error().code, code) << uid;
    EXPECT_TRUE(world_->eventually_online(0)) << uid;
  }
}

}  // namespace
}  // namespace gatehouse::game
