#include "mysql/error.hpp"

#include <errmsg.h>
#include <fmt/format.h>
#include <mysql.h>
#include <mysqld_error.h>

namespace gatehouse::mysql {
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
  return client_error(number) || number == ER_SERVER_SHUTDOWN || number == ER_CONNECTION_KILLED ||
         number == ER_NORMAL_SHUTDOWN;
}

bool statement_stale(unsigned number) {
  return number == ER_UNKNOWN_STMT_HANDLER || number == ER_NEED_REPREPARE;
}

bool server_read_only(unsigned number) {
  return number == ER_OPTION_PREVENTS_STATEMENT || number == ER_READ_ONLY_MODE ||
         number == ER_OPEN_AS_READONLY || number == ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION;
}

bool too_big(unsigned number) {
  return number == ER_NET_PACKET_TOO_LARGE || number == CR_NET_PACKET_TOO_LARGE ||
         number == ER_WARN_ALLOWED_PACKET_OVERFLOWED || number == ER_TOO_BIG_ROWSIZE ||
         number == ER_UNDO_RECORD_TOO_BIG || number == kTooBigByUs;
}

namespace {

// A value that a column does not take. The text of the first names the column alone.
bool refuses_value(unsigned number, bool& nameable) {
  switch (number) {
    case ER_DATA_TOO_LONG:
    case ER_WARN_DATA_OUT_OF_RANGE:
    case WARN_DATA_TRUNCATED:
    case ER_CONSTRAINT_FAILED:
    case ER_BAD_NULL_ERROR:
    case kErrorCheckMysql:
      nameable = true;
      return true;
    case ER_TRUNCATED_WRONG_VALUE:
    case ER_TRUNCATED_WRONG_VALUE_FOR_FIELD:
    case ER_WRONG_VALUE_FOR_TYPE:
    case ER_INVALID_CHARACTER_STRING:
      nameable = false;
      return true;
    default:
      return false;
  }
}

// Rights, tables, columns and engines that are not as this program needs them: nobody but an
// operator changes that, and the statement did not run.
bool refuses_for_good(unsigned number) {
  switch (number) {
    case ER_ACCESS_DENIED_ERROR:
    case ER_ACCESS_DENIED_NO_PASSWORD_ERROR:
    case ER_DBACCESS_DENIED_ERROR:
    case ER_TABLEACCESS_DENIED_ERROR:
    case ER_COLUMNACCESS_DENIED_ERROR:
    case ER_SPECIFIC_ACCESS_DENIED_ERROR:
    case ER_PROCACCESS_DENIED_ERROR:
    case ER_MUST_CHANGE_PASSWORD:
    case ER_ACCOUNT_HAS_BEEN_LOCKED:
    case ER_NO_DB_ERROR:
    case ER_BAD_DB_ERROR:
    case ER_NO_SUCH_TABLE:
    case ER_NO_SUCH_TABLE_IN_ENGINE:
    case ER_BAD_FIELD_ERROR:
    case ER_NO_DEFAULT_FOR_FIELD:
    case ER_WRONG_VALUE_COUNT_ON_ROW:
    case ER_WRONG_OBJECT:
    case ER_NON_UPDATABLE_TABLE:
    case ER_VIEW_INVALID:
    case ER_VIEW_NO_INSERT_FIELD_LIST:
    case ER_SP_DOES_NOT_EXIST:
    case ER_UNKNOWN_STORAGE_ENGINE:
    case ER_ILLEGAL_HA:
    case ER_SIGNAL_EXCEPTION:
    case ER_PARSE_ERROR:
      return true;
    default:
      return false;
  }
}

// A table whose file is damaged.
bool damaged(unsigned number) {
  switch (number) {
    case ER_NOT_KEYFILE:
    case ER_OLD_KEYFILE:
    case ER_CRASHED_ON_USAGE:
    case ER_CRASHED_ON_REPAIR:
    case ER_TABLE_CORRUPT:
    case ER_INDEX_CORRUPT:
      return true;
    default:
      return false;
  }
}

// What goes away by itself, or when somebody makes room: busy, full, locked, interrupted.
bool goes_away(unsigned number) {
  switch (number) {
    case ER_CON_COUNT_ERROR:
    case ER_TOO_MANY_USER_CONNECTIONS:
    case ER_USER_LIMIT_REACHED:
    case ER_OUTOFMEMORY:
    case ER_OUT_OF_RESOURCES:
    case ER_DISK_FULL:
    case ER_ERROR_ON_WRITE:
    case ER_RECORD_FILE_FULL:
    case ER_GET_ERRNO:
    case ER_ERROR_DURING_COMMIT:
    case ER_LOCK_WAIT_TIMEOUT:
    case ER_LOCK_DEADLOCK:
    case ER_LOCK_TABLE_FULL:
    case ER_CHECKREAD:
    case ER_QUERY_INTERRUPTED:
    case ER_STATEMENT_TIMEOUT:
    case ER_TOO_MANY_CONCURRENT_TRXS:
      return true;
    default:
      return connection_lost(number) || server_read_only(number);
  }
}

}  // namespace

Error error_of(const ServerError& error) {
  const unsigned number = error.number;
  if (number == ER_DUP_ENTRY) return {Errc::kExists, "the row exists already"};
  if (number == ER_NO_REFERENCED_ROW || number == ER_NO_REFERENCED_ROW_2)
    return {Errc::kNotFound, "the account does not exist"};
  if (number == kTooBigByUs) return {Errc::kTooBig, error.text};
  bool nameable = true;
  const bool value = refuses_value(number, nameable);
  const std::string text = nameable ? fmt::format("MySQL: {} (error {})", error.text, number)
                                    : fmt::format("MySQL refuses a value (error {})", number);
  if (too_big(number)) return {Errc::kTooBig, text};
  if (value) return {Errc::kInvalid, text};
  if (refuses_for_good(number)) return {Errc::kRefused, text};
  if (damaged(number)) return {Errc::kCorrupt, text};
  return {goes_away(number) ? Errc::kUnavailable : Errc::kIo, text};
}

std::string connect_error_text(const ServerError& error, bool tls, std::string_view tls_setting) {
  const auto with = [&error](std::string_view hint) {
    return fmt::format("{} (error {}){}", error.text, error.number, hint);
  };
  switch (error.number) {
    case kRefusedByUs:
      return error.text;
    case CR_AUTH_PLUGIN_CANNOT_LOAD:
      return with(
          " (the plugins of libmariadb3 are looked for in its own folder, or in "
          "MARIADB_PLUGIN_DIR)");
    case CR_PLUGIN_NOT_ALLOWED:
      // The library's text quotes memory that holds something else by then (version 3.3).
      return fmt::format(
          "it asks for a login method that is used with {} \"verify\" only, "
          "because it may show the password to the server (error {})",
          tls_setting, error.number);
    case CR_AUTH_PLUGIN_ERR:
    case ER_ACCESS_DENIED_ERROR:
    case kErrorInsecureTransport:
      return with(tls ? "" : fmt::format(" (a login that needs TLS needs {})", tls_setting));
    default:
      return with("");
  }
}

}  // namespace gatehouse::mysql
