// The statements' texts for MariaDB 10.6 and MySQL 8.0.
#pragma once

#include <string_view>

#include "drivers/sql.hpp"

namespace gatehouse::drivers {

[[nodiscard]] const StatementTexts& mysql_texts();

// Locks belong to the whole server: the name holds the database's.
inline constexpr std::string_view kMysqlLock =
    "SELECT GET_LOCK(CONCAT('gatehouse.', MD5(DATABASE())), 60)";
inline constexpr std::string_view kMysqlUnlock =
    "DO RELEASE_LOCK(CONCAT('gatehouse.', MD5(DATABASE())))";

inline constexpr std::string_view kMysqlMigrationTable =
    "CREATE TABLE IF NOT EXISTS schema_migration ("
    "version INT UNSIGNED NOT NULL COMMENT 'number of the file in sql/mysql', "
    "name VARCHAR(64) NOT NULL COMMENT 'name of the file', "
    "checksum CHAR(64) NOT NULL COMMENT 'SHA-256 of the file as it was applied', "
    "applied_at DATETIME NOT NULL DEFAULT (UTC_TIMESTAMP()) COMMENT 'UTC', "
    "PRIMARY KEY (version)) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin "
    "COMMENT = 'migrations applied; written by the server only'";

}  // namespace gatehouse::drivers
