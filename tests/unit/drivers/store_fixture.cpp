#include "store_fixture.hpp"

#include <atomic>

namespace gatehouse::drivers {
namespace {

std::unique_ptr<test::MariaDb> server;

class ServerEnd : public testing::Environment {
 public:
  void TearDown() override { server.reset(); }
};

[[maybe_unused]] const testing::Environment* const kServerEnd =
    testing::AddGlobalTestEnvironment(new ServerEnd);

}  // namespace

test::MariaDb& mariadb() {
  if (!server) server = std::make_unique<test::MariaDb>();
  return *server;
}

store::Options fresh_options(Kind kind, const test::TempFolder& folder) {
  static std::atomic<int> count = 0;
  store::Options options;
  options.kind = kind;
  options.migrations_dir = GATEHOUSE_SOURCE_DIR "/sql";
  options.lock_timeout_ms = 30'000;  // tests that lock rows do so for as long as they like
  if (kind == Kind::kSqlite) {
    options.sqlite.path = folder / "var/gatehouse.db";
    return options;
  }
  options.mysql.database = "test_" + std::to_string(++count);
  mariadb().create_database(options.mysql.database);
  options.mysql.port = mariadb().port();
  options.mysql.user = test::MariaDb::kUser;
  options.mysql.password = Secret(test::MariaDb::kPassword);
  return options;
}

}  // namespace gatehouse::drivers
