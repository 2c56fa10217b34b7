// The fixture of the store's conformance tests: each runs on a fresh, migrated database of both
// kinds. The MariaDB server is started by the first test of the program that needs it.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "drivers/open.hpp"
#include "mariadb.hpp"
#include "temp_folder.hpp"
#include "test_world.hpp"
#include "waiting.hpp"

namespace gatehouse::drivers {

using Kind = store::Options::Kind;

// The number of the last file in sql/.
inline constexpr std::uint32_t kSchemaVersion = 4;

// The program's one server; ended by the environment in store_fixture.cpp.
test::MariaDb& mariadb();

// Options for a new, empty database.
store::Options fresh_options(Kind kind, const test::TempFolder& folder);

// The statements of sql/README.md in the block that begins with `comment`.
inline std::string readme_sql(const std::string& comment) {
  const std::string text = test::read_file(GATEHOUSE_SOURCE_DIR "/sql/README.md");
  const std::size_t begin = text.find("```sql\n" + comment);
  if (begin == std::string::npos) throw std::runtime_error("sql/README.md lacks " + comment);
  return text.substr(begin + 7, text.find("```", begin + 7) - begin - 7);
}

// Fails the test with the error's text when a result holds none.
template <class T>
auto must(Result<T> result) {
  if (!result) {
    ADD_FAILURE() << name(result.error().code) << ": " << result.error().message;
    throw std::runtime_error("a call to the store failed: " + result.error().message);
  }
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

// The code a result failed with; a failure of the test when it did not fail.
template <class T>
Errc code_of(const Result<T>& result) {
  if (result) {
    ADD_FAILURE() << "the call succeeded";
    return Errc::kInvalid;
  }
  return result.error().code;
}

using test::eventually;

// Calls work(i) on `count` threads at once and waits for them.
inline void in_parallel(int count, const std::function<void(int)>& work) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back(work, i);
  for (std::thread& thread : threads) thread.join();
}

class StoreTest : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    options_ = fresh_options(GetParam(), folder_);
    driver_ = connect();
    EXPECT_EQ(must(driver_->migrate()), kSchemaVersion);
  }

  // A further connection to the same database.
  std::unique_ptr<store::Driver> connect() { return must(open(test_world(), options_)); }

  // An account with a session and its fence.
  std::pair<AccountId, store::Fence> player(const std::string& name) {
    const store::Account account = must(driver_->create_account(name, "hash"));
    return {account.id, must(driver_->claim_session(account.id, claim()))};
  }
  static store::SessionClaim claim() {
    return {.gate = "gate1", .server = "sample", .address = "127.0.0.1", .subid = {}};
  }

  // Changes the database by a further migration, as no call of the driver would.
  void change(const std::string& sql) {
    const std::string kind(name(GetParam()));
    const std::string folder = folder_ / ("sql/" + kind);
    std::filesystem::create_directories(folder);
    for (const auto& entry :
         std::filesystem::directory_iterator(GATEHOUSE_SOURCE_DIR "/sql/" + kind))
      std::filesystem::copy_file(entry.path(), folder + "/" + entry.path().filename().string());
    test::write_file(folder + "/000" + std::to_string(kSchemaVersion + 1) + "_change.sql", sql);
    store::Options options = options_;
    options.migrations_dir = folder_ / "sql";
    EXPECT_EQ(must(must(open(test_world(), options))->migrate()), kSchemaVersion + 1);
  }

  test::TempFolder folder_;
  store::Options options_;
  std::unique_ptr<store::Driver> driver_;
};

inline std::string kind_name(const testing::TestParamInfo<Kind>& info) {
  return std::string(name(info.param));
}

}  // namespace gatehouse::drivers

#define GATEHOUSE_ON_BOTH_STORES(suite) \
  INSTANTIATE_TEST_SUITE_P(On, suite, testing::Values(Kind::kSqlite, Kind::kMysql), kind_name)
