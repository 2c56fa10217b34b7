// What lets an account in, as sessions and resume tickets are bound to it.
#include <gtest/gtest.h>

#include "store_fixture.hpp"

namespace gatehouse::drivers {
namespace {

const std::string kOldHash = "{sha1}a94a8fe5ccb19ba61c4c0873d391e987982fbbd3";
const std::string kNewHash =
    "$argon2id$v=19$m=1024,t=1,p=1$c2FsdHNhbHQ$MDEyMzQ1Njc4OWFiY2RlZmdoaWo";

class CredentialsTest : public StoreTest {
 protected:
  store::Account find() { return *must(driver_->find_account("test1")); }
  // A session of the account as it is now.
  store::Fence claim_session_of(const store::Account& account) {
    store::SessionClaim made = claim();
    made.credentials = credentials_of(account);
    made.family = 7;
    return must(driver_->claim_session(account.id, made));
  }
  bool stale() { return !must(driver_->list_stale_online(AccountId{}, 10)).empty(); }
};

TEST_P(CredentialsTest, SessionIsStaleOnceTheyAreOthers) {
  const store::Account account = must(driver_->create_account("test1", kOldHash));
  const auto changes = {
      +[](store::Driver& d, AccountId id) { return d.set_password_hash(id, kNewHash); },
      +[](store::Driver& d, AccountId) { return d.set_totp("test1", "c2VhbGVk"); },
      +[](store::Driver& d, AccountId) { return d.set_totp("test1", ""); },
      +[](store::Driver& d, AccountId) { return d.revoke_tickets("test1"); },
      +[](store::Driver& d, AccountId) { return d.set_ban("test1", true, 0, ""); }};
  store::Fence fence;
  for (const auto& change : changes) {
    const store::Credentials before = credentials_of(find());
    fence = claim_session_of(find());
    EXPECT_FALSE(stale());
    must(change(*driver_, account.id));
    EXPECT_TRUE(stale());
    EXPECT_NE(credentials_of(find()), before);
  }
  const auto listed = must(driver_->list_stale_online(AccountId{}, 10));
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed[0].name, "test1");
  EXPECT_EQ(listed[0].epoch, find().session_epoch);
  EXPECT_TRUE(must(driver_->list_stale_online(account.id, 10)).empty());
  must(driver_->release_session(account.id, fence));
  EXPECT_FALSE(stale());
}

TEST_P(CredentialsTest, HashComputedAnewIsTheSamePassword) {
  must(driver_->create_account("test1", kOldHash));
  const store::Account before = find();
  claim_session_of(before);
  for (const std::string& hash : {kNewHash, kNewHash + "A", kNewHash + "B"}) {
    const store::Account now = find();
    ASSERT_TRUE(must(
        driver_->replace_password_hash(now.id, now.password_hash, hash, origin_of(now, hash))));
    EXPECT_EQ(credentials_of(find()), credentials_of(before));
    EXPECT_FALSE(stale());
  }
  const store::Account now = find();
  ASSERT_TRUE(must(driver_->replace_password_hash(now.id, now.password_hash, kNewHash)));
  EXPECT_TRUE(stale());
}

TEST_P(CredentialsTest, SessionOfUnknownOriginIsLeftAlone) {
  const auto [account, epoch] = player("test1");
  must(driver_->revoke_tickets("test1"));
  EXPECT_FALSE(stale());
}

TEST_P(CredentialsTest, FamilyGoesOnFromItsNewestTicketOnly) {
  const AccountId id = must(driver_->create_account("test1", kOldHash)).id;
  EXPECT_FALSE(must(driver_->find_ticket_family(id, 5)));
  EXPECT_FALSE(must(driver_->advance_ticket_family(id, 5, 1, "192.0.2.1")));
  EXPECT_TRUE(must(driver_->begin_ticket_family(id, {5, 1'000, 4'102'444'800, "192.0.2.1"}, 9)));
  EXPECT_FALSE(must(driver_->begin_ticket_family(id, {5, 1'000, 4'102'444'800, "192.0.2.9"}, 9)));
  EXPECT_TRUE(must(driver_->advance_ticket_family(id, 5, 1, "192.0.2.2")));
  EXPECT_FALSE(must(driver_->advance_ticket_family(id, 5, 1, "192.0.2.3")));
  const auto family = must(driver_->find_ticket_family(id, 5));
  ASSERT_TRUE(family);
  EXPECT_EQ(family->sequence, 2u);
  EXPECT_EQ(family->address, "192.0.2.2");
  EXPECT_LT(family->age_s, 600);
  EXPECT_FALSE(family->ended);
  EXPECT_EQ(must(driver_->trim_ticket_families(4'102'444'800, 10)), 0u);
  EXPECT_EQ(must(driver_->trim_ticket_families(4'102'444'801, 10)), 1u);
}

TEST_P(CredentialsTest, EndOfAFamilyEndsItsSession) {
  const store::Account account = must(driver_->create_account("test1", kOldHash));
  claim_session_of(account);
  must(driver_->begin_ticket_family(account.id, {7, 1'000, 4'102'444'800, "192.0.2.1"}, 9));
  must(driver_->end_ticket_family(account.id, 8));
  EXPECT_FALSE(stale());
  must(driver_->end_ticket_family(account.id, 7));
  EXPECT_TRUE(stale());
  EXPECT_TRUE(must(driver_->find_ticket_family(account.id, 7))->ended);
  EXPECT_FALSE(must(driver_->advance_ticket_family(account.id, 7, 1, "192.0.2.1")));
  claim_session_of(find());
  EXPECT_FALSE(stale()) << "a later session is another";
}

TEST_P(CredentialsTest, OldestFamiliesMakeRoom) {
  const AccountId id = must(driver_->create_account("test1", kOldHash)).id;
  for (std::uint64_t n = 1; n <= 3; ++n) {
    const auto at_s = static_cast<std::int64_t>(n * 1'000);
    must(driver_->begin_ticket_family(id, {n, at_s, 4'102'444'800, "192.0.2.1"}, 2));
  }
  EXPECT_FALSE(must(driver_->find_ticket_family(id, 1)));
  EXPECT_TRUE(must(driver_->find_ticket_family(id, 2)));
  EXPECT_TRUE(must(driver_->find_ticket_family(id, 3)));
  EXPECT_EQ(find().tickets_after_s, 1'000);
  must(driver_->delete_account("test1"));
  EXPECT_FALSE(must(driver_->find_ticket_family(id, 3)));
}

INSTANTIATE_TEST_SUITE_P(Store, CredentialsTest, testing::Values(Kind::kSqlite, Kind::kMysql),
                         kind_name);

}  // namespace
}  // namespace gatehouse::drivers
