#include "mysql/statement.hpp"

#include <array>
#include <cstring>

#include "base/assert.hpp"

namespace gatehouse::mysql {
namespace {

constexpr std::size_t kFewValues = 8;
// Larger cells are given back after the call, so that a connection stays small.
constexpr std::size_t kKeptBytesMax = 64u << 10;

bool is_integer_type(enum_field_types type) {
  switch (type) {
    case MYSQL_TYPE_TINY:
    case MYSQL_TYPE_SHORT:
    case MYSQL_TYPE_INT24:
    case MYSQL_TYPE_LONG:
    case MYSQL_TYPE_LONGLONG:
      return true;
    default:
      return false;
  }
}

// libmariadb takes a non-const pointer to what it only reads, and a null pointer for NULL.
MYSQL_BIND bind_string(enum_field_types type, std::string_view value) {
  MYSQL_BIND bind{};
  bind.buffer_type = type;
  bind.buffer = const_cast<char*>(value.data() ? value.data() : "");
  bind.buffer_length = static_cast<unsigned long>(value.size());
  return bind;
}

MYSQL_BIND bind_integer(const void* value, bool is_unsigned) {
  MYSQL_BIND bind{};
  bind.buffer_type = MYSQL_TYPE_LONGLONG;
  bind.buffer = const_cast<void*>(value);
  bind.is_unsigned = is_unsigned;
  return bind;
}

struct BindMysqlValue {
  MYSQL_BIND operator()(std::nullptr_t) const {
    MYSQL_BIND bind{};
    bind.buffer_type = MYSQL_TYPE_NULL;
    return bind;
  }
  MYSQL_BIND operator()(const std::int64_t& value) const { return bind_integer(&value, false); }
  MYSQL_BIND operator()(const std::uint64_t& value) const { return bind_integer(&value, true); }
  MYSQL_BIND operator()(const SqlText& text) const {
    return bind_string(MYSQL_TYPE_STRING, text.value);
  }
  MYSQL_BIND operator()(const SqlBytes& bytes) const {
    return bind_string(MYSQL_TYPE_BLOB, bytes.value);
  }
};

// Of a value in a packet: its type, and its bytes behind their length.
struct PacketBytes {
  std::size_t operator()(std::nullptr_t) const { return 2; }
  std::size_t operator()(std::int64_t) const { return 10; }
  std::size_t operator()(std::uint64_t) const { return 10; }
  std::size_t operator()(const SqlText& text) const { return 11 + text.value.size(); }
  std::size_t operator()(const SqlBytes& bytes) const { return 11 + bytes.value.size(); }
};

}  // namespace

// COM_STMT_EXECUTE: command, statement, flags, iterations, the bits of what is null, a flag.
std::size_t packet_bytes(std::span<const SqlValue> values) {
  std::size_t bytes = 1 + 4 + 1 + 4 + (values.size() + 7) / 8 + 1;
  for (const SqlValue& value : values) bytes += std::visit(PacketBytes{}, value);
  return bytes;
}

class Statement::Row final : public SqlRow {
 public:
  explicit Row(const std::vector<Column>& columns) : columns_(columns) {}
  bool is_null(int column) const override { return at(column).is_null != 0; }
  std::int64_t integer(int column) const override {
    GATEHOUSE_ASSERT(at(column).is_integer);
    return is_null(column) ? 0 : at(column).integer;
  }
  std::string_view bytes(int column) const override {
    GATEHOUSE_ASSERT(!at(column).is_integer);
    return is_null(column) ? std::string_view() : std::string_view(at(column).bytes);
  }

