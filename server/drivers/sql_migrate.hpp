// Migrations over an SqlConnection, for both databases.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "drivers/sql.hpp"

namespace gatehouse::drivers {

// Driver::schema_version().
[[nodiscard]] Result<std::uint32_t> sql_schema_version(SqlConnection& connection);

// Driver::missing_migrations(), with the files of `folder`.
[[nodiscard]] Result<std::uint32_t> sql_missing_migrations(SqlConnection& connection,
                                                           const std::string& folder);

// Driver::migrate(), on a second connection like `connection`, with the files of `folder`.
// table: the statement that makes schema_migration when it is missing.
[[nodiscard]] Result<std::uint32_t> sql_migrate(SqlConnection& connection,
                                                const std::string& folder, std::string_view table);

}  // namespace gatehouse::drivers
