// The driver for SQLite, the embedded database of the quickstart.
#pragma once

#include <memory>

#include "store/open.hpp"

namespace gatehouse::store {

// open() for Kind::kSqlite.
[[nodiscard]] Result<std::unique_ptr<Driver>> open_sqlite(const Options& options,
                                                       const DriverMetrics& metrics);

}  // namespace gatehouse::store
