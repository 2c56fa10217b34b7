#include "drivers/open.hpp"

#include <atomic>
#include <future>
#include <mutex>

#include "store_fixture.hpp"
#include "test_world.hpp"

namespace gatehouse::drivers {
namespace {

using Stop = actor::WorkPool::Stop;

class Stores : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    options_.driver = fresh_options(GetParam(), folder_);
    must(must(open(test_world(), options_.driver))->migrate());
  }
  std::unique_ptr<store::Store> start() {
    return must(drivers::open_store(test_world(), options_, metrics_));
  }
  std::int64_t metric(const std::string& name) {
    std::int64_t value = -1;
    metrics_.each([&](const Metric& m) {
      if (m.name().ends_with(name)) {
        value = m.value();
        EXPECT_EQ(m.label(), "driver=\"" + std::string(store::name(GetParam())) + "\"");
      }
    });
    return value;
  }

  test::TempFolder folder_;
  store::StoreOptions options_;
  MetricSet metrics_;
};
GATEHOUSE_ON_BOTH_STORES(Stores);

TEST_P(Stores, JobComposesCallsInOneHop) {
  auto store = start();
  std::promise<Result<store::Fence>> answer;
  ASSERT_TRUE(store->submit([&answer](store::Driver& driver) {
    auto account = driver.create_account("test1", "hash");
    if (!account) return answer.set_value(tl::unexpected(account.error()));
    answer.set_value(driver.claim_session(
        account->id, {.gate = "g", .server = "s", .address = "127.0.0.1", .subid = {}}));
  }));
  EXPECT_EQ(must(answer.get_future().get()).epoch, 1u);
  store->stop(Stop::kDrain);
  EXPECT_EQ(metric("store_queue_length"), 0);
  EXPECT_EQ(metric("store_errors"), 0);
  EXPECT_EQ(metric("store_jobs_total"), 1);
  EXPECT_GE(metric("store_job_wait_us_total"), 0);
  EXPECT_GT(metric("store_job_run_us_total"), 0);
}

TEST_P(Stores, ConnectionsAreCounted) {
  auto store = start();
  std::promise<void> done;
  ASSERT_TRUE(store->submit([&](store::Driver& driver) {
    must(driver.ping());
    done.set_value();
  }));
  done.get_future().wait();
  store->stop(Stop::kDrain);
  // A thread that starts while the work waits for another's connection makes one, too.
  EXPECT_GE(metric("store_connections"), 1);
  EXPECT_EQ(metric("store_connects_total"), metric("store_connections"));
  EXPECT_EQ(metric("store_connect_errors_total"), 0);
  store.reset();
  EXPECT_EQ(metric("store_connections"), 0);
}

TEST_P(Stores, ReplyComesWhenOthersSeeTheWrite) {
  auto store = start();
  auto other = must(open(test_world(), options_.driver));
  std::mutex other_mutex;
  std::promise<void> jobs_wait;
  auto go = jobs_wait.get_future().share();
  ASSERT_TRUE(store->submit([go](store::Driver&) { go.wait(); }));
  std::atomic<int> seen = 0;
  constexpr int kJobs = 150;  // more than a group takes
  for (int i = 0; i < kJobs; ++i)
    ASSERT_TRUE(store->submit([&, i](store::Driver& driver) {
      const std::string user = "test" + std::to_string(i);
      auto made = driver.create_account(user, "hash");
      return [&, user, made = std::move(made)](const Result<>& durable) {
        std::lock_guard lock(other_mutex);
        seen += made && durable && must(other->find_account(user));
      };
    }));
  jobs_wait.set_value();
  store->stop(Stop::kDrain);
  EXPECT_EQ(seen, kJobs);
}

// A job whose statement fails takes nobody else's writes along.
TEST_P(Stores, JobsOfAGroupFailAlone) {
  auto store = start();
  must(must(open(test_world(), options_.driver))->create_account("taken", "hash"));
  std::atomic<int> made = 0, refused = 0;
  for (int i = 0; i < 50; ++i)
    ASSERT_TRUE(store->submit([&, i](store::Driver& driver) {
      auto result = driver.create_account(i % 2 ? "taken" : std::to_string(i), "hash");
      return [&, result = std::move(result)](const Result<>& durable) {
        made += durable && result;
        refused += durable && !result && result.error().code == Errc::kExists;
      };
    }));
  store->stop(Stop::kDrain);
  EXPECT_EQ(made, 25);
  EXPECT_EQ(refused, 25);
  EXPECT_EQ(must(must(open(test_world(), options_.driver))->list_accounts("", 100)).size(), 26u);
}

TEST_P(Stores, MigrationInAGroupDoesNotWaitForItself) {
  auto store = start();
  std::promise<Result<std::uint32_t>> version;
  ASSERT_TRUE(store->submit([&version](store::Driver& driver) {
    must(driver.create_account("test1", "hash"));
    version.set_value(driver.migrate());
  }));
  EXPECT_EQ(must(version.get_future().get()), kSchemaVersion);
  store->stop(Stop::kDrain);
  EXPECT_TRUE(must(must(open(test_world(), options_.driver))->find_account("test1")));
}

