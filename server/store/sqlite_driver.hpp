// The driver for SQLite, the embedded database of the quickstart.
#pragma once

#include <memory>

#include "base/metrics.hpp"
#include "store/open.hpp"

namespace gatehouse::store {

// open() for Kind::kSqlite.
[[nodiscard]] Result<std::unique_ptr<Driver>> open_sqlite(const Options& options, Metric* errors);

}  // namespace gatehouse::store
