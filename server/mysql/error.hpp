// What the numbers of MySQL's errors mean for this store.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace gatehouse::mysql {

// What the library or the server reported; number 0: nothing went wrong.
struct ServerError {
  unsigned number = 0;
  std::string text;  // may quote values: error_of() says when it may be shown
};

// Stands for no number of the library: this store does not use the connection.
inline constexpr unsigned kRefusedByUs = 1;
// Nor for this one: more bytes than the server takes, so that nothing was sent.
inline constexpr unsigned kTooBigByUs = 2;

// The error as the caller sees it, in the classes of driver.hpp, with the database's words but
// without the values that may have caused it.
[[nodiscard]] Error error_of(const ServerError& error);

// The connection is of no use any more; whether the statement was applied is unknown.
[[nodiscard]] bool connection_lost(unsigned number);

// The server has forgotten the statement, or a table of it was altered: it did not run.
[[nodiscard]] bool statement_stale(unsigned number);

// The server takes no writes, as a replica or a primary that was replaced: it did not run.
[[nodiscard]] bool server_read_only(unsigned number);

// More bytes than the server, its packets or a row take: nothing was done.
[[nodiscard]] bool too_big(unsigned number);

// The error is the library's, not the server's answer.
[[nodiscard]] bool client_error(unsigned number);

// Why an attempt to connect ended, and what ops can do about it. tls: whether it was encrypted;
// tls_setting: what that setting is called where the caller has it.
[[nodiscard]] std::string connect_error_text(const ServerError& error, bool tls,
                                             std::string_view tls_setting = "store.mysql.tls");

}  // namespace gatehouse::mysql
