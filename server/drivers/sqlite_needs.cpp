#include <sqlite3.h>

#include <string_view>

#include "drivers/needs.hpp"
#include "drivers/sql.hpp"
#include "drivers/sqlite_file.hpp"
#include "drivers/sqlite_sql.hpp"

namespace gatehouse::drivers {

// SQLite checks tables and columns when it prepares a statement.
Result<std::vector<Need>> sqlite_unmet_needs(const store::Options& options) {
  sqlite3* db = nullptr;
  int code = sqlite3_open_v2(options.sqlite.path.c_str(), &db,
                             SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  if (code != SQLITE_OK) {
    const Error error = sqlite_error(code, db ? sqlite3_errmsg(db) : "out of memory");
    sqlite3_close(db);
    return tl::unexpected(error);
  }
  sqlite3_extended_result_codes(db, 1);
  sqlite3_busy_timeout(db, static_cast<int>(options.io_timeout_ms));
  // Whoever has the file open decides about its checkpoints.
  sqlite3_wal_autocheckpoint(db, 0);
  sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  std::vector<Need> unmet;
  for (const auto& [statement, fatal] : needed_statements()) {
    const std::string_view text = sqlite_texts()[static_cast<std::size_t>(statement)];
    sqlite3_stmt* prepared = nullptr;
    code = sqlite3_prepare_v2(db, text.data(), static_cast<int>(text.size()), &prepared, nullptr);
    sqlite3_finalize(prepared);
    if (code == SQLITE_OK) continue;
    const Error said = sqlite_error(code, sqlite3_errmsg(db), sqlite3_system_errno(db));
    if (said.code != Errc::kUnavailable)
      unmet.push_back({fatal, said.message + "; tables and columns are made by: gatectl migrate"});
  }
  sqlite3_close(db);
  return unmet;
}

}  // namespace gatehouse::drivers
