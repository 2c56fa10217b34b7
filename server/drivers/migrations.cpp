#include "drivers/migrations.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string_view>

#include "base/file_text.hpp"
#include "crypto/digest.hpp"
#include "crypto/encoding.hpp"

namespace gatehouse::drivers {
namespace {

// Version and name of `NNNN_name.sql`.
std::optional<Migration> parse_file_name(std::string_view file) {
  if (!file.ends_with(".sql") || file.size() < 10 || file[4] != '_') return std::nullopt;
  Migration migration;
  for (const char c : file.substr(0, 4)) {
    if (c < '0' || c > '9') return std::nullopt;
    migration.version = migration.version * 10 + static_cast<std::uint32_t>(c - '0');
  }
  migration.name = file.substr(5, file.size() - 9);
  if (migration.name.size() > 64) return std::nullopt;
  return migration;
}

constexpr std::size_t kMigrationBytesMax = 4u << 20;

}  // namespace

Result<std::vector<Migration>> load_migrations(const std::string& folder) {
  std::error_code error;
  std::filesystem::directory_iterator entries(folder, error);
  if (error)
    return fail(Errc::kNotFound,
                fmt::format("cannot read the migrations in {}: {}", folder, error.message()));
  std::vector<Migration> migrations;
  for (const auto& entry : entries) {
    const std::string file = entry.path().filename().string();
    if (!file.ends_with(".sql")) continue;
    auto migration = parse_file_name(file);
    if (!migration)
      return fail(Errc::kInvalid,
                  fmt::format("{}/{} is not named like 0001_name.sql", folder, file));
    auto read = read_file(entry.path().string(), kMigrationBytesMax);
    if (!read) return fail(Errc::kIo, read.error().message);
    migration->checksum = crypto::hex_encode(crypto::sha256(read->text));
    migration->sql = std::move(read->text);
    migrations.push_back(std::move(*migration));
  }
  if (migrations.empty()) return fail(Errc::kNotFound, fmt::format("no migration in {}", folder));
  std::ranges::sort(migrations, {}, &Migration::version);
  for (std::size_t i = 0; i < migrations.size(); ++i)
    if (migrations[i].version != i + 1)
      return fail(Errc::kInvalid,
                  fmt::format("the migrations in {} are not numbered from 1 "
                              "without a gap: {:04} is missing or there twice",
                              folder, std::min<std::size_t>(i + 1, migrations[i].version)));
  return migrations;
}

Result<std::vector<Migration>> pending_migrations(const std::vector<Migration>& files,
                                                  const std::vector<Migration>& applied) {
  for (std::size_t i = 0; i < applied.size(); ++i) {
    const Migration& was = applied[i];
    if (was.version > files.size())
      return fail(Errc::kInvalid,
                  fmt::format("the database has migration {} ({}), this program knows none above "
                              "{}: it is older than the database",
                              was.version, was.name, files.size()));
    if (was.version != i + 1)
      return fail(Errc::kInvalid,
                  fmt::format("migration {} is missing in schema_migration", i + 1));
    if (was.checksum != files[i].checksum)
      return fail(Errc::kInvalid,
                  fmt::format("migration {} ({}) has changed since it was applied: "
                              "checksum {} applied, {} in the file",
                              was.version, was.name, was.checksum, files[i].checksum));
  }
  return std::vector<Migration>(files.begin() + static_cast<std::ptrdiff_t>(applied.size()),
                                files.end());
}

}  // namespace gatehouse::drivers
