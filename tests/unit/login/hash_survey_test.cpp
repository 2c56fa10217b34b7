// HashSurvey: the floor of the answers covers formats that nobody has logged in with yet.
#include "login/hash_survey.hpp"

#include <gtest/gtest.h>

#include "login_fixture.hpp"
#include "test_world.hpp"

namespace gatehouse::login {
namespace {

constexpr crypto::Argon2Cost kSlowCost{.memory_kib = 4'096, .passes = 3, .lanes = 1};

class HashSurveyTest : public testing::Test {
 protected:
  void add(const std::string& name, const crypto::Argon2Cost& cost) {
    const auto hash = crypto::hash_password(test_world().random, Secret("x"), cost).value();
    ASSERT_TRUE(server_.driver()->create_account(name, hash).has_value());
  }
  bool idle() { return server_.store->queue_length() + server_.hash_pool->queue_length() == 0; }

  TestServer server_;
  admission::AnswerFloor floor_{60'000, server_.metrics};
};

TEST_F(HashSurveyTest, MeasuresTheSlowestFormatOfTheStore) {
  add("ann", kCheapCost);
  add("bob", kSlowCost);
  const std::uint64_t slow = crypto::estimate_verify_ns(kSlowCost);
  HashSurvey survey(test_world().clock, *server_.store, *server_.hash_pool, floor_, kCheapCost);
  EXPECT_EQ(floor_.floor_ns(), 0);
  survey.update(monotonic_ms());
  EXPECT_TRUE(eventually([&] { return floor_.floor_ns() > 0; }));
  EXPECT_FALSE(floor_.wants(slow)) << "it was measured";
}

TEST_F(HashSurveyTest, LooksAgainWhenItIsTimeTo) {
  HashSurvey survey(test_world().clock, *server_.store, *server_.hash_pool, floor_, kCheapCost);
  MonotonicMs now = monotonic_ms();
  survey.update(now);
  EXPECT_TRUE(eventually([&] { return idle(); }));
  add("bob", kSlowCost);
  // The pause begins when the page was read; from then on one look comes after another.
  EXPECT_TRUE(eventually([&] {
    survey.update(now += 1'000);
    return floor_.floor_ns() > 0;
  }));
}

TEST_F(HashSurveyTest, WaitsForItsJobs) {
  add("bob", kSlowCost);
  auto block = std::make_unique<PoolBlock>(*server_.hash_pool);
  auto survey = std::make_unique<HashSurvey>(test_world().clock, *server_.store, *server_.hash_pool,
                                             floor_, kCheapCost);
  survey->update(monotonic_ms());
  ASSERT_TRUE(eventually([&] { return server_.hash_pool->queue_length() > 0; }));
  block.reset();
  survey.reset();
  EXPECT_GT(floor_.floor_ns(), 0) << "what was begun has ended";
}

}  // namespace
}  // namespace gatehouse::login
