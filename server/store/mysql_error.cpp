#include "store/mysql_error.hpp"

#include <errmsg.h>
#include <fmt/format.h>
#include <mysql.h>
#include <mysqld_error.h>

namespace gatehouse::store {
namespace {

// Numbers of MySQL 8 that MariaDB's header lacks.
constexpr unsigned kErrorCheckMysql = 3819;
constexpr unsigned kErrorInsecureTransport = 3159;

}  // namespace

bool client_error(unsigned number) {
  return (number >= CR_MIN_ERROR && number <= CR_MAX_ERROR) || number == CR_ERR_NET_READ ||
         number == CR_ERR_NET_WRITE;
}

bool connection_lost(unsigned number) {
  return client_error(number) || number == ER_SERVER_SHUTDOWN ||
         number == ER_CONNECTION_KILLED || number == ER_NORMAL_SHUTDOWN;
}

bool statement_stale(unsigned number) {
  return number == ER_UNKNOWN_STMT_HANDLER || number == ER_NEED_REPREPARE;
}

bool server_read_only(unsigned number) {
  return number == ER_OPTION_PREVENTS_STATEMENT || number == ER_READ_ONLY_MODE ||
         number == ER_OPEN_AS_READONLY || number == ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION;
}

Error error_of(const MysqlError& error) {
  switch (error.number) {
    case ER_DUP_ENTRY: return {Errc::kExists, "the row exists already"};
    case ER_NO_REFERENCED_ROW:
    case ER_NO_REFERENCED_ROW_2: return {Errc::kNotFound, "the account does not exist"};
    case ER_DATA_TOO_LONG:
    case ER_TRUNCATED_WRONG_VALUE:
    case ER_TRUNCATED_WRONG_VALUE_FOR_FIELD:
    case ER_WARN_DATA_OUT_OF_RANGE:
    case ER_INVALID_CHARACTER_STRING:
    case ER_NET_PACKET_TOO_LARGE:
    case WARN_DATA_TRUNCATED:
    case ER_CONSTRAINT_FAILED:
    case kErrorCheckMysql:
      return {Errc::kInvalid, fmt::format("MySQL refuses a value (error {})", error.number)};
    case ER_NO_SUCH_TABLE:
    case ER_BAD_FIELD_ERROR:
      return {Errc::kUnavailable,
              fmt::format("the database is not migrated: {} (error {})", error.text, error.number)};
    case ER_CON_COUNT_ERROR:
    case ER_DBACCESS_DENIED_ERROR:
    case ER_ACCESS_DENIED_ERROR:
    case ER_TABLEACCESS_DENIED_ERROR:
    case ER_NO_DB_ERROR:
    case ER_BAD_DB_ERROR:
    case ER_DISK_FULL:
    case ER_RECORD_FILE_FULL:
    case ER_GET_ERRNO:
    case ER_LOCK_WAIT_TIMEOUT:
    case ER_LOCK_DEADLOCK:
    case ER_QUERY_INTERRUPTED:
    case ER_TOO_MANY_USER_CONNECTIONS:
    case ER_USER_LIMIT_REACHED:
      return {Errc::kUnavailable, fmt::format("MySQL: {} (error {})", error.text, error.number)};
    default: break;
  }
  const bool away = connection_lost(error.number) || server_read_only(error.number);
  return {away ? Errc::kUnavailable : Errc::kIo,
          fmt::format("MySQL: {} (error {})", error.text, error.number)};
}

std::string connect_error_text(const MysqlError& error, bool tls, std::string_view tls_setting) {
  const auto with = [&error](std::string_view hint) {
    return fmt::format("{} (error {}){}", error.text, error.number, hint);
  };
  switch (error.number) {
    case kRefusedByUs: return error.text;
    case CR_AUTH_PLUGIN_CANNOT_LOAD:
      return with(" (the plugins of libmariadb3 are looked for in its own folder, or in "
                  "MARIADB_PLUGIN_DIR)");
    case CR_PLUGIN_NOT_ALLOWED:
      // The library's text quotes memory that holds something else by then (version 3.3).
      return fmt::format("it asks for a login method that is used with {} \"verify\" only, "
                         "because it may show the password to the server (error {})",
                         tls_setting, error.number);
    case CR_AUTH_PLUGIN_ERR:
    case ER_ACCESS_DENIED_ERROR:
    case kErrorInsecureTransport:
      return with(tls ? "" : fmt::format(" (a login that needs TLS needs {})", tls_setting));
    default: return with("");
  }
}

}  // namespace gatehouse::store
