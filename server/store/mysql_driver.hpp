// The driver for MySQL and MariaDB.
#pragma once

#include <memory>

#include "store/open.hpp"

namespace gatehouse::store {

// open() for Kind::kMysql.
[[nodiscard]] Result<std::unique_ptr<Driver>> open_mysql(const Options& options,
                                                      const DriverMetrics& metrics);

}  // namespace gatehouse::store
