// Opens connections to MySQL servers: TLS, the session's settings, and which server of several.
#pragma once

#include <mysql.h>

#include <memory>

#include "base/result.hpp"
#include "store/driver_metrics.hpp"
#include "store/open.hpp"

namespace gatehouse::store {

struct MysqlClose {
  void operator()(MYSQL* mysql) const { mysql_close(mysql); }
};
using MysqlHandle = std::unique_ptr<MYSQL, MysqlClose>;

// A connection to the first server of the options that takes one and, where several are named,
// takes writes. Tries each for its part of connect_timeout_ms, at least a second. kUnavailable
// names every server and why.
[[nodiscard]] Result<MysqlHandle> connect_mysql(const Options& options,
                                                const DriverMetrics& metrics);

}  // namespace gatehouse::store