 private:
  const Column& at(int column) const { return columns_.at(static_cast<std::size_t>(column)); }
  const std::vector<Column>& columns_;
};

std::unique_ptr<Statement> Statement::prepare(MYSQL* mysql, std::string_view text,
                                              ServerError& error) {
  MYSQL_STMT* raw = mysql_stmt_init(mysql);
  GATEHOUSE_ASSERT(raw != nullptr);  // out of memory
  std::unique_ptr<Statement> statement(new Statement(raw));
  if (mysql_stmt_prepare(raw, text.data(), static_cast<unsigned long>(text.size())) != 0) {
    error = statement->last_error();
    return nullptr;
  }
  statement->describe_columns();
  return statement;
}

void Statement::describe_columns() {
  MYSQL_RES* metadata = mysql_stmt_result_metadata(statement_.get());
  if (metadata == nullptr) return;
  const unsigned count = mysql_num_fields(metadata);
  columns_.resize(count);
  results_.assign(count, MYSQL_BIND{});
  for (unsigned i = 0; i < count; ++i) {
    Column& column = columns_[i];
    MYSQL_BIND& bind = results_[i];
    column.is_integer = is_integer_type(mysql_fetch_field_direct(metadata, i)->type);
    // Strings are bound without room: fetch() learns their length first and takes them then.
    bind.buffer_type = column.is_integer ? MYSQL_TYPE_LONGLONG : MYSQL_TYPE_BLOB;
    bind.buffer = column.is_integer ? &column.integer : nullptr;
    bind.length = &column.length;
    bind.is_null = &column.is_null;
  }
  mysql_free_result(metadata);
}

bool Statement::bind_values(std::span<const SqlValue> values) {
  GATEHOUSE_ASSERT(values.size() == this->values());
  std::array<MYSQL_BIND, kFewValues> few;
  std::vector<MYSQL_BIND> many;
  MYSQL_BIND* binds = few.data();
  if (values.size() > few.size()) {
    many.resize(values.size());
    binds = many.data();
  }
  for (std::size_t i = 0; i < values.size(); ++i)
    binds[i] = std::visit(BindMysqlValue{}, values[i]);
  return values.empty() || mysql_stmt_bind_param(statement_.get(), binds) == 0;
}

std::size_t Statement::values() const {
  return mysql_stmt_param_count(statement_.get());
}

ServerError Statement::run(std::span<const SqlValue> values, const SqlVisitor& visit,
                           SqlOutcome& outcome) {
  MYSQL_STMT* statement = statement_.get();
  if (!bind_values(values) || mysql_stmt_execute(statement) != 0) return last_error();
  if (columns_.empty()) {
    outcome.matched = mysql_stmt_affected_rows(statement);
    outcome.insert_id = mysql_stmt_insert_id(statement);
    return {};
  }
  ServerError error;
  if (mysql_stmt_bind_result(statement, results_.data()) != 0 ||
      mysql_stmt_store_result(statement) != 0)
    error = last_error();
  else
    error = fetch(visit);
  mysql_stmt_free_result(statement);
  for (Column& column : columns_)
    if (column.bytes.capacity() > kKeptBytesMax) std::string().swap(column.bytes);
  return error;
}

ServerError Statement::fetch(const SqlVisitor& visit) {
  MYSQL_STMT* statement = statement_.get();
  const Row row(columns_);
  while (true) {
    const int status = mysql_stmt_fetch(statement);
    if (status == MYSQL_NO_DATA) return {};
    if (status != 0 && status != MYSQL_DATA_TRUNCATED) return last_error();
    for (unsigned i = 0; i < columns_.size(); ++i) {
      Column& column = columns_[i];
      if (column.is_integer) continue;
      column.bytes.resize(column.is_null ? 0 : column.length);
      if (column.bytes.empty()) continue;
      MYSQL_BIND bind{};
      my_bool truncated = 0;
      my_bool is_null = 0;
      unsigned long length = 0;
      bind.buffer_type = MYSQL_TYPE_BLOB;
      bind.buffer = column.bytes.data();
      bind.buffer_length = column.length;
      bind.length = &length;
      bind.is_null = &is_null;
      bind.error = &truncated;
      if (mysql_stmt_fetch_column(statement, &bind, i, 0) != 0) return last_error();
    }
    if (visit) visit(row);
  }
}

ServerError Statement::last_error() const {
  return {.number = mysql_stmt_errno(statement_.get()), .text = mysql_stmt_error(statement_.get())};
}

}  // namespace gatehouse::mysql
