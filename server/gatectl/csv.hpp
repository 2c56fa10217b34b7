// CSV as RFC 4180 describes it, read and written as a stream by libcsv. The one file that includes
// csv.h is csv.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <istream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

struct csv_parser;

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
  explicit CsvReader(std::istream& in);

  // The next row; false at the end. `row` holds the line also when it fails.
  //   kInvalid  this row has a quote in a wrong place; the next call reads the line after it
  //   kCorrupt  a quote is never closed or the row is too long: what follows is not told apart,
  //             and later calls return false
  //   kIo       the stream cannot be read
  [[nodiscard]] Result<bool> next(CsvRow& row);

 private:
  struct FreeParser {
    void operator()(csv_parser* parser) const;
  };
  using Parser = std::unique_ptr<csv_parser, FreeParser>;
  // Of the input: what stands in it, and what ends it ("" for the last one).
  struct Line {
    std::string_view text;
    std::string_view ending;
  };

  static Parser make_parser();
  // All lines of one row; false at the end. No fields: an empty line.
  Result<bool> read_row(CsvRow& row);
  // Into `line`, whose views hold until the next call; false at the end. kCorrupt: it has more
  // than `bytes_max` bytes.
  Result<bool> read_line(std::size_t bytes_max, Line& line);

  std::istream& in_;
  Parser parser_;
  std::string buffer_;
  std::uint64_t lines_ = 0;  // that were read
  bool over_ = false;
};

// The field as a row holds it: in quotes where it needs them.
[[nodiscard]] std::string csv_field(std::string_view text);

}  // namespace gatehouse::gatectl
