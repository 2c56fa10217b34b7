// What goes into an SQL statement and comes out of it, whatever the database.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <variant>

namespace gatehouse {

// Text is UTF-8 and compared by the column's rule, bytes are anything. Both point to memory of
// the caller that lasts for the call.
struct SqlText {
  std::string_view value;
};
struct SqlBytes {
  std::string_view value;
};
using SqlValue = std::variant<std::nullptr_t, std::int64_t, std::uint64_t, SqlText, SqlBytes>;

// One row of a result, valid inside the call that hands it out. Null reads as 0 or empty.
class SqlRow {
 public:
  virtual ~SqlRow() = default;
  [[nodiscard]] virtual bool is_null(int column) const = 0;
  [[nodiscard]] virtual std::int64_t integer(int column) const = 0;
  [[nodiscard]] virtual std::string_view bytes(int column) const = 0;
};

struct SqlOutcome {
  std::uint64_t matched = 0;    // rows that a write found, changed or not
  std::uint64_t insert_id = 0;  // MySQL's LAST_INSERT_ID
  bool repeated = false;        // it ran once before, on a connection that was lost: done or not
};

using SqlVisitor = std::function<void(const SqlRow&)>;

}  // namespace gatehouse
