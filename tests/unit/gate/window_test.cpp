// docs/protocol.md 3.11, rule by rule, through the wire.
#include "gate_world.hpp"

namespace gatehouse::gate {
namespace {

class Window : public testing::Test {
 protected:
  // The player's next connection; the older one is closed by it.
  Client& connect(const std::optional<Extension>& extension = {}) {
    client_ = std::make_unique<Client>(world_);
    EXPECT_EQ(client_->handshake(player_, ++index_, extension), "200 OK");
    return *client_;
  }
  void disconnect() {
    const std::string before = world_.events(player_);
    client_->close();
    EXPECT_TRUE(eventually([&] { return world_.events(player_) == before + 'd'; }));
  }
  void hold(Client& client, std::uint32_t session) {
    client.request("hold", session);
    EXPECT_TRUE(eventually([&] { return world_.holds(player_, session); }));
  }
  std::uint32_t requests() {
    return world_.with(player_, [](FakeAgent& agent) { return agent.requests; });
  }

  World world_{{}, 2};
  Player player_ = world_.login("p", 1);
  std::unique_ptr<Client> client_;
  int index_ = 0;
};

TEST_F(Window, Rule1NewSessionRunsAndAnswersInOrderOfCompletion) {
  Client& client = connect();
  hold(client, 1);
  EXPECT_EQ(client.ask("second", 2), ok("second", 2));
  world_.answer(player_, 1, "first");
  EXPECT_EQ(client.response(), ok("first", 1));
}

TEST_F(Window, Rule2SameConnectionReusesANumber) {
  Client& client = connect();
  EXPECT_EQ(client.ask("count", 1), ok("1", 1));
  EXPECT_EQ(client.ask("count", 1), ok("2", 1));
}

TEST_F(Window, Rule3FirstDuplicateWaitsSecondIsAConflict) {
  Client& client = connect();
  hold(client, 1);
  client.request("hold", 1);
  EXPECT_TRUE(client.is_quiet());
  client.request("hold", 1);
  EXPECT_TRUE(client.is_closed());
  EXPECT_EQ(world_.closed("session_conflict"), 1);
  EXPECT_TRUE(eventually([&] { return world_.events(player_) == "cd"; }));
  EXPECT_EQ(requests(), 1u);
}

TEST_F(Window, Rule4AnsweredBeforeTheReconnectIsSentAgain) {
  EXPECT_EQ(connect().ask("count", 1), ok("1", 1));
  EXPECT_EQ(connect().ask("another content", 1), ok("1", 1));
  disconnect();
  EXPECT_EQ(connect().ask("count", 1), ok("1", 1));
  EXPECT_EQ(world_.counted(player_), 1u);
}

TEST_F(Window, Rule5RunningAnswersTheNewConnectionOnce) {
  hold(connect(), 1);
  Client& second = connect();
  second.request("hold", 1);
  EXPECT_TRUE(second.is_quiet());
  world_.answer(player_, 1, "done");
  EXPECT_EQ(second.response(), ok("done", 1));
  EXPECT_TRUE(second.is_quiet());
  EXPECT_EQ(requests(), 1u);
}

TEST_F(Window, Rule5NotAskedAgainIsStoredAndNotSent) {
  hold(connect(), 1);
  Client& second = connect();
  world_.answer(player_, 1, "done");
  EXPECT_TRUE(second.is_quiet());
  EXPECT_EQ(second.ask("hold", 1), ok("done", 1));
}

TEST_F(Window, Rule5AnsweredWhileNobodyIsConnected) {
  hold(connect(), 1);
  disconnect();
  world_.answer(player_, 1, "done");
  Client& second = connect();
  EXPECT_TRUE(second.is_quiet());
  EXPECT_EQ(second.ask("hold", 1), ok("done", 1));
  EXPECT_EQ(requests(), 1u);
}

TEST_F(Window, Rule6CompletedBetweenHandshakeAndRepetitionIsNotRunTwice) {
  Client& first = connect();
  first.request("count", 1);
  EXPECT_EQ(first.response(), ok("1", 1));
  hold(first, 2);
  Client& second = connect();
  world_.answer(player_, 2, "kept");
  EXPECT_EQ(second.ask("count", 2), ok("kept", 2));
  EXPECT_EQ(world_.counted(player_), 1u);
}

TEST_F(Window, Rule7AnAnswerLivesForTheConfiguredNumberOfOthers) {
  Client& first = connect();
  EXPECT_EQ(first.ask("count", 1), ok("1", 1));
  for (std::uint32_t n = 0; n < 127; ++n)
    ASSERT_EQ(first.ask("filler", 100 + n), ok("filler", 100 + n));
  EXPECT_EQ(connect().ask("count", 1), ok("1", 1));
  for (std::uint32_t n = 0; n < 400; ++n)
    ASSERT_EQ(client_->ask("filler", 1000 + n), ok("filler", 1000 + n));
  EXPECT_EQ(connect().ask("count", 1), ok("2", 1)) << "forgotten, so it runs";
}

TEST_F(Window, Rule8OversizedResponseIsAnErrorAndPoisonsNothing) {
  Client& first = connect();
  EXPECT_EQ(first.ask("big", 1), failed(1));
  EXPECT_EQ(first.ask("count", 2), ok("1", 2)) << "the connection lives";
  EXPECT_EQ(connect().ask("big", 1), failed(1));
  EXPECT_EQ(requests(), 2u);
  EXPECT_EQ(world_.metric("gate_responses_oversized"), 1);
}

TEST_F(Window, Rule9FailedRequestIsRememberedLikeAnyOther) {
  EXPECT_EQ(connect().ask("error", 1), failed(1));
  EXPECT_EQ(connect().ask("count", 1), failed(1));
  EXPECT_EQ(world_.counted(player_), 0u);
}

TEST_F(Window, LargestContentsPass) {
  Client& client = connect();
  const std::string largest(kResponseContentBytesMax, 'x');
  EXPECT_EQ(client.ask(largest, 1), ok(largest, 1));
  client.request(largest + "y", 2);
  EXPECT_EQ(client.response(), failed(2)) << "the request passes, its echo is a byte too long";
  EXPECT_EQ(client.ask("", 3), ok("", 3));
}

TEST_F(Window, SessionsUseAll32BitsBelowThePing) {
  Client& client = connect();
  for (const std::uint32_t session : {0u, 1u, 0x80000000u, 0xfffffffeu})
    EXPECT_EQ(client.ask("edge", session), ok("edge", session));
}

TEST_F(Window, PingIsAnsweredByTheGate) {
  Client& client = connect();
  EXPECT_EQ(client.ask("ping", protocol::kPingSession), ok("ping", protocol::kPingSession));
  EXPECT_EQ(client.ask("", protocol::kPingSession), ok("", protocol::kPingSession));
  EXPECT_EQ(requests(), 0u);
}

TEST_F(Window, OtherConversationForgetsTheReplies) {
  EXPECT_EQ(connect(Extension{0, "first", ""}).ask("count", 1), ok("1", 1));
  EXPECT_EQ(connect(Extension{0, "first", ""}).ask("count", 1), ok("1", 1));
  EXPECT_EQ(connect(Extension{0, "second", ""}).ask("count", 1), ok("2", 1));
  EXPECT_EQ(connect(Extension{0, "second", ""}).ask("count", 1), ok("2", 1));
}

TEST_F(Window, EmptyConversationContinuesTheOneThereIs) {
  EXPECT_EQ(connect().ask("count", 1), ok("1", 1));
  EXPECT_EQ(connect(Extension{}).ask("count", 1), ok("1", 1));
  EXPECT_EQ(connect(Extension{0, "named", ""}).ask("count", 1), ok("2", 1));
  EXPECT_EQ(connect(Extension{}).ask("count", 1), ok("2", 1));
  EXPECT_EQ(connect().ask("count", 1), ok("2", 1));
}

// The answer to a request of an earlier conversation is not taken for one of the new.
TEST_F(Window, LateAnswerOfAnEarlierConversationIsDropped) {
  hold(connect(Extension{0, "first", ""}), 1);
  Client& second = connect(Extension{0, "second", ""});
  second.request("hold", 1);
  EXPECT_TRUE(eventually([&] {
    return world_.with(player_, [](FakeAgent& agent) { return agent.held.count(1) == 2; });
  }));
  const auto pending = [&] {
    return world_.with(player_, [](FakeAgent& agent) { return agent.session->pending(); });
  };
  EXPECT_EQ(pending(), 2u);
  world_.answer(player_, 1, "of the first");
  EXPECT_TRUE(second.is_quiet());
  EXPECT_EQ(pending(), 1u);
  world_.answer(player_, 1, "of the second");
  EXPECT_EQ(second.response(), ok("of the second", 1));
  EXPECT_EQ(pending(), 0u);
}

TEST_F(Window, CountersOfRequestsAndResponses) {
  Client& client = connect();
  for (std::uint32_t n = 0; n < 10; ++n) EXPECT_EQ(client.ask("x", n), ok("x", n));
  EXPECT_TRUE(client.is_quiet());
  EXPECT_TRUE(eventually([&] {
    return world_.metric("gate_requests") == 10 && world_.metric("gate_responses") == 11;
  }));
}

}  // namespace
}  // namespace gatehouse::gate
