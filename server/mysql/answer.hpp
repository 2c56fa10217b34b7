// What the MySQL connections of scripts are asked and what they answer; without libmariadb's
// types, so that other layers can build their own values of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace gatehouse::mysql {

using Parameter = std::variant<std::nullptr_t, bool, std::int64_t, double, std::string>;

struct Request {
  enum class Kind {
    kConnect,         // the one request that makes a connection
    kQuery,           // `text`: one or several statements
    kPrepare,         // `text`
    kExecute,         // `statement` with `parameters`
    kReset,           // `statement`
    kCloseStatement,  // `statement`
    kPing,
  };
  Kind kind = Kind::kQuery;
  std::uint32_t requester = 0;  // with the session, names the answer
  std::int32_t session = 0;     // 0: no answer is wanted
  std::uint32_t statement = 0;
  std::string text;
  std::vector<Parameter> parameters;
};

// A value of a row. Bytes are in the set's `bytes`.
struct Cell {
  enum class Type : std::uint8_t { kNull, kInteger, kNumber, kBytes };
  Type type = Type::kNull;
  std::uint32_t size = 0;
  union {
    std::int64_t integer = 0;
    double number;
    std::uint64_t offset;
  };
};

// What one statement gave: rows, or that it is done.
struct ResultSet {
  std::vector<std::string> columns;  // empty: no rows, but the numbers below
  std::vector<Cell> cells;           // row by row
  std::string bytes;

  std::uint64_t affected_rows = 0;  // those that matched, also where nothing changed
  std::uint64_t insert_id = 0;
  std::uint32_t server_status = 0;
  std::uint32_t warning_count = 0;
  std::string message;

  [[nodiscard]] std::string_view text(const Cell& cell) const {
    return std::string_view(bytes).substr(cell.offset, cell.size);
  }
};

struct Column {
  std::string name;
  std::uint32_t type = 0;  // MySQL's protocol, column types
  bool is_signed = true;
};

// A statement that was prepared. Its number is ours and stays when a new connection prepares
// it again.
struct Prepared {
  std::uint32_t id = 0;
  std::uint32_t parameters = 0;
  std::uint32_t warning_count = 0;
  std::vector<Column> columns;
};

struct Answer {
  enum class Outcome {
    kDone,
    kRefused,  // the server refused the statement, or the one after `sets`
    kLost,     // the connection is gone; the statement may have run
    kAway,     // there is no connection; the statement did not run
  };
  std::uint32_t requester = 0;
  std::int32_t session = 0;
  Outcome outcome = Outcome::kDone;
  std::uint32_t error_number = 0;
  std::string sql_state;
  std::string error_text;
  std::vector<ResultSet> sets;
  std::optional<Prepared> prepared;
  std::string server_version;  // of kConnect
};

}  // namespace gatehouse::mysql
