// CSV as RFC 4180 describes it, read and written as a stream.
#pragma once

#include <cstddef>
#include <cstdint>
#include <istream>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace gatehouse::gatectl {

// A row with a quote that is never closed would otherwise take the rest of the file.
inline constexpr std::size_t kCsvRowBytesMax = 65'536;

struct CsvRow {
  std::uint64_t line = 0;  // where it begins, from 1
  std::vector<std::string> fields;
};

// Reads rows of fields between commas. A field in quotes may hold commas, line breaks and doubled
// quotes. Rows end in LF or CRLF, the last one may end without. A byte order mark of UTF-8 at the
// head and rows of one empty field are skipped; bytes are not judged otherwise. Memory: one row.
class CsvReader {
 public:
  // `in` outlives the reader.
  explicit CsvReader(std::istream& in) : in_(in), buffer_(kBufferBytes, '\0') {}

  // The next row; false at the end. `row` holds the line also when it fails.
  //   kInvalid  this row has a quote in a wrong place; the next call reads the row after it
  //   kCorrupt  a quote is never closed or the row is too long: what follows is not told apart,
  //             and later calls return false
  //   kIo       the stream cannot be read
  [[nodiscard]] Result<bool> next(CsvRow& row);

 private:
  static constexpr std::size_t kBufferBytes = 65'536;
  static constexpr int kEnd = -1;

  // The next byte, or kEnd; a CR in front of LF or the end is left out.
  int take();
  int take_raw();
  int peek();
  bool fill();
  void skip_byte_order_mark();
  // One field; `after` is the comma, LF or kEnd behind it.
  Result<> read_field(std::string& field, int& after);
  Result<> read_quoted(std::string& field, int& after);
  // Goes behind the end of a malformed row.
  void skip_line(int last);
  Result<> count_byte();
  Result<> read_row(CsvRow& row);

  std::istream& in_;
  std::string buffer_;
  std::size_t at_ = 0;
  std::size_t size_ = 0;
  std::uint64_t line_ = 1;
  std::size_t row_bytes_ = 0;
  bool started_ = false;
  bool over_ = false;
};

// The field as a row holds it: in quotes where it needs them.
[[nodiscard]] std::string csv_field(std::string_view text);

}  // namespace gatehouse::gatectl
