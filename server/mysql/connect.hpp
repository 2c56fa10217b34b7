// Opens connections to MySQL servers: TLS, the session's settings, and which server of several.
#pragma once

#include <mysql.h>

#include <cstddef>
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "base/metrics.hpp"
#include "base/result.hpp"
#include "mysql/interrupt.hpp"
#include "mysql/options.hpp"

namespace gatehouse::mysql {

struct CloseHandle {
  void operator()(MYSQL* mysql) const { mysql_close(mysql); }
};
using Handle = std::unique_ptr<MYSQL, CloseHandle>;

// A connection to the first server of the options that takes one and, where several are named,
// takes writes. Tries each for its part of connect_timeout_ms, at least a second. kUnavailable
// names every server and why; `errors` counts the attempts that failed, nullptr: nobody does.
[[nodiscard]] Result<Handle> connect(const Options& options, Metric* errors);

// A connection for statements that are not this store's: to the one host of the options, with
// the server's own settings, several statements in a query, and rows matched as affected rows.
// connect_timeout_ms bounds all of it but looking up the host's name. `charset` empty: the
// server's default. kUnavailable says why, kClosed when it was interrupted.
[[nodiscard]] Result<Handle> connect_client(const Clock& clock, const Options& options,
                                            const std::string& charset, Interrupt& interrupt);

// The session's max_allowed_packet: what a larger statement brings is the end of the connection,
// often without the server's reason. 0: it does not say.
[[nodiscard]] std::size_t read_packet_bytes_max(MYSQL* mysql);

// As far as can be told without asking the server.
[[nodiscard]] bool closed_by_server(MYSQL* mysql);

// Before the first use of the library; further calls do nothing. Any thread.
void start_library();

}  // namespace gatehouse::mysql
