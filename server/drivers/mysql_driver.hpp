// The driver for MySQL and MariaDB.
#pragma once

#include <memory>

#include "drivers/open.hpp"

namespace gatehouse::drivers {

// The part of the options that connections need.
[[nodiscard]] mysql::Options connection_options(const store::Options& options);

// open() for Kind::kMysql.
[[nodiscard]] Result<std::unique_ptr<store::Driver>> open_mysql(const World& world,
                                                                const store::Options& options,
                                                                const DriverMetrics& metrics);

}  // namespace gatehouse::drivers
