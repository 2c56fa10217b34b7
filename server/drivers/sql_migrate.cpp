#include "drivers/sql_migrate.hpp"

#include <fmt/format.h>

#include <memory>
#include <vector>

#include "drivers/migrations.hpp"

namespace gatehouse::drivers {
namespace {

Result<std::vector<Migration>> applied_migrations(SqlConnection& connection) {
  std::int64_t tables = 0;
  auto ran = connection.run(Statement::kHasMigrations, {}, Repeat::kYes,
                            [&](const SqlRow& row) { tables = row.integer(0); });
  if (!ran) return tl::unexpected(ran.error());
  std::vector<Migration> applied;
  if (tables == 0) return applied;
  ran = connection.run(Statement::kListMigrations, {}, Repeat::kYes, [&](const SqlRow& row) {
    applied.push_back({.version = static_cast<std::uint32_t>(row.integer(0)),
                       .name = std::string(row.bytes(1)),
                       .checksum = std::string(row.bytes(2)),
                       .sql = {}});
  });
  if (!ran) return tl::unexpected(ran.error());
  return applied;
}

Result<> apply(SqlConnection& connection, const Migration& migration) {
  if (auto ran = connection.run_script(migration.sql); !ran)
    return fail(ran.error().code, fmt::format("migration {} ({}): {}", migration.version,
                                              migration.name, ran.error().message));
  const SqlValue values[] = {std::uint64_t{migration.version}, SqlText{migration.name},
                             SqlText{migration.checksum}};
  auto added = connection.run(Statement::kAddMigration, values, Repeat::kNo, {});
  if (!added) return tl::unexpected(added.error());
  return {};
}

// Under the lock: brings the database up to `files`.
Result<std::uint32_t> apply_pending(SqlConnection& connection, std::string_view table,
                                    const std::vector<Migration>& files) {
  auto applied = applied_migrations(connection);
  if (!applied) return tl::unexpected(applied.error());
  auto pending = pending_migrations(files, *applied);
  if (!pending) return tl::unexpected(pending.error());
  if (!pending->empty()) {
    if (auto made = connection.run_script(table); !made) return tl::unexpected(made.error());
  }
  for (const Migration& migration : *pending)
    if (auto done = apply(connection, migration); !done) return tl::unexpected(done.error());
  return files.back().version;
}

}  // namespace

Result<std::uint32_t> sql_schema_version(SqlConnection& connection) {
  auto applied = applied_migrations(connection);
  if (!applied) return tl::unexpected(applied.error());
  return applied->empty() ? 0 : applied->back().version;
}

Result<std::uint32_t> sql_missing_migrations(SqlConnection& connection, const std::string& folder) {
  auto files = load_migrations(folder);
  if (!files) return tl::unexpected(files.error());
  auto applied = applied_migrations(connection);
  if (!applied) return tl::unexpected(applied.error());
  auto pending = pending_migrations(*files, *applied);
  if (!pending) return tl::unexpected(pending.error());
  return static_cast<std::uint32_t>(pending->size());
}

Result<std::uint32_t> sql_migrate(SqlConnection& connection, const std::string& folder,
                                  std::string_view table) {
  auto own = connection.open_for_migration();
  if (!own) return tl::unexpected(own.error());
  auto files = load_migrations(folder);
  if (!files) return tl::unexpected(files.error());
  if (auto locked = (*own)->lock_migrations(); !locked) return tl::unexpected(locked.error());
  auto version = apply_pending(**own, table, *files);
  auto unlocked = (*own)->unlock_migrations(version.has_value());
  if (version && !unlocked) return tl::unexpected(unlocked.error());
  return version;
}

}  // namespace gatehouse::drivers
