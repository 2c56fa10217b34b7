// A login server as it runs in production, with workers, sockets, hash pool and an SQLite store
// in a folder of its own; only the gates and the policy are played by the test.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "../../support/temp_folder.hpp"
#include "../../support/waiting.hpp"
#include "actor/system.hpp"
#include "drivers/open.hpp"
#include "login/login_server.hpp"
#include "login_client.hpp"
#include "net/uv_network.hpp"
#include "net_client.hpp"

namespace gatehouse::login {

using test::eventually;

// Serves "sample"; places at once, or when the test says so.
class FakePlacer final : public Placer {
 public:
  bool serves(std::string_view server) const override { return server == "sample"; }
  std::size_t players(std::string_view) const override { return player_count; }
  bool online(const std::string&, std::string_view) const override { return false; }
  std::atomic<std::size_t> player_count{0};

  void place(Grant grant, Done done) override;
  std::vector<std::string> endpoints(std::string_view) const override { return {"gate:7"}; }

  // From now on place() keeps its answers back / answers with this error.
  void hold(bool on);
  void fail_with(Errc code);
  std::size_t held() const;
  // Answers what is held, on the caller's thread.
  void release();
  std::vector<Grant> grants() const;
  // The names of the threads that called place().
  std::vector<std::string> threads() const;

 private:
  mutable std::mutex mutex_;
  bool hold_ = false;
  std::optional<Errc> error_;
  std::vector<Done> held_;
  std::vector<Grant> grants_;
  std::vector<std::string> threads_;
};

// Replaces what the test gives it functions for. Called on the workers.
class FakePolicy final : public Policy {
 public:
  std::function<Result<AuthResult>(const protocol::Token&, std::string_view)> on_auth;
  std::function<Result<std::string>(const std::string&, const std::string&)> on_login;
  bool elsewhere = false;  // answer on another thread

  ~FakePolicy() override;
  bool has_auth() const override { return on_auth != nullptr; }
  bool has_login() const override { return on_login != nullptr; }
  void auth(const protocol::Token& token, std::string_view address, protocol::Suite suite,
            AuthDone done) override;
  void login(const std::string& server, const std::string& uid, const Secret& secret,
             LoginDone done) override;

 private:
  template <class Done, class Value>
  void answer(Done done, Value value);

  std::mutex mutex_;
  std::vector<std::thread> threads_;
};

struct TestOptions {
  std::uint16_t workers = 2;
  Limits limits;
  LoginOptions login;  // no listener: one that allows plain and skynet
  std::size_t hash_queue_max = 1'024;
  std::size_t hash_threads = 2;
  std::string store_path;  // empty: a migrated database
  net::Carrier carrier = net::Carrier::kTcp;
};

class TestServer {
 public:
  explicit TestServer(TestOptions options = {});
  ~TestServer();

  net::Address address(std::size_t listener = 0) const { return login->addresses().at(listener); }
  std::unique_ptr<net::Client> connect(std::size_t listener = 0) const;
  // The first line that answers a plain login.
  std::string plain(std::string_view user, std::string_view password,
                    std::string_view server = "sample");
  // Counted `login_total` of a result; 0 when never counted.
  std::int64_t counted(std::string_view result) const { return metric("login_total", result); }
  // Counted `refused_total` of the login for a reason.
  std::int64_t refused(std::string_view reason) const;
  std::int64_t metric(std::string_view name, std::string_view result = {}) const;
  // A connection to the database of its own.
  std::unique_ptr<store::Driver> driver() const;
  std::vector<store::Account> accounts() const;
  // Runs SQL that the store has no call for; rows as "a|b", one a line.
  std::string sql(const std::string& statement) const;

  test::TempFolder folder;
  MetricSet metrics;
  store::Options store_options;
  std::unique_ptr<edge::Guard> guard;
  std::unique_ptr<actor::System> system;
  std::unique_ptr<net::Network> network;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<actor::WorkPool> hash_pool;
  FakePlacer placer;
  FakePolicy policy;
  std::unique_ptr<LoginServer> login;

 private:
  template <class AnyNetwork>
  void start_on();

  MetricSet client_metrics_;
  std::unique_ptr<net::MemoryClients> clients_;  // in memory
};

// Keeps every thread of a hash pool busy until it is destroyed.
class PoolBlock {
 public:
  explicit PoolBlock(actor::WorkPool& pool);
  ~PoolBlock();

 private:
  std::promise<void> go_;
};

// The cheapest argon2id there is: the tests are not about its cost.
inline constexpr crypto::Argon2Cost kCheapCost{.memory_kib = 8, .passes = 1, .lanes = 1};

}  // namespace gatehouse::login