TEST_P(Stores, ConnectionsWorkAtTheSameTime) {
  if (GetParam() == Kind::kSqlite) GTEST_SKIP() << "SQLite has one connection";
  options_.connections = 3;
  auto store = start();
  // Each job waits for the others: with fewer connections none would end.
  std::atomic<int> arrived = 0;
  std::atomic<int> found = 0;
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(store->submit([&](store::Driver& driver) {
      found += driver.find_account("nobody").has_value();
      ++arrived;
      while (arrived < 3) std::this_thread::yield();
    }));
  store->stop(Stop::kDrain);
  EXPECT_EQ(found, 3);
}

TEST_P(Stores, QueueIsBoundedAndStoppingTellsWhoWaits) {
  options_.connections = 1;
  options_.queue_max = 5;
  auto store = start();
  std::promise<void> started;
  std::promise<void> gate;
  ASSERT_TRUE(store->submit([&](store::Driver&) {
    started.set_value();
    gate.get_future().wait();
  }));
  started.get_future().wait();
  std::atomic<int> told = 0;
  const auto job = [&told](store::Driver& driver) {
    told += code_of(driver.find_account("a")) == Errc::kClosed &&
            code_of(driver.create_account("a", "hash")) == Errc::kClosed &&
            code_of(driver.migrate()) == Errc::kClosed && code_of(driver.ping()) == Errc::kClosed;
  };
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(store->submit(job));
  EXPECT_EQ(code_of(store->submit(job)), Errc::kFull);
  EXPECT_EQ(store->queue_length(), 5u);
  EXPECT_EQ(metric("store_queue_length"), 5);
  EXPECT_EQ(metric("store_full"), 1);

  std::thread stopper([&] { store->stop(Stop::kDiscard); });
  while (true) {
    const auto taken = store->submit(job);
    if (!taken && taken.error().code == Errc::kClosed) break;
    std::this_thread::yield();
  }
  gate.set_value();
  stopper.join();
  EXPECT_EQ(told, 5);
  EXPECT_EQ(metric("store_queue_length"), 0);
  EXPECT_FALSE(must(must(open(test_world(), options_.driver))->find_account("a")));
}

TEST_P(Stores, DestructorAnswersEveryJob) {
  std::atomic<int> answered = 0;
  {
    auto store = start();
    for (int i = 0; i < 200; ++i)
      ASSERT_TRUE(store->submit([&answered](store::Driver& driver) {
        const auto found = driver.find_account("nobody");
        answered += found.has_value() || found.error().code == Errc::kClosed;
      }));
  }
  EXPECT_EQ(answered, 200);
}

TEST_P(Stores, ManyThreadsClaimWithoutLosingAnAnswer) {
  const AccountId account =
      must(must(open(test_world(), options_.driver))->create_account("a", "hash")).id;
  std::atomic<int> claimed = 0;
  {
    auto store = start();
    in_parallel(4, [&](int) {
      for (int i = 0; i < 25; ++i)
        ASSERT_TRUE(store->submit([&claimed, account](store::Driver& driver) {
          claimed +=
              driver
                  .claim_session(account,
                                 {.gate = "g", .server = "s", .address = "127.0.0.1", .subid = {}})
                  .has_value();
        }));
    });
    store->stop(Stop::kDrain);
  }
  EXPECT_EQ(claimed, 100);
  EXPECT_EQ(must(must(open(test_world(), options_.driver))->find_account("a"))->session_epoch,
            100u);
}

TEST(StoreStart, DatabaseThatIsAwayIsAnErrorOfItsCallsOnly) {
  store::StoreOptions options;
  options.driver.kind = Kind::kMysql;
  options.driver.mysql.socket = "/nonexistent/socket";
  options.driver.mysql.user = "u";
  options.driver.mysql.database = "d";
  MetricSet metrics;
  auto store = must(drivers::open_store(test_world(), options, metrics));
  std::promise<Errc> answer;
  ASSERT_TRUE(store->submit(
      [&answer](store::Driver& driver) { answer.set_value(code_of(driver.find_account("a"))); }));
  EXPECT_EQ(answer.get_future().get(), Errc::kUnavailable);
  EXPECT_EQ(metrics.counter("store_errors", "driver=\"mysql\"", "").value(), 1);
}

TEST(StoreStart, RefusesOptionsThatCanNeverWork) {
  MetricSet metrics;
  store::StoreOptions options;
  EXPECT_EQ(code_of(drivers::open_store(test_world(), options, metrics)),
            Errc::kInvalid);  // no path
  options.driver.sqlite.path = "x.db";
  options.connections = 0;
  EXPECT_EQ(code_of(drivers::open_store(test_world(), options, metrics)), Errc::kInvalid);
  options.connections = 1;
  options.queue_max = 0;
  EXPECT_EQ(code_of(drivers::open_store(test_world(), options, metrics)), Errc::kInvalid);
}

}  // namespace
}  // namespace gatehouse::drivers
