#include <algorithm>
#include <atomic>

#include "store_fixture.hpp"

namespace gatehouse::drivers {
namespace {

class Admission : public StoreTest {
 protected:
  store::Account find(const std::string& name) {
    auto account = must(driver_->find_account(name));
    if (!account) throw std::runtime_error("no account " + name);
    return std::move(*account);
  }
};
GATEHOUSE_ON_BOTH_STORES(Admission);

TEST_P(Admission, NewAccountsAreNoStaffAndHaveNoSecondFactor) {
  const store::Account made = must(driver_->create_account("test1", "hash"));
  for (const store::Account& account : {made, find("test1")}) {
    EXPECT_FALSE(account.staff);
    EXPECT_EQ(account.ticket_generation, 0u);
    EXPECT_EQ(account.totp_secret, "");
    EXPECT_EQ(account.totp_step, 0u);
  }
}

TEST_P(Admission, HashIsReplacedOnlyWhenItIsTheOldOne) {
  const AccountId id = must(driver_->create_account("test1", "old")).id;
  EXPECT_FALSE(must(driver_->replace_password_hash(id, "other", "new")));
  EXPECT_FALSE(must(driver_->replace_password_hash(id, "old ", "new")));
  EXPECT_FALSE(must(driver_->replace_password_hash(id, "OLD", "new")));
  EXPECT_EQ(find("test1").password_hash, "old");
  EXPECT_TRUE(must(driver_->replace_password_hash(id, "old", "new")));
  EXPECT_EQ(find("test1").password_hash, "new");
  EXPECT_FALSE(must(driver_->replace_password_hash(id, "old", "newer")));
  EXPECT_FALSE(must(driver_->replace_password_hash(AccountId{99}, "new", "newer")));
  EXPECT_EQ(code_of(driver_->replace_password_hash(id, "new", "\xc3\xa9")), Errc::kInvalid);
}

TEST_P(Admission, BansAndRevocationsRaiseTheTicketGeneration) {
  must(driver_->create_account("test1", "hash"));
  must(driver_->create_account("test2", "hash"));
  must(driver_->revoke_tickets("test1"));
  EXPECT_EQ(find("test1").ticket_generation, 1u);
  must(driver_->set_ban("test1", true, 0, "cheating"));
  EXPECT_EQ(find("test1").ticket_generation, 2u);
  must(driver_->set_ban("test1", false, 0, ""));
  EXPECT_EQ(find("test1").ticket_generation, 2u);
  EXPECT_EQ(find("test2").ticket_generation, 0u);
  EXPECT_EQ(code_of(driver_->revoke_tickets("nobody")), Errc::kNotFound);
}

TEST_P(Admission, StepOfACodeIsUsedOnce) {
  const AccountId id = must(driver_->create_account("test1", "hash")).id;
  must(driver_->set_totp("test1", "c2VhbGVk"));
  EXPECT_EQ(find("test1").totp_secret, "c2VhbGVk");
  EXPECT_TRUE(must(driver_->use_totp_step(id, 59'000'000)));
  EXPECT_FALSE(must(driver_->use_totp_step(id, 59'000'000)));
  EXPECT_FALSE(must(driver_->use_totp_step(id, 58'999'999)));
  EXPECT_TRUE(must(driver_->use_totp_step(id, 59'000'001)));
  EXPECT_EQ(find("test1").totp_step, 59'000'001u);
  EXPECT_FALSE(must(driver_->use_totp_step(AccountId{99}, 1)));
  must(driver_->set_totp("test1", ""));
  EXPECT_EQ(find("test1").totp_secret, "");
  EXPECT_EQ(find("test1").totp_step, 0u);
  EXPECT_EQ(code_of(driver_->set_totp("nobody", "x")), Errc::kNotFound);
  EXPECT_EQ(code_of(driver_->set_totp("test1", std::string(256, 'x'))), Errc::kInvalid);
}

TEST_P(Admission, OneOfManyGetsAStep) {
  const AccountId id = must(driver_->create_account("test1", "hash")).id;
  std::atomic<int> used = 0;
  in_parallel(6, [&](int) { used += must(connect()->use_totp_step(id, 7)) ? 1 : 0; });
  EXPECT_EQ(used, 1);
}

TEST_P(Admission, StaffIsSetAndTaken) {
  must(driver_->create_account("test1", "hash"));
  must(driver_->set_staff("test1", true));
  must(driver_->set_staff("test1", true));
  EXPECT_TRUE(find("test1").staff);
  must(driver_->set_staff("test1", false));
  EXPECT_FALSE(find("test1").staff);
  EXPECT_EQ(code_of(driver_->set_staff("nobody", true)), Errc::kNotFound);
}

TEST_P(Admission, DeletedAccountTakesItsPlayersAlong) {
  const auto [id, epoch] = player("test1");
  const auto [other, other_epoch] = player("test2");
  for (const char* server : {"sample", "other"}) {
    must(driver_->load_player(id, server, epoch));
    must(driver_->save_player(id, server, epoch, 1, "data", std::nullopt));
  }
  must(driver_->load_player(other, "sample", other_epoch));
  must(driver_->delete_account("test1"));
  EXPECT_FALSE(must(driver_->find_account("test1")));
  EXPECT_EQ(code_of(driver_->delete_account("test1")), Errc::kNotFound);
  EXPECT_EQ(code_of(driver_->save_player(id, "sample", epoch, 2, "x", {})), Errc::kFenced);
  EXPECT_EQ(code_of(driver_->claim_session(id, claim())), Errc::kNotFound);
  must(driver_->save_player(other, "sample", other_epoch, 1, "kept", {}));
  // A new account of that name is another one.
  EXPECT_NE(must(driver_->create_account("test1", "hash")).id, id);
}

TEST_P(Admission, ManyAccountsAreMadeAtOnce) {
  constexpr std::size_t kCount = 1'000;
  must(driver_->create_account("cocos7", "kept"));
  std::vector<store::NewAccount> accounts;
  for (std::size_t i = 0; i < kCount; ++i)
    accounts.push_back({"cocos" + std::to_string(i), "hash" + std::to_string(i)});
  accounts.push_back({"cocos8", "a second one"});
  const auto made = must(driver_->create_accounts(accounts));
  ASSERT_EQ(made.size(), accounts.size());
  for (std::size_t i = 0; i < kCount; ++i) EXPECT_EQ(made[i], i != 7) << i;
  EXPECT_FALSE(made.back());
  EXPECT_EQ(find("cocos7").password_hash, "kept");
  EXPECT_EQ(find("cocos8").password_hash, "hash8");
  EXPECT_EQ(find("cocos999").password_hash, "hash999");
  EXPECT_EQ(must(driver_->list_accounts("", 2'000)).size(), kCount);
  EXPECT_TRUE(must(driver_->create_accounts({})).empty());
}

TEST_P(Admission, NewAccountsKeepWhatAnImportSays) {
  constexpr std::int64_t kUntil = 1'893'456'000;
  std::vector<store::NewAccount> accounts;
  accounts.push_back(
      {"test1", "hash", store::AccountStatus::kBanned, kUntil, "cheating 严", true, "c2VhbA"});
  accounts.push_back({"test2", "hash", store::AccountStatus::kBanned});
  accounts.push_back({"test3", "hash", store::AccountStatus::kClosed, kUntil, "no ban"});
  accounts.push_back({"test4", "hash"});
  ASSERT_EQ(must(driver_->create_accounts(accounts)), std::vector<bool>(4, true));
  const store::Account banned = find("test1");
  EXPECT_EQ(banned.status, store::AccountStatus::kBanned);
  EXPECT_EQ(banned.banned_until_s, kUntil);
  EXPECT_EQ(banned.ban_reason, "cheating 严");
  EXPECT_TRUE(banned.staff);
  EXPECT_EQ(banned.totp_secret, "c2VhbA");
  EXPECT_TRUE(banned_at(find("test2"), kUntil)) << "for ever";
  EXPECT_EQ(find("test3").status, store::AccountStatus::kClosed);
  EXPECT_EQ(find("test3").banned_until_s, 0);
  EXPECT_EQ(find("test3").ban_reason, "");
  EXPECT_EQ(find("test4").status, store::AccountStatus::kActive);
  EXPECT_FALSE(find("test4").staff);

  for (store::NewAccount bad : accounts) {
    bad.name = "test5";
    const auto refused = [&] { return code_of(driver_->create_accounts({&bad, 1})); };
    bad.ban_reason = "no UTF-8: \xff";
    EXPECT_EQ(refused(), Errc::kInvalid);
    bad.ban_reason = std::string(256, 'x');
    EXPECT_EQ(refused(), Errc::kInvalid);
    bad.ban_reason.clear();
    bad.totp_secret = "\xe4\xb8\xa5";
    EXPECT_EQ(refused(), Errc::kInvalid);
    bad.totp_secret.clear();
    bad.banned_until_s = -1;
    EXPECT_EQ(refused(), Errc::kInvalid);
  }
  EXPECT_FALSE(must(driver_->find_account("test5")));
}

TEST_P(Admission, OneBadAccountMakesNone) {
  const std::vector<store::NewAccount> accounts = {{"good", "hash"}, {"bad\xff", "hash"}};
  EXPECT_EQ(code_of(driver_->create_accounts(accounts)), Errc::kInvalid);
  EXPECT_FALSE(must(driver_->find_account("good")));
}

TEST_P(Admission, BulkWritesWorkInsideAGroup) {
  std::vector<store::NewAccount> accounts(200, {"same", "hash"});
  accounts.push_back({"test2", "hash"});
  driver_->begin_group();
  must(driver_->create_account("test1", "hash"));
  const auto made = must(driver_->create_accounts(accounts));
  must(driver_->delete_account("test2"));
  EXPECT_EQ(code_of(driver_->delete_account("nobody")), Errc::kNotFound);
  must(driver_->end_group());
  EXPECT_EQ(std::count(made.begin(), made.end(), true), 2);
  EXPECT_TRUE(must(connect()->find_account("test1")));
  EXPECT_TRUE(must(connect()->find_account("same")));
  EXPECT_FALSE(must(connect()->find_account("test2")));
}

TEST_P(Admission, BarredAccountsThatAreOnlineAreListed) {
  constexpr std::int64_t kNow = 1'893'456'000;
  for (const char* name : {"fine", "for ever", "banned", "over", "closed"}) player(name);
  must(driver_->create_account("offline", "hash"));
  must(driver_->set_ban("for ever", true, 0, ""));
  must(driver_->set_ban("banned", true, kNow + 1, ""));
  must(driver_->set_ban("over", true, kNow, ""));
  must(driver_->set_ban("offline", true, 0, ""));
  change("UPDATE account SET status = 'closed' WHERE name = 'closed';");
  std::vector<std::string> names;
  for (const store::Account& account : must(driver_->list_barred_online(kNow))) {
    EXPECT_EQ(account.session_gate, "gate1");
    names.push_back(account.name);
  }
  std::sort(names.begin(), names.end());
  EXPECT_EQ(names, (std::vector<std::string>{"banned", "closed", "for ever"}));
}

}  // namespace
}  // namespace gatehouse::drivers
