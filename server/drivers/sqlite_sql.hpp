// The statements' texts for SQLite 3.37 or later.
#pragma once

#include <string_view>

#include "drivers/sql.hpp"

namespace gatehouse::drivers {

[[nodiscard]] const StatementTexts& sqlite_texts();

inline constexpr std::string_view kSqliteMigrationTable =
    "CREATE TABLE IF NOT EXISTS schema_migration ("
    "version INTEGER PRIMARY KEY NOT NULL, name TEXT NOT NULL, checksum TEXT NOT NULL, "
    "applied_at INTEGER NOT NULL DEFAULT (unixepoch())) STRICT";

}  // namespace gatehouse::drivers
