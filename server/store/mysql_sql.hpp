// The statements' texts for MariaDB 10.6 and MySQL 8.0.
#pragma once

#include <string_view>

#include "store/sql.hpp"

namespace gatehouse::store {

[[nodiscard]] const StatementTexts& mysql_texts();

// What every connection sets: strict types, UTC, and a bound on waiting for locks.
// `{}` stands for the seconds of that bound.
inline constexpr std::string_view kMysqlSession =
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,"
    "NO_ENGINE_SUBSTITUTION', time_zone = '+00:00', autocommit = 1, "
    "innodb_lock_wait_timeout = {}";

// Names and values of the switches by which a server refuses writes. MariaDB, MySQL and TiDB
// have different ones, and asking for one by name fails where it is missing.
inline constexpr std::string_view kMysqlReadOnly =
    "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('read_only', 'super_read_only', "
    "'innodb_read_only', 'tidb_restricted_read_only', 'tidb_super_read_only')";

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

}  // namespace gatehouse::store
