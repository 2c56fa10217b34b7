#include <atomic>

#include "drivers/migrations.hpp"
#include "store_fixture.hpp"
#include "test_world.hpp"

namespace gatehouse::drivers {
namespace {

using testing::TestWithParam;

TEST(MigrationFiles, AreReadInOrderWithTheirChecksums) {
  test::TempFolder folder;
  test::write_file(folder / "0002_more.sql", "SELECT 2;");
  test::write_file(folder / "0001_init.sql", "abc");
  test::write_file(folder / "README.md", "not a migration");
  const auto files = must(load_migrations(folder.path()));
  ASSERT_EQ(files.size(), 2u);
  EXPECT_EQ(files[0].version, 1u);
  EXPECT_EQ(files[0].name, "init");
  EXPECT_EQ(files[0].sql, "abc");
  // FIPS 180-2, appendix B.1.
  EXPECT_EQ(files[0].checksum, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(files[1].name, "more");
}

TEST(MigrationFiles, BadNamesGapsAndEmptyFoldersAreRefused) {
  test::TempFolder folder;
  EXPECT_EQ(code_of(load_migrations(folder.path())), Errc::kNotFound);
  EXPECT_EQ(code_of(load_migrations(folder / "missing")), Errc::kNotFound);
  test::write_file(folder / "gap/0001_a.sql", "");
  test::write_file(folder / "gap/0003_b.sql", "");
  EXPECT_EQ(code_of(load_migrations(folder / "gap")), Errc::kInvalid);
  test::write_file(folder / "twice/0001_a.sql", "");
  test::write_file(folder / "twice/0001_b.sql", "");
  EXPECT_EQ(code_of(load_migrations(folder / "twice")), Errc::kInvalid);
  for (const char* name : {"1_init.sql", "0001.sql", "0001_.sql", "000x_init.sql", "init.sql"}) {
    test::TempFolder bad;
    test::write_file(bad / name, "");
    EXPECT_EQ(code_of(load_migrations(bad.path())), Errc::kInvalid) << name;
  }
}

TEST(MigrationPlan, AppliesWhatIsMissingAndRefusesWhatDoesNotFit) {
  const std::vector<Migration> files = {{1, "a", "c1", "sql1"}, {2, "b", "c2", "sql2"}};
  EXPECT_EQ(must(pending_migrations(files, {})).size(), 2u);
  EXPECT_EQ(must(pending_migrations(files, {files[0]})).front().version, 2u);
  EXPECT_TRUE(must(pending_migrations(files, files)).empty());
  EXPECT_EQ(code_of(pending_migrations(files, {{1, "a", "other", ""}})), Errc::kInvalid);
  EXPECT_EQ(code_of(pending_migrations({files[0]}, files)), Errc::kInvalid);
  EXPECT_EQ(code_of(pending_migrations(files, {files[1]})), Errc::kInvalid);
}

TEST(Sql, BothDatabasesHaveTheSameMigrations) {
  const auto mysql = must(load_migrations(GATEHOUSE_SOURCE_DIR "/sql/mysql"));
  const auto sqlite = must(load_migrations(GATEHOUSE_SOURCE_DIR "/sql/sqlite"));
  ASSERT_EQ(mysql.size(), sqlite.size());
  for (std::size_t i = 0; i < mysql.size(); ++i) EXPECT_EQ(mysql[i].name, sqlite[i].name);
}

class Migrations : public TestWithParam<Kind> {
 protected:
  void SetUp() override {
    options_ = fresh_options(GetParam(), folder_);
    options_.migrations_dir = folder_ / "sql";
    write(1, "init", "CREATE TABLE one (n INTEGER); INSERT INTO one VALUES (1);\n");
  }
  std::string file(int version, const std::string& name) {
    return folder_ / ("sql/" + std::string(store::name(GetParam())) + "/000" +
                      std::to_string(version) + "_" + name + ".sql");
  }
  void write(int version, const std::string& name, const std::string& sql) {
    test::write_file(file(version, name), sql);
  }
  std::unique_ptr<store::Driver> connect() { return must(open(test_world(), options_)); }

  test::TempFolder folder_;
  store::Options options_;
};
GATEHOUSE_ON_BOTH_STORES(Migrations);

TEST_P(Migrations, EmptyDatabaseIsVersionZero) {
  EXPECT_EQ(must(connect()->schema_version()), 0u);
  // Without tables nothing can be done until somebody makes them.
  EXPECT_EQ(code_of(connect()->find_account("a")), Errc::kRefused);
}

TEST_P(Migrations, RunOnceEach) {
  auto driver = connect();
  EXPECT_EQ(must(driver->migrate()), 1u);
  EXPECT_EQ(must(driver->migrate()), 1u);
  write(2, "more", "-- a comment; with a semicolon\nINSERT INTO one VALUES (2);");
  EXPECT_EQ(must(driver->migrate()), 2u);
  EXPECT_EQ(must(driver->schema_version()), 2u);
  EXPECT_EQ(must(connect()->migrate()), 2u);
}

TEST_P(Migrations, ChangedFileIsRefused) {
  must(connect()->migrate());
  write(1, "init", "CREATE TABLE one (n INTEGER); INSERT INTO one VALUES (3);\n");
  write(2, "more", "INSERT INTO one VALUES (2);");
  const auto refused = connect()->migrate();
  EXPECT_EQ(code_of(refused), Errc::kInvalid);
  EXPECT_NE(refused.error().message.find("has changed"), std::string::npos);
  EXPECT_EQ(must(connect()->schema_version()), 1u);
}

TEST_P(Migrations, NewerDatabaseIsRefused) {
  write(2, "more", "INSERT INTO one VALUES (2);");
  must(connect()->migrate());
  std::filesystem::remove(file(2, "more"));
  const auto refused = connect()->migrate();
  EXPECT_EQ(code_of(refused), Errc::kInvalid);
  EXPECT_NE(refused.error().message.find("older than the database"), std::string::npos);
  EXPECT_EQ(must(connect()->schema_version()), 2u);
}

TEST_P(Migrations, BrokenFileStopsThereAndIsNamed) {
  write(2, "broken", "INSERT INTO one VALUES (2); INSERT INTO missing VALUES (1);");
  const auto failed = connect()->migrate();
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().message.find("migration 2 (broken)"), std::string::npos);
  // SQLite undoes the whole run, MySQL keeps the migrations before.
  EXPECT_EQ(must(connect()->schema_version()), GetParam() == Kind::kSqlite ? 0u : 1u);
  write(2, "broken", "INSERT INTO one VALUES (2);");
  EXPECT_EQ(must(connect()->migrate()), 2u);
}

TEST_P(Migrations, MissingOnesAreCountedAndNotApplied) {
  auto driver = connect();
  EXPECT_EQ(must(driver->missing_migrations()), 1u);
  EXPECT_EQ(must(driver->schema_version()), 0u);
  must(driver->migrate());
  EXPECT_EQ(must(driver->missing_migrations()), 0u);
  write(2, "more", "INSERT INTO one VALUES (2);");
  write(3, "most", "INSERT INTO one VALUES (3);");
  EXPECT_EQ(must(driver->missing_migrations()), 2u);
  must(driver->migrate());
  std::filesystem::remove(file(3, "most"));
  EXPECT_EQ(code_of(driver->missing_migrations()), Errc::kInvalid);
}

// What a database of the first version held is there in the last.
TEST_P(Migrations, AccountsOfTheFirstVersionStay) {
  const std::string folder = GATEHOUSE_SOURCE_DIR "/sql/" + std::string(store::name(GetParam()));
  write(1, "init",
        test::read_file(folder + "/0001_init.sql") +
            "INSERT INTO account (name, password_hash, status, session_gate) "
            "VALUES ('test1', 'hash', 'closed', 'gate1');");
  must(connect()->migrate());
  write(2, "admission", test::read_file(folder + "/0002_admission.sql"));
  write(3, "who_may_come_in", test::read_file(folder + "/0003_who_may_come_in.sql"));
  write(4, "how_they_came", test::read_file(folder + "/0004_how_they_came.sql"));
  EXPECT_EQ(must(connect()->migrate()), 4u);
  const auto account = must(connect()->find_account("test1"));
  ASSERT_TRUE(account);
  EXPECT_EQ(account->password_hash, "hash");
  EXPECT_FALSE(account->staff);
  EXPECT_EQ(must(connect()->list_barred_online(0)).size(), 1u);
}

TEST_P(Migrations, SeveralProcessesAtOnceApplyEachOnce) {
  // Each would fail if it ran twice.
  for (int i = 2; i <= 6; ++i)
    write(i, "table", "CREATE TABLE table_" + std::to_string(i) + " (n INTEGER);");
  std::atomic<int> ready = 0;
  in_parallel(4, [&](int) {
    auto driver = connect();
    ++ready;
    while (ready < 4) std::this_thread::yield();
    EXPECT_EQ(must(driver->migrate()), 6u);
  });
  EXPECT_EQ(must(connect()->schema_version()), 6u);
}

// A run that was killed before it recorded what it had done is run again.
TEST(StoreMysql, MigrationsBearBeingRunAgain) {
  test::TempFolder folder;
  const store::Options options = fresh_options(Kind::kMysql, folder);
  must(must(open(test_world(), options))->migrate());
  const auto columns = [&] {
    return mariadb().query(options.mysql.database, "SHOW CREATE TABLE account");
  };
  const std::string before = columns();
  for (const char* lost : {"version >= 3", "version >= 2", "TRUE"}) {
    mariadb().query(options.mysql.database,
                    std::string("DELETE FROM schema_migration WHERE ") + lost);
    EXPECT_EQ(must(must(open(test_world(), options))->migrate()), kSchemaVersion);
    EXPECT_EQ(columns(), before);
  }
}

}  // namespace
}  // namespace gatehouse::drivers
