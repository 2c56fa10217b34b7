// Who may write a player when the database has gone back, and who is online.
#include <set>

#include "store_fixture.hpp"

namespace gatehouse::drivers {
namespace {

class Fences : public StoreTest {
 protected:
  // Makes the account and its player what they were under an earlier session, as a failover to a
  // replica that lagged does.
  void go_back(const std::string& name, store::Fence fence) {
    const std::string epoch = std::to_string(fence.epoch);
    change("UPDATE account SET session_epoch = " + epoch + ", session_claim = x'' WHERE name = '" +
           name + "'; UPDATE player_data SET version = 1, epoch = " + epoch +
           ", owner = " + std::to_string(fence.owner) + ";");
  }
};
GATEHOUSE_ON_BOTH_STORES(Fences);

TEST_P(Fences, TwoSessionsOfOneEpochAreTwo) {
  const auto [account, first] = player("test1");
  must(driver_->load_player(account, "sample", first));
  must(driver_->save_player(account, "sample", first, 1, "first", std::nullopt));
  const store::Fence lost = must(driver_->claim_session(account, claim()));
  must(driver_->load_player(account, "sample", lost));
  must(driver_->save_player(account, "sample", lost, 2, "lost", std::nullopt));
  go_back("test1", first);
  // Nobody has taken the player since: it is not the lost session's all the same.
  EXPECT_EQ(code_of(driver_->save_player(account, "sample", lost, 3, "lost", std::nullopt)),
            Errc::kFenced);
  EXPECT_TRUE(must(driver_->rewound(account, "sample", lost)));
  const store::Fence next = must(driver_->claim_session(account, claim()));
  EXPECT_EQ(next.epoch, lost.epoch);
  EXPECT_NE(next.owner, lost.owner);
  must(driver_->load_player(account, "sample", next));
  must(driver_->save_player(account, "sample", next, 9, "next", std::nullopt));
  // Not even a save that is older than what is there is taken for its own.
  for (const std::uint64_t version : {3u, 10u}) {
    const auto saved = driver_->save_player(account, "sample", lost, version, "lost", {});
    ASSERT_EQ(code_of(saved), Errc::kFenced) << version;
    EXPECT_NE(saved.error().message.find("gone back"), std::string::npos) << saved.error().message;
  }
  EXPECT_TRUE(must(driver_->rewound(account, "sample", lost)));
  EXPECT_EQ(code_of(driver_->load_player(account, "sample", lost)), Errc::kFenced);
  EXPECT_EQ(code_of(driver_->read_player(account, "sample", lost)), Errc::kFenced);
  EXPECT_EQ(must(driver_->read_player(account, "sample", next)).data, "next");
  EXPECT_FALSE(must(driver_->release_session(account, lost))) << "the mark is the other's";
  EXPECT_EQ(must(driver_->find_account("test1"))->session_gate, "gate1");
  EXPECT_TRUE(must(driver_->release_session(account, next)));
}

TEST_P(Fences, ALaterSessionOnAnotherServerFencesAll) {
  const auto [account, first] = player("test1");
  must(driver_->load_player(account, "sample", first));
  const store::Fence second = must(driver_->claim_session(account, claim()));
  must(driver_->load_player(account, "other", second));
  const auto saved = driver_->save_player(account, "sample", first, 1, "zombie", std::nullopt);
  EXPECT_EQ(code_of(saved), Errc::kFenced);
  EXPECT_FALSE(must(driver_->rewound(account, "sample", first))) << "it was simply replaced";
}

TEST_P(Fences, AnAccountThatIsBehindItsPlayerCatchesUp) {
  const auto [account, first] = player("test1");
  must(driver_->load_player(account, "sample", {first.epoch + 7, 77}));
  EXPECT_FALSE(must(driver_->catch_up_session(account, {first.epoch + 1, 1})));
  const store::Fence second = must(driver_->claim_session(account, claim()));
  EXPECT_EQ(code_of(driver_->load_player(account, "sample", second)), Errc::kFenced);
  EXPECT_FALSE(must(driver_->catch_up_session(account, first))) << "not the newest claim";
  EXPECT_TRUE(must(driver_->catch_up_session(account, second)));
  const store::Fence third = must(driver_->claim_session(account, claim()));
  EXPECT_EQ(third.epoch, first.epoch + 8);
  must(driver_->load_player(account, "sample", third));
}

TEST_P(Fences, APromotionRaisesEpochsAndEndsNoSession) {
  const auto [account, fence] = player("test1");
  must(driver_->load_player(account, "sample", fence));
  EXPECT_EQ(must(driver_->fix_up(store::Driver::Past::kPromoted)), 1u);
  must(driver_->save_player(account, "sample", fence, 1, "goes on", std::nullopt));
  EXPECT_EQ(must(driver_->find_account("test1"))->session_gate, "gate1");
  const store::Fence next = must(driver_->claim_session(account, claim()));
  EXPECT_GT(next.epoch, fence.epoch + 999'999);
  EXPECT_EQ(must(driver_->load_player(account, "sample", next)).data, "goes on");
}

TEST_P(Fences, ARestoreEndsEverythingFromBefore) {
  const auto [account, fence] = player("test1");
  must(driver_->load_player(account, "sample", fence));
  must(driver_->save_player(account, "sample", fence, 1, "kept", std::nullopt));
  must(driver_->beat({.id = 5, .process = "p"}));
  const store::Account before = *must(driver_->find_account("test1"));
  EXPECT_EQ(must(driver_->fix_up(store::Driver::Past::kRestored)), 1u);
  const store::Account after = *must(driver_->find_account("test1"));
  EXPECT_GT(after.ticket_generation, before.ticket_generation + 1'000);
  EXPECT_EQ(after.session_gate, "");
  EXPECT_TRUE(must(driver_->list_nodes()).empty());
  EXPECT_TRUE(must(driver_->list_online("", 10)).empty());
  EXPECT_EQ(code_of(driver_->save_player(account, "sample", fence, 2, "x", std::nullopt)),
            Errc::kFenced);
  const store::Fence next = must(driver_->claim_session(account, claim()));
  EXPECT_EQ(must(driver_->load_player(account, "sample", next)).data, "kept");
}

class Nodes : public StoreTest {
 protected:
  store::Fence online(const std::string& name, std::uint64_t node) {
    store::SessionClaim held = claim();
    held.node = node;
    return must(driver_->claim_session(must(driver_->create_account(name, "hash")).id, held));
  }
  std::set<std::string> names() {
    std::set<std::string> all;
    for (const store::OnlineSession& session : must(driver_->list_online("", 100)))
      all.insert(session.name);
    return all;
  }
};
GATEHOUSE_ON_BOTH_STORES(Nodes);

TEST_P(Nodes, ABeatSaysWhetherItWasKnown) {
  EXPECT_FALSE(must(driver_->beat({.id = 7, .process = "a b 1 2"})));
  EXPECT_TRUE(must(driver_->beat({.id = 7, .process = "a b 1 2"})));
  EXPECT_TRUE(must(connect()->beat({.id = 7, .process = "a b 1 2"})));
  const auto nodes = must(driver_->list_nodes());
  ASSERT_EQ(nodes.size(), 1u);
  EXPECT_EQ(nodes[0].id, 7u);
  EXPECT_EQ(nodes[0].process, "a b 1 2");
  EXPECT_LT(nodes[0].silent_s, 60);
  EXPECT_EQ(code_of(driver_->beat({.id = 0, .process = "x"})), Errc::kInvalid);
}

TEST_P(Nodes, WhatANodeLeavesIsClearedInPieces) {
  must(driver_->beat({.id = 1, .process = "one"}));
  must(driver_->beat({.id = 2, .process = "two"}));
  for (const char* name : {"a", "b", "c"}) online(name, 1);
  online("d", 2);
  online("e", 3);  // of nobody that is known
  EXPECT_EQ(names(), (std::set<std::string>{"a", "b", "c", "d", "e"}));
  EXPECT_EQ(must(driver_->clear_node(1, 2)), 2u);
  EXPECT_EQ(must(driver_->list_nodes()).size(), 2u) << "something is left of it";
  EXPECT_EQ(must(driver_->clear_node(1, 2)), 1u);
  EXPECT_EQ(names(), (std::set<std::string>{"d", "e"}));
  EXPECT_EQ(must(driver_->list_nodes()).size(), 1u);
  EXPECT_EQ(must(driver_->clear_node(0, 100)), 1u);
  EXPECT_EQ(names(), (std::set<std::string>{"d"}));
}

TEST_P(Nodes, WhoHoldsASessionMarksItAgain) {
  const store::Fence fence = online("a", 1);
  const AccountId account = must(driver_->find_account("a"))->id;
  EXPECT_EQ(must(driver_->clear_node(1, 100)), 1u);
  const store::HeldSession held{
      .account = account, .fence = fence, .gate = "gate1", .server = "sample", .subid = "1"};
  EXPECT_TRUE(must(driver_->mark_session(held, 1)));
  const auto sessions = must(driver_->list_online("", 100));
  ASSERT_EQ(sessions.size(), 1u);
  EXPECT_EQ(sessions[0].server, "sample");
  EXPECT_EQ(sessions[0].gate, "gate1");
  EXPECT_EQ(sessions[0].node, 1u);
  EXPECT_EQ(sessions[0].epoch, fence.epoch);
  must(driver_->claim_session(account, claim()));
  EXPECT_FALSE(must(driver_->mark_session(held, 1))) << "it is another's by now";
}

}  // namespace
}  // namespace gatehouse::drivers
