#include "login_fixture.hpp"

#include <pthread.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "../../support/child_process.hpp"
#include "test_world.hpp"

namespace gatehouse::login {

void FakePlacer::place(Grant grant, Done done) {
  std::unique_lock lock(mutex_);
  grants_.push_back(std::move(grant));
  std::array<char, 16> thread{};
  pthread_getname_np(pthread_self(), thread.data(), thread.size());
  threads_.emplace_back(thread.data());
  if (hold_) {
    held_.push_back(std::move(done));
    return;
  }
  const auto error = error_;
  const std::string subid = std::to_string(grants_.size());
  lock.unlock();
  if (error) {
    done(fail(*error, "the test wants it so"));
  } else {
    done(Placement{subid, {"127.0.0.1:8888"}});
  }
}

void FakePlacer::hold(bool on) {
  std::lock_guard lock(mutex_);
  hold_ = on;
}

void FakePlacer::fail_with(Errc code) {
  std::lock_guard lock(mutex_);
  error_ = code;
}

std::size_t FakePlacer::held() const {
  std::lock_guard lock(mutex_);
  return held_.size();
}

void FakePlacer::release() {
  std::vector<Done> held;
  {
    std::lock_guard lock(mutex_);
    hold_ = false;
    held = std::exchange(held_, {});
  }
  for (Done& done : held) done(Placement{"held", {"127.0.0.1:8888"}});
}

std::vector<std::string> FakePlacer::threads() const {
  std::lock_guard lock(mutex_);
  return threads_;
}

std::vector<Grant> FakePlacer::grants() const {
  std::lock_guard lock(mutex_);
  return grants_;
}

FakePolicy::~FakePolicy() {
  for (std::thread& thread : threads_) thread.join();
}

template <class Done, class Value>
void FakePolicy::answer(Done done, Value value) {
  if (!elsewhere) return done(std::move(value));
  std::lock_guard lock(mutex_);
  threads_.emplace_back(
      [done = std::move(done), value = std::move(value)]() mutable { done(std::move(value)); });
}

void FakePolicy::auth(const protocol::Token& token, std::string_view address, protocol::Suite,
                      AuthDone done) {
  answer(std::move(done), on_auth(token, address));
}

void FakePolicy::login(const std::string& server, const std::string& uid, const Secret&,
                       LoginDone done) {
  answer(std::move(done), on_login(server, uid));
}

template <class AnyNetwork>
void TestServer::start_on() {
  auto made = std::make_unique<AnyNetwork>(*system);
  system->start(made->loop_factory());
  network = std::move(made);
}

std::unique_ptr<net::Client> TestServer::connect(std::size_t listener) const {
  if (clients_ == nullptr) return std::make_unique<net::TcpClient>(address(listener));
  return clients_->connect(static_cast<net::MemoryNetwork&>(*network), address(listener));
}

TestServer::TestServer(TestOptions options) {
  store_options.sqlite.path = options.store_path.empty() ? folder / "test.db" : options.store_path;
  store_options.migrations_dir = std::string(GATEHOUSE_SOURCE_DIR) + "/sql";
  if (options.store_path.empty()) {
    auto migrated = driver()->migrate();
    EXPECT_TRUE(migrated) << migrated.error().message;
  }
  guard = std::make_unique<edge::Guard>(options.limits, metrics,
                                        [this](std::uint16_t worker, UniqueFunction<void()> job) {
                                          system->worker(worker).post(std::move(job));
                                        });
  system = std::make_unique<actor::System>(
      test_world(), actor::SystemOptions{options.workers, options.limits}, metrics);
  if (options.carrier == net::Carrier::kTcp) {
    start_on<net::UvNetwork>();
  } else {
    start_on<net::MemoryNetwork>();
    clients_ = std::make_unique<net::MemoryClients>(client_metrics_);
  }
  store = std::move(drivers::open_store(test_world(), {.driver = store_options, .connections = 3},
                                        metrics))
              .value();
  hash_pool = std::make_unique<actor::WorkPool>(
      test_world(),
      actor::WorkPoolOptions{"hash", options.hash_threads, options.hash_queue_max, 0});
  if (options.login.listeners.empty())
    options.login.listeners = {{.address = {"127.0.0.1", 0}, .plain = true, .skynet = true}};
  if (options.login.auth.cost.memory_kib == crypto::Argon2Cost{}.memory_kib)
    options.login.auth.cost = kCheapCost;
  login = std::make_unique<LoginServer>(
      LoginDependencies{*system, *network, *store, *hash_pool, placer, policy, metrics, *guard},
      options.limits, std::move(options.login));
  const auto started = login->start();
  EXPECT_TRUE(started) << started.error().message;
}

TestServer::~TestServer() {
  system->stop();
  EXPECT_EQ(login->connection_count(), 0u);
  EXPECT_EQ(metric("login_connections"), 0);
  login.reset();
}

std::string TestServer::plain(std::string_view user, std::string_view password,
                              std::string_view server) {
  LoginClient client(connect());
  const std::string answer = client.login_plain(make_token(user, password, server));
  EXPECT_EQ(client.read_to_end(), "");
  return answer.substr(0, answer.starts_with("200") ? 3 : std::string::npos);
}

std::int64_t TestServer::metric(std::string_view name, std::string_view result) const {
  const std::string full = "gatehouse_" + std::string(name);
  const std::string label = result.empty() ? "" : "result=\"" + std::string(result) + "\"";
  std::int64_t value = 0;
  metrics.each([&](const Metric& metric) {
    if (metric.name() == full && metric.label() == label) value = metric.value();
  });
  return value;
}

std::int64_t TestServer::refused(std::string_view reason) const {
  const std::string label = "where=\"login\",reason=\"" + std::string(reason) + "\"";
  std::int64_t value = 0;
  metrics.each([&](const Metric& metric) {
    if (metric.name() == "gatehouse_refused_total" && metric.label() == label)
      value = metric.value();
  });
  return value;
}

std::unique_ptr<store::Driver> TestServer::driver() const {
  return std::move(drivers::open(test_world(), store_options)).value();
}

std::vector<store::Account> TestServer::accounts() const {
  return driver()->list_accounts("", 1'000).value();
}

std::string TestServer::sql(const std::string& statement) const {
  test::write_file(folder / "run.py",
                   "import sqlite3, sys\n"
                   "c = sqlite3.connect(sys.argv[1], timeout=20)\n"
                   "for row in c.execute(sys.argv[2]): print('|'.join(map(str, row)))\n"
                   "c.commit()\n");
  std::filesystem::remove(folder / "out");
  test::ChildProcess python;
  python.start({"/usr/bin/python3", folder / "run.py", store_options.sqlite.path, statement},
               folder / "out");
  EXPECT_EQ(python.wait(), 0) << statement;
  std::ifstream in(folder / "out");
  return {std::istreambuf_iterator<char>(in), {}};
}

PoolBlock::PoolBlock(actor::WorkPool& pool) {
  const std::shared_future<void> go = go_.get_future().share();
  for (std::size_t i = 0; i < pool.threads(); ++i) {
    auto running = std::make_shared<std::promise<void>>();
    auto begun = running->get_future();
    EXPECT_TRUE(pool.submit(UniqueFunction<void()>([go, running] {
      running->set_value();
      go.wait();
    })));
    begun.wait();
  }
}

PoolBlock::~PoolBlock() {
  go_.set_value();
}

}  // namespace gatehouse::login
