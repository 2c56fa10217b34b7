#include "mysql/rows.hpp"

#include <fmt/format.h>

#include <charconv>
#include <iterator>
#include <memory>

namespace gatehouse::mysql {
namespace {

bool is_number(enum_field_types type) {
  switch (type) {
    case MYSQL_TYPE_TINY:
    case MYSQL_TYPE_SHORT:
    case MYSQL_TYPE_INT24:
    case MYSQL_TYPE_LONG:
    case MYSQL_TYPE_LONGLONG:
    case MYSQL_TYPE_FLOAT:
    case MYSQL_TYPE_DOUBLE:
    case MYSQL_TYPE_YEAR:
    case MYSQL_TYPE_DECIMAL:
    case MYSQL_TYPE_NEWDECIMAL:
      return true;
    default:
      return false;
  }
}

bool is_time(enum_field_types type) {
  return type == MYSQL_TYPE_DATE || type == MYSQL_TYPE_TIME || type == MYSQL_TYPE_DATETIME ||
         type == MYSQL_TYPE_TIMESTAMP || type == MYSQL_TYPE_NEWDATE;
}

void add_columns(ResultSet& set, const MYSQL_FIELD* fields, unsigned count) {
  for (unsigned i = 0; i < count; ++i)
    set.columns.emplace_back(fields[i].name, fields[i].name_length);
}

Cell integer_cell(std::int64_t value) {
  Cell cell;
  cell.type = Cell::Type::kInteger;
  cell.integer = value;
  return cell;
}

Cell number_cell(double value) {
  Cell cell;
  cell.type = Cell::Type::kNumber;
  cell.number = value;
  return cell;
}

Cell bytes_cell(ResultSet& set, std::string_view bytes) {
  Cell cell;
  cell.type = Cell::Type::kBytes;
  cell.size = static_cast<std::uint32_t>(bytes.size());
  cell.offset = set.bytes.size();
  set.bytes.append(bytes);
  return cell;
}

Cell number_of(ResultSet& set, std::string_view text) {
  const char* const end = text.data() + text.size();
  std::int64_t integer = 0;
  if (const auto read = std::from_chars(text.data(), end, integer);
      read.ec == std::errc() && read.ptr == end)
    return integer_cell(integer);
  double number = 0;
  if (const auto read = std::from_chars(text.data(), end, number);
      read.ec == std::errc() && read.ptr == end)
    return number_cell(number);
  return bytes_cell(set, text);
}

// Notes the cost of a row; false when there is no room for it.
bool take_room(std::size_t bytes, std::size_t& bytes_left) {
  if (bytes > bytes_left) return false;
  bytes_left -= bytes;
  return true;
}

// A column of a prepared statement's result, and where the library puts its value.
struct Bound {
  enum class Kind { kInteger, kNumber, kTime, kText, kNumberText };
  Kind kind = Kind::kText;
  unsigned decimals = 0;
  enum_field_types type = MYSQL_TYPE_STRING;
  long long integer = 0;
  double number = 0;
  MYSQL_TIME time{};
  unsigned long length = 0;
  my_bool is_null = 0;
  my_bool is_cut = 0;
};

Bound::Kind kind_of(const MYSQL_FIELD& field) {
  if (field.type == MYSQL_TYPE_FLOAT || field.type == MYSQL_TYPE_DOUBLE)
    return Bound::Kind::kNumber;
  if (field.type == MYSQL_TYPE_DECIMAL || field.type == MYSQL_TYPE_NEWDECIMAL)
    return Bound::Kind::kNumberText;
  if (is_number(field.type)) return Bound::Kind::kInteger;
  return is_time(field.type) ? Bound::Kind::kTime : Bound::Kind::kText;
}

MYSQL_BIND bind_column(Bound& column, const MYSQL_FIELD& field) {
  column.kind = kind_of(field);
  column.type = field.type;
  column.decimals = field.decimals;
  MYSQL_BIND bind{};
  bind.length = &column.length;
  bind.is_null = &column.is_null;
  bind.error = &column.is_cut;
  switch (column.kind) {
    case Bound::Kind::kInteger:
      bind.buffer_type = MYSQL_TYPE_LONGLONG;
      bind.is_unsigned = (field.flags & UNSIGNED_FLAG) != 0;
      bind.buffer = &column.integer;
      break;
    case Bound::Kind::kNumber:
      bind.buffer_type = MYSQL_TYPE_DOUBLE;
      bind.buffer = &column.number;
      break;
    case Bound::Kind::kTime:
      bind.buffer_type = field.type;
      bind.buffer = &column.time;
      bind.buffer_length = sizeof column.time;
      break;
    case Bound::Kind::kText:
    case Bound::Kind::kNumberText:
      // Without room: the length comes first, then the value.
      bind.buffer_type = MYSQL_TYPE_STRING;
      break;
  }
  return bind;
}

std::string time_text(const Bound& column) {
  const MYSQL_TIME& time = column.time;
  std::string text;
  auto out = std::back_inserter(text);
  const bool has_date = column.type != MYSQL_TYPE_TIME;
  if (has_date) fmt::format_to(out, "{:04}-{:02}-{:02}", time.year, time.month, time.day);
  if (column.type == MYSQL_TYPE_DATE || column.type == MYSQL_TYPE_NEWDATE) return text;
  if (has_date) {
    text += ' ';
  } else if (time.neg) {
    text += '-';
  }
  const unsigned hours = time.hour + (has_date ? 0 : time.day * 24);
  fmt::format_to(out, "{:02}:{:02}:{:02}", hours, time.minute, time.second);
  constexpr unsigned kDecimalsMax = 6;
  if (column.decimals > 0 && column.decimals <= kDecimalsMax)
    text += fmt::format(".{:06}", time.second_part).substr(0, column.decimals + 1);
  return text;
}

// The value of a column whose bytes have still to be fetched; false: the library has the error.
bool fetch_text(MYSQL_STMT* statement, unsigned index, const Bound& column, ResultSet& set,
                Cell& cell) {
  std::string text(column.length, '\0');
  MYSQL_BIND bind{};
  unsigned long length = 0;
  my_bool is_null = 0;
  my_bool is_cut = 0;
  bind.buffer_type = MYSQL_TYPE_STRING;
  bind.buffer = text.data();
  bind.buffer_length = column.length;
  bind.length = &length;
  bind.is_null = &is_null;
  bind.error = &is_cut;
  if (!text.empty() && mysql_stmt_fetch_column(statement, &bind, index, 0) != 0) return false;
  cell = column.kind == Bound::Kind::kNumberText ? number_of(set, text) : bytes_cell(set, text);
  return true;
}

bool add_cell(MYSQL_STMT* statement, unsigned index, const Bound& column, ResultSet& set) {
  Cell cell;
  if (column.is_null == 0) {
    switch (column.kind) {
      case Bound::Kind::kInteger:
        cell = integer_cell(column.integer);
        break;
      case Bound::Kind::kNumber:
        cell = number_cell(column.number);
        break;
      case Bound::Kind::kTime:
        cell = bytes_cell(set, time_text(column));
        break;
      case Bound::Kind::kText:
      case Bound::Kind::kNumberText:
        if (!fetch_text(statement, index, column, set, cell)) return false;
    }
  }
  set.cells.push_back(cell);
  return true;
}

}  // namespace

RowsEnd read_text_rows(MYSQL* mysql, MYSQL_RES* result, ResultSet& set, std::size_t& bytes_left) {
  const unsigned count = mysql_num_fields(result);
  const MYSQL_FIELD* const fields = mysql_fetch_fields(result);
  add_columns(set, fields, count);
  while (const MYSQL_ROW row = mysql_fetch_row(result)) {
    const unsigned long* const lengths = mysql_fetch_lengths(result);
    std::size_t bytes = count * sizeof(Cell);
    for (unsigned i = 0; i < count; ++i) bytes += lengths[i];
    if (!take_room(bytes, bytes_left)) return RowsEnd::kTooLarge;
    for (unsigned i = 0; i < count; ++i) {
      if (row[i] == nullptr) {
        set.cells.emplace_back();
        continue;
      }
      const std::string_view text(row[i], lengths[i]);
      set.cells.push_back(is_number(fields[i].type) ? number_of(set, text) : bytes_cell(set, text));
    }
  }
  return mysql_errno(mysql) == 0 ? RowsEnd::kDone : RowsEnd::kFailed;
}

RowsEnd read_binary_rows(MYSQL_STMT* statement, ResultSet& set, std::size_t& bytes_left) {
  const std::unique_ptr<MYSQL_RES, FreeResult> metadata(mysql_stmt_result_metadata(statement));
  if (!metadata) return RowsEnd::kFailed;
  const unsigned count = mysql_num_fields(metadata.get());
  const MYSQL_FIELD* const fields = mysql_fetch_fields(metadata.get());
  add_columns(set, fields, count);
  std::vector<Bound> columns(count);
  std::vector<MYSQL_BIND> binds;
  for (unsigned i = 0; i < count; ++i) binds.push_back(bind_column(columns[i], fields[i]));
  if (mysql_stmt_bind_result(statement, binds.data()) != 0) return RowsEnd::kFailed;
  while (true) {
    const int status = mysql_stmt_fetch(statement);
    if (status == MYSQL_NO_DATA) return RowsEnd::kDone;
    if (status != 0 && status != MYSQL_DATA_TRUNCATED) return RowsEnd::kFailed;
    std::size_t bytes = count * sizeof(Cell);
    for (const Bound& column : columns) bytes += column.is_null != 0 ? 0 : column.length;
    if (!take_room(bytes, bytes_left)) return RowsEnd::kTooLarge;
    for (unsigned i = 0; i < count; ++i) {
      if (!add_cell(statement, i, columns[i], set)) return RowsEnd::kFailed;
    }
  }
}

}  // namespace gatehouse::mysql
