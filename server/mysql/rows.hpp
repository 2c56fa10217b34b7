// Reads the rows of a result into a ResultSet, by both of the protocol's ways.
#pragma once

#include <mysql.h>

#include <cstddef>

#include "mysql/answer.hpp"

namespace gatehouse::mysql {

// Deleter of what the library returns.
struct FreeResult {
  void operator()(MYSQL_RES* result) const { mysql_free_result(result); }
};

enum class RowsEnd {
  kDone,
  kFailed,    // the library has the error
  kTooLarge,  // rows remain
};

// Each takes what it keeps from `bytes_left` and reads up to the last row.
//
// Text: numbers become integers where they are written as such and fit, all else that is not a
// number stays as it is written.
[[nodiscard]] RowsEnd read_text_rows(MYSQL* mysql, MYSQL_RES* result, ResultSet& set,
                                     std::size_t& bytes_left);
// Of a statement that was executed and has columns. Integers above 2^63 wrap; dates and times
// become what the text would be.
[[nodiscard]] RowsEnd read_binary_rows(MYSQL_STMT* statement, ResultSet& set,
                                       std::size_t& bytes_left);

}  // namespace gatehouse::mysql
