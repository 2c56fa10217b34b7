// The driver for SQLite, the embedded database of the quickstart.
#pragma once

#include <memory>

#include "drivers/open.hpp"

namespace gatehouse::drivers {

// open() for Kind::kSqlite.
[[nodiscard]] Result<std::unique_ptr<store::Driver>> open_sqlite(const World& world,
                                                                 const store::Options& options,
                                                                 const DriverMetrics& metrics);

}  // namespace gatehouse::drivers
