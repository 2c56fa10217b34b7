// What each error of the databases means: does it go away by itself, and was anything done?
#include <gtest/gtest.h>
#include <mariadb/errmsg.h>
#include <mariadb/mysqld_error.h>
#include <sqlite3.h>

#include <cerrno>
#include <string>

#include "drivers/sqlite_file.hpp"
#include "mysql/error.hpp"
#include "store_fixture.hpp"
#include "test_world.hpp"

namespace gatehouse::drivers {
namespace {

Errc mysql(unsigned number) {
  return mysql::error_of({number, "words"}).code;
}
Errc sqlite(int code, const char* text = "words", int system_error = 0) {
  return sqlite_error(code, text, system_error).code;
}

TEST(MysqlErrorClass, TooBigIsNeverTakenForAnOutage) {
  for (const unsigned number :
       {unsigned{ER_NET_PACKET_TOO_LARGE}, unsigned{CR_NET_PACKET_TOO_LARGE},
        unsigned{ER_TOO_BIG_ROWSIZE}, unsigned{ER_UNDO_RECORD_TOO_BIG},
        unsigned{ER_WARN_ALLOWED_PACKET_OVERFLOWED}, mysql::kTooBigByUs}) {
    EXPECT_EQ(mysql(number), Errc::kTooBig) << number;
    EXPECT_TRUE(mysql::too_big(number)) << number;
  }
}

TEST(MysqlErrorClass, RightsAndSchemaAreRefusedForGood) {
  for (const unsigned number :
       {ER_ACCESS_DENIED_ERROR, ER_DBACCESS_DENIED_ERROR, ER_TABLEACCESS_DENIED_ERROR,
        ER_COLUMNACCESS_DENIED_ERROR, ER_SPECIFIC_ACCESS_DENIED_ERROR, ER_MUST_CHANGE_PASSWORD,
        ER_BAD_DB_ERROR, ER_NO_SUCH_TABLE, ER_NO_SUCH_TABLE_IN_ENGINE, ER_BAD_FIELD_ERROR,
        ER_NO_DEFAULT_FOR_FIELD, ER_UNKNOWN_STORAGE_ENGINE, ER_ILLEGAL_HA, ER_SIGNAL_EXCEPTION})
    EXPECT_EQ(mysql(static_cast<unsigned>(number)), Errc::kRefused) << number;
}

TEST(MysqlErrorClass, WhatGoesAwayIsUnavailable) {
  for (const unsigned number :
       {CR_SERVER_GONE_ERROR, CR_SERVER_LOST, ER_SERVER_SHUTDOWN, ER_CONNECTION_KILLED,
        ER_CON_COUNT_ERROR, ER_TOO_MANY_USER_CONNECTIONS, ER_DISK_FULL, ER_RECORD_FILE_FULL,
        ER_ERROR_DURING_COMMIT, ER_LOCK_WAIT_TIMEOUT, ER_LOCK_DEADLOCK, ER_QUERY_INTERRUPTED,
        ER_OPTION_PREVENTS_STATEMENT, ER_READ_ONLY_MODE, ER_OPEN_AS_READONLY})
    EXPECT_EQ(mysql(static_cast<unsigned>(number)), Errc::kUnavailable) << number;
}

TEST(MysqlErrorClass, DamagedTablesAreCorruptAndStrangersUnknown) {
  EXPECT_EQ(mysql(ER_CRASHED_ON_USAGE), Errc::kCorrupt);
  EXPECT_EQ(mysql(ER_NOT_KEYFILE), Errc::kCorrupt);
  EXPECT_EQ(mysql(ER_UNKNOWN_ERROR), Errc::kIo);
}

TEST(MysqlErrorClass, WordsAreKeptAndValuesAreNot) {
  const std::string named = "Data too long for column 'data' at row 1";
  EXPECT_NE(mysql::error_of({ER_DATA_TOO_LONG, named}).message.find(named), std::string::npos);
  const Error quoted =
      mysql::error_of({ER_TRUNCATED_WRONG_VALUE_FOR_FIELD, "Incorrect value: 'secret'"});
  EXPECT_EQ(quoted.code, Errc::kInvalid);
  EXPECT_EQ(quoted.message.find("secret"), std::string::npos);
  const Error twice = mysql::error_of({ER_DUP_ENTRY, "Duplicate entry 'secret' for key"});
  EXPECT_EQ(twice.message.find("secret"), std::string::npos);
}

// A session takes the limit that the server has when it begins.
class PacketLimit {
 public:
  explicit PacketLimit(int bytes) {
    mariadb().query("", "SET GLOBAL max_allowed_packet = " + std::to_string(bytes));
  }
  ~PacketLimit() { mariadb().query("", "SET GLOBAL max_allowed_packet = 16777216"); }
};

TEST(MysqlErrorClass, SaveAboveTheServersPacketIsTooBigAndTheConnectionStays) {
  test::TempFolder folder;
  const store::Options options = fresh_options(Kind::kMysql, folder);
  must(must(open(test_world(), options))->migrate());
  const PacketLimit limit(1 << 20);
  Metric connects{"connects", "", "", false};
  auto driver = must(open(test_world(), options, {.connects = &connects}));
  const AccountId account = must(driver->create_account("test1", "hash")).id;
  const store::Fence fence = must(driver->claim_session(
      account, {.gate = "gate", .server = "sample", .address = "", .subid = ""}));
  must(driver->load_player(account, "sample", fence));
  const std::string data(3u << 20, 'x');
  const auto saved = driver->save_player(account, "sample", fence, 1, data, std::nullopt);
  EXPECT_EQ(code_of(saved), Errc::kTooBig);
  EXPECT_NE(saved.error().message.find("max_allowed_packet of 1048576"), std::string::npos);
  EXPECT_EQ(connects.value(), 1);
  // Up to the last byte that is allowed, all goes through.
  std::size_t fits = 0;
  for (std::size_t size = (1u << 20) - 200; size <= (1u << 20); ++size) {
    const auto result =
        driver->save_player(account, "sample", fence, size, data.substr(0, size), std::nullopt);
    if (result)
      fits = size;
    else
      EXPECT_EQ(code_of(result), Errc::kTooBig) << size;
  }
  EXPECT_GT(fits, (1u << 20) - 160);
  EXPECT_EQ(connects.value(), 1);
}

TEST(SqliteErrorClass, EachCodeHasItsClass) {
  EXPECT_EQ(sqlite(SQLITE_TOOBIG), Errc::kTooBig);
  EXPECT_EQ(sqlite(SQLITE_READONLY), Errc::kRefused);
  EXPECT_EQ(sqlite(SQLITE_READONLY_DIRECTORY), Errc::kRefused);
  EXPECT_EQ(sqlite(SQLITE_READONLY_RECOVERY), Errc::kUnavailable);
  EXPECT_EQ(sqlite(SQLITE_READONLY_DBMOVED), Errc::kUnavailable);
  EXPECT_EQ(sqlite(SQLITE_PERM), Errc::kRefused);
  EXPECT_EQ(sqlite(SQLITE_AUTH), Errc::kRefused);
  EXPECT_EQ(sqlite(SQLITE_CORRUPT), Errc::kCorrupt);
  EXPECT_EQ(sqlite(SQLITE_NOTADB), Errc::kCorrupt);
  EXPECT_EQ(sqlite(SQLITE_FULL), Errc::kUnavailable);
  EXPECT_EQ(sqlite(SQLITE_BUSY), Errc::kUnavailable);
  EXPECT_EQ(sqlite(SQLITE_CANTOPEN), Errc::kUnavailable);
  EXPECT_EQ(sqlite(SQLITE_IOERR_WRITE, "disk I/O error", EIO), Errc::kUnavailable);
  EXPECT_EQ(sqlite(SQLITE_IOERR_WRITE, "disk I/O error", EFBIG), Errc::kRefused);
  EXPECT_EQ(sqlite(SQLITE_ERROR, "no such table: account"), Errc::kRefused);
  EXPECT_EQ(sqlite(SQLITE_ERROR, "table account has no column named x"), Errc::kRefused);
  EXPECT_EQ(sqlite(SQLITE_ERROR, "something else"), Errc::kIo);
}

TEST(SqliteErrorClass, SaysWhatTheSystemSaid) {
  const Error full = sqlite_error(SQLITE_FULL, "database or disk is full", ENOSPC);
  EXPECT_NE(full.message.find("No space left on device"), std::string::npos);
  const Error wide = sqlite_error(SQLITE_IOERR_WRITE, "disk I/O error", EFBIG);
  EXPECT_NE(wide.message.find("File too large"), std::string::npos);
}

}  // namespace
}  // namespace gatehouse::drivers
