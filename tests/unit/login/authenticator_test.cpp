// The password check alone, and the set of logins in progress.
#include "admission/in_progress.hpp"
#include "login_fixture.hpp"
#include "test_world.hpp"

namespace gatehouse::login {
namespace {

class AuthenticatorTest : public testing::Test {
 protected:
  // Verifies, and returns what comes back.
  std::future<Authenticator::Admission> verify(Authenticator& authenticator,
                                               const std::string& password) {
    auto promise = std::make_shared<std::promise<Authenticator::Admission>>();
    AuthRequest request;
    request.name = "new";
    request.server = "sample";
    request.password = Secret(password);
    authenticator.verify(std::move(request), [promise](Authenticator::Admission admission) {
      promise->set_value(std::move(admission));
    });
    return promise->get_future();
  }

  AuthenticatorParts parts() {
    return {test_world(), *server_.store, *server_.hash_pool, throttle_, server_.metrics};
  }

  TestServer server_;
  admission::Throttle throttle_{test_world().clock, Limits(), server_.metrics};
};

TEST_F(AuthenticatorTest, TwoFirstLoginsOfOneNameMakeOneAccount) {
  Authenticator authenticator(parts(), {}, {.cost = kCheapCost});
  auto block = std::make_unique<PoolBlock>(*server_.hash_pool);
  auto first = verify(authenticator, "x");
  auto second = verify(authenticator, "x");
  // Both have looked the name up and found nothing.
  ASSERT_TRUE(eventually([&] { return server_.hash_pool->queue_length() == 2; }));
  block.reset();
  const auto a = first.get(), b = second.get();
  ASSERT_TRUE(a && b);
  EXPECT_EQ(a->account, b->account);
  EXPECT_EQ(server_.accounts().size(), 1u);
}

TEST_F(AuthenticatorTest, OfTwoFirstLoginsWithTwoPasswordsOneIsWrong) {
  Authenticator authenticator(parts(), {}, {.cost = kCheapCost});
  auto block = std::make_unique<PoolBlock>(*server_.hash_pool);
  auto first = verify(authenticator, "x");
  auto second = verify(authenticator, "y");
  ASSERT_TRUE(eventually([&] { return server_.hash_pool->queue_length() == 2; }));
  block.reset();
  const auto a = first.get(), b = second.get();
  EXPECT_NE(a.has_value(), b.has_value());
  EXPECT_EQ((a ? b : a).error().reason, "wrong_password");
  EXPECT_EQ(server_.accounts().size(), 1u);
}

TEST_F(AuthenticatorTest, EightThreadsMakeOneAccount) {
  Authenticator authenticator(parts(), {}, {.cost = kCheapCost});
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] { good += verify(authenticator, "x").get().has_value(); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 8);
  EXPECT_EQ(server_.accounts().size(), 1u);
}

TEST_F(AuthenticatorTest, StoppedPoolsRefuse) {
  {
    Authenticator authenticator(parts(), {}, {.cost = kCheapCost});
    auto block = std::make_unique<PoolBlock>(*server_.hash_pool);
    auto waiting = verify(authenticator, "x");
    ASSERT_TRUE(eventually([&] { return server_.hash_pool->queue_length() == 1; }));
    std::thread stopper([&] { server_.hash_pool->stop(actor::WorkPool::Stop::kDiscard); });
    ASSERT_TRUE(eventually([&] { return !server_.hash_pool->submit([] {}); }));
    block.reset();
    stopper.join();
    EXPECT_EQ(waiting.get().error().reason, "stopping");
    EXPECT_EQ(verify(authenticator, "x").get().error().reason, "stopping");
    server_.store->stop(actor::WorkPool::Stop::kDrain);
    EXPECT_EQ(verify(authenticator, "x").get().error().reason, "stopping");
  }
  EXPECT_TRUE(server_.accounts().empty());
}

// What a login holds, a guess of the throttle among it, may not outlive what it belongs to.
TEST_F(AuthenticatorTest, EndsAfterAllThatItsLoginsHold) {
  std::promise<void> going, ended;
  std::promise<bool> outlived;
  auto authenticator =
      std::make_unique<Authenticator>(parts(), Limits(), AuthenticatorOptions{.cost = kCheapCost});
  AuthRequest request;
  request.name = "new";
  request.server = "sample";
  request.password = Secret("x");
  using admission::Waiter;
  request.waiter = std::shared_ptr<Waiter>(new Waiter, [&](Waiter* waiter) {
    delete waiter;
    going.set_value();
    const auto waited = ended.get_future().wait_for(std::chrono::milliseconds(100));
    outlived.set_value(waited == std::future_status::ready);
  });
  authenticator->verify(std::move(request), [](const Authenticator::Admission&) {});
  going.get_future().wait();
  authenticator.reset();
  ended.set_value();
  EXPECT_FALSE(outlived.get_future().get());
}

TEST(InProgressTest, OneEntryAUid) {
  auto running = std::make_unique<admission::InProgress>();
  std::optional<admission::InProgress::Entry> first = running->enter("a");
  ASSERT_TRUE(first);
  EXPECT_FALSE(running->enter("a"));
  EXPECT_TRUE(running->enter("b")) << "left again at once";
  {
    const admission::InProgress::Entry moved(std::move(*first));
    EXPECT_FALSE(running->enter("a"));
    first.reset();
    EXPECT_FALSE(running->enter("a")) << "an empty entry leaves nothing";
  }
  auto late = running->enter("a");
  EXPECT_TRUE(late);
  running.reset();
  late.reset();  // the set is gone
}

TEST(InProgressTest, ManyThreads) {
  admission::InProgress running;
  std::atomic<int> inside{0}, entered{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 2'000; ++i) {
        if (auto entry = running.enter("one")) {
          EXPECT_EQ(inside.fetch_add(1), 0);
          ++entered;
          inside.fetch_sub(1);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(entered, 0);
  EXPECT_TRUE(running.enter("one"));
}

}  // namespace
}  // namespace gatehouse::login
