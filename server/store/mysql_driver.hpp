// The driver for MySQL and MariaDB.
#pragma once

#include <memory>

#include "base/metrics.hpp"
#include "store/open.hpp"

namespace gatehouse::store {

// open() for Kind::kMysql.
[[nodiscard]] Result<std::unique_ptr<Driver>> open_mysql(const Options& options, Metric* errors);

}  // namespace gatehouse::store
