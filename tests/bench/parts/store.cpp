// The statements of a login and of a save, on SQLite; one connection, no pool.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <utility>

#include "drivers/open.hpp"
#include "temp_folder.hpp"
#include "test_world.hpp"

namespace gatehouse::store {
namespace {

constexpr int kAccounts = 1000;

// A database in a temporary file with accounts and one game server.
class Database {
 public:
  Database() {
    store::Options options;
    options.sqlite.path = folder_ / "bench.db";
    options.migrations_dir = GATEHOUSE_SOURCE_DIR "/sql";
    driver_ = must(open(test_world(), options));
    must(driver_->migrate());
    must(driver_->upsert_game_server({.name = "sample", .state = ServerState::kOpen}));
    for (int i = 0; i < kAccounts; ++i) must(driver_->create_account(account_name(i), "no hash"));
  }

  // Aborts on an error, which would make the figure worthless.
  template <class T>
  static T must(Result<T> result) {
    if (!result) std::abort();
    if constexpr (!std::is_void_v<T>) return std::move(*result);
  }
  static std::string account_name(int i) { return "player" + std::to_string(i); }
  // The accounts in turn.
  std::string next_name() { return account_name(next_++ % kAccounts); }
  Driver& driver() { return *driver_; }

  Account look_up() {
    auto account = must(driver_->find_account(next_name()));
    benchmark::DoNotOptimize(must(driver_->game_server("sample")));
    if (!account) std::abort();
    return std::move(*account);
  }
  Fence claim(AccountId account) {
    return must(driver_->claim_session(
        account, {.gate = "gate1", .server = "sample", .address = "127.0.0.1", .subid = {}}));
  }

 private:
  test::TempFolder folder_;
  std::unique_ptr<Driver> driver_;
  int next_ = 0;
};

void sqlite_look_up(benchmark::State& state) {
  Database database;
  for (auto _ : state) benchmark::DoNotOptimize(database.look_up());
}
BENCHMARK(sqlite_look_up)->Unit(benchmark::kMicrosecond);

void sqlite_claim_session(benchmark::State& state) {
  Database database;
  const Account account = database.look_up();
  for (auto _ : state) benchmark::DoNotOptimize(database.claim(account.id));
}
BENCHMARK(sqlite_claim_session)->Unit(benchmark::kMicrosecond);

void sqlite_save_player_1_kib(benchmark::State& state) {
  Database database;
  const Account account = database.look_up();
  const Fence fence = database.claim(account.id);
  Database::must(database.driver().load_player(account.id, "sample", fence));
  const std::string data(1024, 'd');
  std::uint64_t version = 0;
  for (auto _ : state) {
    Database::must(database.driver().save_player(account.id, "sample", fence, ++version, data, {}));
  }
}
BENCHMARK(sqlite_save_player_1_kib)->Unit(benchmark::kMicrosecond);

// All that a login asks of the database, and the player's leave.
void sqlite_login(benchmark::State& state) {
  Database database;
  for (auto _ : state) {
    const Account account = database.look_up();
    const Fence fence = database.claim(account.id);
    benchmark::DoNotOptimize(
        Database::must(database.driver().load_player(account.id, "sample", fence)));
    const LoginAudit audit{.name = account.name,
                           .account = account.id,
                           .server = "sample",
                           .address = "127.0.0.1",
                           .suite = "skynet",
                           .result = "200"};
    Database::must(database.driver().record_logins({&audit, 1}));
    if (!Database::must(database.driver().release_session(account.id, fence))) std::abort();
  }
}
BENCHMARK(sqlite_login)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace gatehouse::store
