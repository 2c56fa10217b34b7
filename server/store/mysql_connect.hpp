// Opens connections to MySQL servers: TLS, the session's settings, and which server of several.
#pragma once

#include <mysql.h>

#include <cstddef>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "store/driver_metrics.hpp"
#include "store/mysql_interrupt.hpp"
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

// A connection for statements that are not this store's: to the one host of the options, with
// the server's own settings, several statements in a query, and rows matched as affected rows.
// connect_timeout_ms bounds all of it but looking up the host's name. `charset` empty: the
// server's default. kUnavailable says why, kClosed when it was interrupted.
[[nodiscard]] Result<MysqlHandle> connect_mysql_client(const Options& options,
                                                       const std::string& charset,
                                                       MysqlInterrupt& interrupt);

// The session's max_allowed_packet: what a larger statement brings is the end of the connection,
// often without the server's reason. 0: it does not say.
[[nodiscard]] std::size_t read_packet_bytes_max(MYSQL* mysql);

// As far as can be told without asking the server.
[[nodiscard]] bool closed_by_server(MYSQL* mysql);

// Before the first use of the library; further calls do nothing. Any thread.
void start_mysql_library();

}  // namespace gatehouse::store
