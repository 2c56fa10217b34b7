// Migrations of the database: files `NNNN_name.sql`, numbered from 0001 without a gap, applied
// in order, forward only, each recorded with its SHA-256 in table `schema_migration`.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace gatehouse::drivers {

struct Migration {
  std::uint32_t version = 0;
  std::string name;      // "init" of 0001_init.sql
  std::string checksum;  // SHA-256 of the file, 64 hex digits
  std::string sql;       // empty for one read from schema_migration
};

// Reads a folder. kInvalid for a .sql file whose name does not fit, a number twice or a gap;
// kNotFound for no folder or no migration in it.
[[nodiscard]] Result<std::vector<Migration>> load_migrations(const std::string& folder);

// What of `files` is still to be applied to a database that has `applied` (both in order of
// version). kInvalid when the database is newer than the files, or was made by files that have
// changed since.
[[nodiscard]] Result<std::vector<Migration>> pending_migrations(
    const std::vector<Migration>& files, const std::vector<Migration>& applied);

}  // namespace gatehouse::drivers
