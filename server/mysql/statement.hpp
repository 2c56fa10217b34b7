// A prepared statement of libmariadb.
#pragma once

#include <mysql.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/sql_value.hpp"
#include "mysql/error.hpp"

namespace gatehouse::mysql {

// The bytes of the packet that brings these values to the server, or a few more.
[[nodiscard]] std::size_t packet_bytes(std::span<const SqlValue> values);

// Belongs to one connection and must go before it.
class Statement {
 public:
  // Null with `error` set when the server refuses.
  [[nodiscard]] static std::unique_ptr<Statement> prepare(MYSQL* mysql, std::string_view text,
                                                          ServerError& error);
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  // How many values its text takes.
  [[nodiscard]] std::size_t values() const;

  // Runs it. Rows are handed out after all of them have arrived, so a connection lost on the
  // way hands out none.
  [[nodiscard]] ServerError run(std::span<const SqlValue> values, const SqlVisitor& visit,
                                SqlOutcome& outcome);

 private:
  struct Close {
    void operator()(MYSQL_STMT* statement) const { mysql_stmt_close(statement); }
  };
  struct Column {
    bool is_integer = false;
    long long integer = 0;
    std::string bytes;
    unsigned long length = 0;
    my_bool is_null = 0;
  };
  class Row;

  explicit Statement(MYSQL_STMT* statement) : statement_(statement) {}
  void describe_columns();
  [[nodiscard]] bool bind_values(std::span<const SqlValue> values);
  [[nodiscard]] ServerError fetch(const SqlVisitor& visit);
  [[nodiscard]] ServerError last_error() const;

  std::unique_ptr<MYSQL_STMT, Close> statement_;
  std::vector<Column> columns_;
  std::vector<MYSQL_BIND> results_;  // points into columns_
};

}  // namespace gatehouse::mysql
