// Whom a game server lets in, and the account of a user whom somebody else has vouched for.
#include "login/accounts.hpp"

#include <gtest/gtest.h>

#include <memory>

#include "drivers/open.hpp"
#include "store/new_account.hpp"
#include "temp_folder.hpp"
#include "test_world.hpp"

namespace gatehouse::login {
namespace {

constexpr std::int64_t kNow = 1'700'000'000;

TEST(ServerDoorTest, LetsInByItsState) {
  EXPECT_FALSE(ServerDoor{}.refusal(false));
  const ServerDoor maintenance{store::ServerState::kMaintenance, 0};
  ASSERT_TRUE(maintenance.refusal(false));
  EXPECT_EQ(maintenance.refusal(false)->reason, kMaintenance.reason);
  EXPECT_FALSE(maintenance.refusal(true));
  const ServerDoor closed{store::ServerState::kClosed, 0};
  ASSERT_TRUE(closed.refusal(true)) << "to nobody";
  EXPECT_EQ(closed.refusal(true)->reason, kServerClosed.reason);
}

TEST(RefusalOfAccountTest, ABanComesBeforeTheDoor) {
  store::Account account;
  const ServerDoor maintenance{store::ServerState::kMaintenance, 0};
  EXPECT_FALSE(refusal_of(account, {}, false, kNow));
  EXPECT_EQ(refusal_of(account, maintenance, false, kNow)->reason, kMaintenance.reason);
  EXPECT_FALSE(refusal_of(account, maintenance, true, kNow));
  account.staff = true;
  EXPECT_FALSE(refusal_of(account, maintenance, false, kNow));
  account.status = store::AccountStatus::kBanned;
  EXPECT_EQ(refusal_of(account, maintenance, true, kNow)->reason, kBanned.reason);
  account.banned_until_s = kNow;
  EXPECT_FALSE(refusal_of(account, {}, false, kNow)) << "the ban is over";
  account.status = store::AccountStatus::kClosed;
  EXPECT_EQ(refusal_of(account, {}, true, kNow)->reason, kAccountClosed.reason);
}

class FindOrCreateTest : public testing::Test {
 protected:
  FindOrCreateTest() {
    store::Options options;
    options.sqlite.path = folder_ / "accounts.db";
    options.migrations_dir = GATEHOUSE_SOURCE_DIR "/sql";
    driver_ = drivers::open(test_world(), options).value();
    EXPECT_TRUE(driver_->migrate().has_value());
  }
  void set_server(store::ServerState state, std::uint32_t capacity = 0) {
    store::GameServer server;
    server.name = "sample";
    server.state = state;
    server.capacity = capacity;
    ASSERT_TRUE(driver_->upsert_game_server(server).has_value());
  }
  tl::expected<Adopted, Refusal> adopt(std::string_view name, bool trusted = false) {
    return find_or_create(*driver_, {name, "sample", trusted}, NewNames::kStrict, kNow).value();
  }

  test::TempFolder folder_;
  std::unique_ptr<store::Driver> driver_;
};

TEST_F(FindOrCreateTest, MakesAnAccountOnceThatNoPasswordOpens) {
  set_server(store::ServerState::kOpen, 7);
  const auto made = adopt("ann");
  ASSERT_TRUE(made.has_value());
  EXPECT_EQ(made->account.name, "ann");
  EXPECT_EQ(made->account.password_hash, store::kUnusableHash);
  EXPECT_EQ(made->door.capacity, 7u);
  const auto found = adopt("ann");
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->account.id, made->account.id);
}

TEST_F(FindOrCreateTest, MakesNobodyForAServerThatLetsNobodyIn) {
  set_server(store::ServerState::kMaintenance);
  EXPECT_EQ(adopt("ann").error().reason, kMaintenance.reason);
  EXPECT_FALSE(driver_->find_account("ann").value().has_value());
  EXPECT_TRUE(adopt("ann", true).has_value()) << "who comes from an allowed network is one";
  set_server(store::ServerState::kClosed);
  EXPECT_EQ(adopt("ann", true).error().reason, kServerClosed.reason);
  EXPECT_EQ(adopt("bob", true).error().reason, kServerClosed.reason);
  EXPECT_FALSE(driver_->find_account("bob").value().has_value());
}

TEST_F(FindOrCreateTest, LetsInNobodyWhoIsBanned) {
  ASSERT_TRUE(adopt("ann").has_value());
  ASSERT_TRUE(driver_->set_ban("ann", true, 0, "cheats", "").has_value());
  EXPECT_EQ(adopt("ann").error().reason, kBanned.reason);
}

TEST_F(FindOrCreateTest, NamesThatNoAccountMayHaveAreAnError) {
  const auto refused =
      find_or_create(*driver_, {"p\xd0\xb0ul", "sample", false}, NewNames::kStrict, kNow);
  ASSERT_FALSE(refused.has_value()) << "Latin and Cyrillic in one name";
  EXPECT_EQ(refused.error().code, Errc::kInvalid);
}

}  // namespace
}  // namespace gatehouse::login
