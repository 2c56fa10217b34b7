// How often the second factor of an account may be tried.
#include <atomic>
#include <random>
#include <vector>

#include "store_fixture.hpp"

namespace gatehouse::drivers {
namespace {

constexpr std::int64_t kNowS = 1'700'000'000;
constexpr std::int64_t kDayS = 86'400;
constexpr store::TotpBudget kBudget = store::TotpBudget::per_day(10);

class TotpTries : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    id_ = must(driver_->create_account("test1", "hash")).id;
  }
  // Of ten.
  int take_ten(std::int64_t now_s) {
    int taken = 0;
    for (int i = 0; i < 10; ++i) taken += must(driver_->take_totp_try(id_, kBudget, now_s)) ? 1 : 0;
    return taken;
  }

  AccountId id_;
};
GATEHOUSE_ON_BOTH_STORES(TotpTries);

TEST_P(TotpTries, HalfComesAtOnceAndTheRestInTheCourseOfTheDay) {
  EXPECT_EQ(take_ten(kNowS), 5);
  EXPECT_EQ(take_ten(kNowS + kBudget.cost_s - 1), 0);
  EXPECT_EQ(take_ten(kNowS + kBudget.cost_s), 1);
  EXPECT_EQ(take_ten(kNowS + 3 * kDayS), 5);
  EXPECT_FALSE(must(driver_->take_totp_try(AccountId{99}, kBudget, kNowS)));
}

TEST_P(TotpTries, OneThatIsGivenBackIsThereAgain) {
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(must(driver_->take_totp_try(id_, kBudget, kNowS)));
    must(driver_->give_totp_try(id_, kBudget));
  }
  EXPECT_EQ(take_ten(kNowS), 5);
  must(driver_->set_totp("test1", "c2VhbGVk"));
  EXPECT_EQ(take_ten(kNowS), 5) << "a new factor has all of them";
}

TEST_P(TotpTries, ManyAtOnceTakeNoMore) {
  std::atomic<int> taken = 0;
  in_parallel(6, [&](int) {
    const auto driver = connect();
    for (int i = 0; i < 4; ++i) taken += must(driver->take_totp_try(id_, kBudget, kNowS)) ? 1 : 0;
  });
  EXPECT_EQ(taken, 5);
}

TEST_P(TotpTries, AClockThatGoesBackKeepsNobodyOutForLong) {
  EXPECT_EQ(take_ten(kNowS), 5);
  EXPECT_EQ(take_ten(kNowS - 300 * kDayS), 0);
  EXPECT_EQ(take_ten(kNowS - 300 * kDayS + kBudget.cost_s), 1);
}

TEST_P(TotpTries, NoDayHasMoreHoweverTheyCome) {
  for (std::uint32_t seed = 1; seed <= 3; ++seed) {
    must(driver_->set_totp("test1", "c2VhbGVk"));
    std::mt19937 random(seed);
    std::vector<std::int64_t> wrong;
    std::int64_t now_s = kNowS;
    for (int i = 0; i < 300; ++i) {
      now_s += random() % 4 == 0 ? random() % (2 * kBudget.cost_s) : random() % 60;
      if (!must(driver_->take_totp_try(id_, kBudget, now_s))) continue;
      if (random() % 5 == 0) {
        must(driver_->give_totp_try(id_, kBudget));
      } else {
        wrong.push_back(now_s);
      }
    }
    for (std::size_t i = 10; i < wrong.size(); ++i)
      EXPECT_GE(wrong[i] - wrong[i - 10], kDayS) << "seed " << seed;
    EXPECT_GT(wrong.size(), 10u);
  }
}

TEST_P(TotpTries, HashesAreListedByAccount) {
  const AccountId second = must(driver_->create_account("test2", "{md5}x")).id;
  const auto page = must(driver_->list_password_hashes(AccountId{}, 1));
  ASSERT_EQ(page.size(), 1u);
  EXPECT_EQ(page[0].account, id_);
  EXPECT_EQ(page[0].hash, "hash");
  const auto rest = must(driver_->list_password_hashes(id_, 10));
  ASSERT_EQ(rest.size(), 1u);
  EXPECT_EQ(rest[0].account, second);
  EXPECT_EQ(rest[0].hash, "{md5}x");
  EXPECT_TRUE(must(driver_->list_password_hashes(second, 10)).empty());
}

}  // namespace
}  // namespace gatehouse::drivers
