#include <algorithm>
#include <atomic>
#include <set>

#include "store_fixture.hpp"
#include "test_world.hpp"

namespace gatehouse::drivers {
namespace {

class Sessions : public StoreTest {};
GATEHOUSE_ON_BOTH_STORES(Sessions);

TEST_P(Sessions, ClaimRaisesTheEpochAndTellsWhoHoldsIt) {
  const store::Account account = must(driver_->create_account("test1", "hash"));
  EXPECT_EQ(must(driver_->claim_session(account.id, claim())).epoch, 1u);
  store::Account after = *must(driver_->find_account("test1"));
  EXPECT_EQ(after.session_epoch, 1u);
  EXPECT_EQ(after.session_gate, "gate1");
  EXPECT_EQ(after.session_server, "sample");
  EXPECT_EQ(after.session_subid, "1");
  EXPECT_EQ(after.last_login_addr, "127.0.0.1");
  EXPECT_NEAR(static_cast<double>(after.last_login_at_s), static_cast<double>(wall_ms() / 1000), 5);

  store::SessionClaim second = claim();
  second.subid = std::string("sub\0\xff", 5);
  EXPECT_EQ(must(driver_->claim_session(account.id, second)).epoch, 2u);
  EXPECT_EQ(must(driver_->find_account("test1"))->session_subid, second.subid);
}

TEST_P(Sessions, ClaimRefusesWhatCannotBe) {
  EXPECT_EQ(code_of(driver_->claim_session(AccountId{77}, claim())), Errc::kNotFound);
  const store::Account account = must(driver_->create_account("test1", "hash"));
  for (const auto& [gate, server] :
       std::vector<std::pair<std::string, std::string>>{{"", "sample"},
                                                        {"\xff", "sample"},
                                                        {std::string(65, 'g'), "sample"},
                                                        {"g", ""},
                                                        {"g", "sample "},
                                                        {"g", "a\nb"}}) {
    store::SessionClaim bad = claim();
    bad.gate = gate;
    bad.server = server;
    EXPECT_EQ(code_of(driver_->claim_session(account.id, bad)), Errc::kInvalid);
  }
  EXPECT_EQ(must(driver_->find_account("test1"))->session_epoch, 0u);
}

TEST_P(Sessions, EpochsOfEightThreadsAreDistinctAndRise) {
  constexpr int kThreads = 8;
  constexpr int kClaims = 20;
  const store::Account account = must(driver_->create_account("test1", "hash"));
  std::vector<std::vector<std::uint64_t>> epochs(kThreads);
  in_parallel(kThreads, [&](int thread) {
    auto driver = connect();
    for (int i = 0; i < kClaims; ++i)
      epochs[static_cast<std::size_t>(thread)].push_back(
          must(driver->claim_session(account.id, claim())).epoch);
  });
  std::set<std::uint64_t> all;
  for (const auto& mine : epochs) {
    EXPECT_TRUE(std::is_sorted(mine.begin(), mine.end()));
    all.insert(mine.begin(), mine.end());
  }
  EXPECT_EQ(all.size(), std::size_t{kThreads * kClaims});
  EXPECT_EQ(*all.rbegin(), std::uint64_t{kThreads * kClaims});
  EXPECT_EQ(must(driver_->find_account("test1"))->session_epoch, *all.rbegin());
}

TEST_P(Sessions, OnlyTheHolderReleases) {
  const auto [account, first] = player("test1");
  const store::Fence second = must(driver_->claim_session(account, claim()));
  EXPECT_FALSE(must(driver_->release_session(account, first)));
  EXPECT_EQ(must(driver_->find_account("test1"))->session_gate, "gate1");
  EXPECT_TRUE(must(driver_->release_session(account, second)));
  const store::Account after = *must(driver_->find_account("test1"));
  EXPECT_EQ(after.session_gate, "");
  EXPECT_EQ(after.session_subid, "");
  EXPECT_EQ(after.session_epoch, second.epoch);
  EXPECT_GT(must(driver_->claim_session(account, claim())).epoch, second.epoch);
}

// A claim that is repeated because its answer was lost.
TEST_P(Sessions, TheSameClaimAgainChangesNothing) {
  const AccountId account = must(driver_->create_account("test1", "hash")).id;
  std::vector<store::SessionClaim> claims(5, claim());
  for (std::size_t i = 0; i < claims.size(); ++i)
    claims[i].id = std::string(store::kClaimIdBytes - 1, '\0') + static_cast<char>('a' + i);
  EXPECT_EQ(must(driver_->claim_session(account, claims[0])).epoch, 1u);
  EXPECT_EQ(must(driver_->claim_session(account, claims[0])).epoch, 1u);
  EXPECT_EQ(must(driver_->claim_session(account, claims[1])).epoch, 2u);
  // It was applied, and the later claim is the session's holder all the same.
  claims[0].gate = "late";
  EXPECT_EQ(must(connect()->claim_session(account, claims[0])).epoch, 1u);
  EXPECT_EQ(must(driver_->find_account("test1"))->session_epoch, 2u);
  EXPECT_EQ(must(driver_->find_account("test1"))->session_gate, "gate1");
  EXPECT_EQ(must(driver_->claim_session(account, claims[2])).epoch, 3u);
  EXPECT_EQ(must(driver_->claim_session(account, claims[3])).epoch, 4u);
  EXPECT_EQ(must(driver_->claim_session(account, claims[0])).epoch, 1u);
  EXPECT_EQ(must(driver_->claim_session(account, claims[4])).epoch, 5u);
  EXPECT_EQ(must(driver_->claim_session(account, claims[1])).epoch, 2u);
  EXPECT_EQ(must(driver_->find_account("test1"))->session_epoch, 5u);
  claims[0].id = "too short";
  EXPECT_EQ(code_of(driver_->claim_session(account, claims[0])), Errc::kInvalid);
}

class Players : public StoreTest {};
GATEHOUSE_ON_BOTH_STORES(Players);

TEST_P(Players, NewPlayerHasNoData) {
  const auto [account, fence] = player("test1");
  const store::PlayerData player = must(driver_->load_player(account, "sample", fence));
  EXPECT_FALSE(player.has_data);
  EXPECT_EQ(player.data, "");
  EXPECT_EQ(player.version, 0u);
  EXPECT_EQ(player.replies, "");
}

TEST_P(Players, SavedDataIsLoadedByTheNextSession) {
  const auto [account, first] = player("test1");
  must(driver_->load_player(account, "sample", first));
  must(driver_->save_player(account, "sample", first, 1, "gold=1", "replies 1"));
  must(driver_->save_player(account, "sample", first, 2, "gold=2", std::nullopt));
  must(driver_->save_player(account, "sample", first, 3, "gold=2", std::nullopt));  // equal data

  const store::Fence second = must(driver_->claim_session(account, claim()));
  const store::PlayerData player = must(connect()->load_player(account, "sample", second));
  EXPECT_TRUE(player.has_data);
  EXPECT_EQ(player.data, "gold=2");
  EXPECT_EQ(player.version, 3u);
  EXPECT_EQ(player.replies, "replies 1");
}

TEST_P(Players, ASaveNeverOverwritesALaterOne) {
  const auto [account, fence] = player("test1");
  must(driver_->load_player(account, "sample", fence));
  must(driver_->save_player(account, "sample", fence, 2, "second", "replies 2"));
  must(connect()->save_player(account, "sample", fence, 1, "first", "replies 1"));
  must(driver_->save_player(account, "sample", fence, 2, "second again", std::nullopt));
  store::PlayerData player = must(driver_->load_player(account, "sample", fence));
  EXPECT_EQ(player.data, "second");
  EXPECT_EQ(player.replies, "replies 2");
  EXPECT_EQ(player.version, 2u);
  must(driver_->save_player(account, "sample", fence, 9, "ninth", std::nullopt));
  player = must(driver_->load_player(account, "sample", fence));
  EXPECT_EQ(player.data, "ninth");
  EXPECT_EQ(player.version, 9u);
  EXPECT_EQ(code_of(driver_->save_player(account, "sample", fence, 0, "x", std::nullopt)),
            Errc::kInvalid);
  const store::Fence next = must(driver_->claim_session(account, claim()));
  must(driver_->load_player(account, "sample", next));
  EXPECT_EQ(code_of(driver_->save_player(account, "sample", fence, 9, "ninth", std::nullopt)),
            Errc::kFenced);
}

TEST_P(Players, EmptyDataIsData) {
  const auto [account, fence] = player("test1");
  must(driver_->load_player(account, "sample", fence));
  must(driver_->save_player(account, "sample", fence, 1, std::string_view(), ""));
  EXPECT_TRUE(must(driver_->load_player(account, "sample", fence)).has_data);
}

TEST_P(Players, ServersAndAccountsHaveDataOfTheirOwn) {
  const auto [a, fence_a] = player("a");
  const auto [b, fence_b] = player("b");
  for (const auto& [account, fence] : {std::pair{a, fence_a}, std::pair{b, fence_b}})
    for (const char* server : {"sample", "Sample", "严"}) {
      must(driver_->load_player(account, server, fence));
      must(driver_->save_player(account, server, fence, 1, server + std::to_string(account.value),
                                std::nullopt));
    }
  for (const auto& [account, fence] : {std::pair{a, fence_a}, std::pair{b, fence_b}})
    for (const char* server : {"sample", "Sample", "严"})
      EXPECT_EQ(must(driver_->load_player(account, server, fence)).data,
                server + std::to_string(account.value));
}

TEST_P(Players, ReplacedSessionCanNeitherSaveNorLoad) {
  const auto [account, old_fence] = player("test1");
  must(driver_->load_player(account, "sample", old_fence));
  must(driver_->save_player(account, "sample", old_fence, 1, "old", std::nullopt));
  const store::Fence new_fence = must(driver_->claim_session(account, claim()));
  // Until the new session has loaded, the old one may still save what it has.
  must(driver_->save_player(account, "sample", old_fence, 2, "last words", std::nullopt));

  auto other_gate = connect();
  EXPECT_EQ(must(other_gate->load_player(account, "sample", new_fence)).data, "last words");
  EXPECT_EQ(code_of(driver_->save_player(account, "sample", old_fence, 3, "evil", "evil")),
            Errc::kFenced);
  EXPECT_EQ(code_of(driver_->load_player(account, "sample", old_fence)), Errc::kFenced);
  must(other_gate->save_player(account, "sample", new_fence, 3, "new", std::nullopt));
  const store::PlayerData player = must(other_gate->load_player(account, "sample", new_fence));
  EXPECT_EQ(player.data, "new");
  EXPECT_EQ(player.replies, "");
}

TEST_P(Players, NothingIsSavedWithoutALoad) {
  const auto [account, fence] = player("test1");
  EXPECT_EQ(code_of(driver_->save_player(account, "sample", fence, 1, "x", std::nullopt)),
            Errc::kFenced);
  EXPECT_EQ(code_of(driver_->load_player(AccountId{4711}, "sample", {1, 1})), Errc::kNotFound);
  EXPECT_EQ(code_of(driver_->load_player(account, "bad ", fence)), Errc::kInvalid);
}

TEST_P(Players, BigAndBinaryDataComesBackAsItWas) {
  const auto [account, fence] = player("test1");
  must(driver_->load_player(account, "sample", fence));
  std::string all_bytes;
  for (int i = 0; i < 1024; ++i) all_bytes += static_cast<char>(i);
  std::string big;
  while (big.size() < (1u << 20)) big += all_bytes;
  must(driver_->save_player(account, "sample", fence, 1, big, all_bytes));
  store::PlayerData player = must(driver_->load_player(account, "sample", fence));
  EXPECT_TRUE(player.data == big);
  EXPECT_TRUE(player.replies == all_bytes);

  const std::string largest(store::kPlayerDataBytesMax, '\0');
  const std::string largest_replies(store::kPlayerRepliesBytesMax, '\x80');
  must(driver_->save_player(account, "sample", fence, 2, largest, largest_replies));
  player = must(driver_->load_player(account, "sample", fence));
  EXPECT_TRUE(player.data == largest);
  EXPECT_TRUE(player.replies == largest_replies);
  EXPECT_EQ(code_of(driver_->save_player(account, "sample", fence, 3, largest + "x", std::nullopt)),
            Errc::kTooBig);
  EXPECT_EQ(code_of(driver_->save_player(account, "sample", fence, 3, "", largest_replies + "x")),
            Errc::kTooBig);
}

// Two gates fight for a player: whatever the order, the data is that of the highest epoch that
// loaded, and every save that was taken was seen by the next load.
TEST_P(Players, NoSaveIsLostBetweenFightingGates) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 15;
  const AccountId account = must(driver_->create_account("test1", "hash")).id;
  std::atomic<int> saves = 0;
  in_parallel(kThreads, [&](int) {
    auto driver = connect();
    for (int round = 0; round < kRounds; ++round) {
      const store::Fence fence = must(driver->claim_session(account, claim()));
      auto loaded = driver->load_player(account, "sample", fence);
      if (!loaded) {
        EXPECT_EQ(loaded.error().code, Errc::kFenced) << loaded.error().message;
        continue;
      }
      const int count = loaded->has_data ? std::stoi(loaded->data) : 0;
      auto saved = driver->save_player(account, "sample", fence, loaded->version + 1,
                                       std::to_string(count + 1), std::nullopt);
      if (saved)
        ++saves;
      else
        EXPECT_EQ(saved.error().code, Errc::kFenced) << saved.error().message;
    }
  });
  const store::Fence fence = must(driver_->claim_session(account, claim()));
  const store::PlayerData player = must(driver_->load_player(account, "sample", fence));
  EXPECT_GE(saves, 1);
  EXPECT_EQ(player.data, std::to_string(saves));
  EXPECT_EQ(player.version, static_cast<std::uint64_t>(saves));
}

}  // namespace
}  // namespace gatehouse::drivers
