#include "gatectl/csv.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <streambuf>
#include <string>
#include <vector>

namespace gatehouse::gatectl {
namespace {

using Fields = std::vector<std::string>;
using testing::ElementsAre;

struct ReadRow {
  std::uint64_t line;
  Fields fields;
  Errc error = Errc::kIo;  // where there are no fields

  bool operator==(const ReadRow& other) const {
    return line == other.line && fields == other.fields &&
           (!fields.empty() || error == other.error);
  }
};

void PrintTo(const ReadRow& row, std::ostream* out) {
  *out << "line " << row.line << (row.fields.empty() ? " error " : ": ");
  if (row.fields.empty()) *out << name(row.error);
  for (const std::string& field : row.fields) *out << '[' << field << ']';
}

std::vector<ReadRow> read_stream(std::istream& in) {
  CsvReader reader(in);
  std::vector<ReadRow> rows;
  CsvRow row;
  for (;;) {
    const auto read = reader.next(row);
    if (read && !*read) return rows;
    rows.push_back(read ? ReadRow{row.line, row.fields} : ReadRow{row.line, {}, read.error().code});
  }
}

std::vector<ReadRow> read_all(const std::string& text) {
  std::istringstream in(text);
  return read_stream(in);
}

TEST(Csv, RowsOfFields) {
  EXPECT_THAT(read_all("a,b\nc,d\n"), ElementsAre(ReadRow{1, {"a", "b"}}, ReadRow{2, {"c", "d"}}));
  EXPECT_THAT(read_all("a,b\r\nc,d"), ElementsAre(ReadRow{1, {"a", "b"}}, ReadRow{2, {"c", "d"}}));
  EXPECT_THAT(read_all("a,b\r"), ElementsAre(ReadRow{1, {"a", "b"}}));
  EXPECT_THAT(read_all(",\n,,\n"), ElementsAre(ReadRow{1, {"", ""}}, ReadRow{2, {"", "", ""}}));
  EXPECT_THAT(read_all(" a , b \n"), ElementsAre(ReadRow{1, {" a ", " b "}})) << "blanks count";
  EXPECT_THAT(read_all("严,\xff\n"), ElementsAre(ReadRow{1, {"严", "\xff"}}));
  EXPECT_THAT(read_all(std::string("a\0b,c", 5)),
              ElementsAre(ReadRow{1, {std::string("a\0b", 3), "c"}}));
  EXPECT_THAT(read_all("a\rb,c\n"), ElementsAre(ReadRow{1, {"a\rb", "c"}}));
  EXPECT_THAT(read_all(""), ElementsAre());
}

TEST(Csv, Quotes) {
  EXPECT_THAT(read_all("\"a,b\",\"say \"\"hi\"\"\",\"\"\n"),
              ElementsAre(ReadRow{1, {"a,b", "say \"hi\"", ""}}));
  EXPECT_THAT(read_all("\"a\nb\",\"c\r\nd\"\r\ne\n"),
              ElementsAre(ReadRow{1, {"a\nb", "c\r\nd"}}, ReadRow{4, {"e"}}))
      << "a row's line is where it begins";
  EXPECT_THAT(read_all("x,\"\""), ElementsAre(ReadRow{1, {"x", ""}}));
  EXPECT_THAT(read_all("\"\"\"\""), ElementsAre(ReadRow{1, {"\""}}));
}

TEST(Csv, EmptyLinesAndAByteOrderMarkAreSkipped) {
  EXPECT_THAT(read_all("\xef\xbb\xbfname,hash\n"), ElementsAre(ReadRow{1, {"name", "hash"}}));
  EXPECT_THAT(read_all("\xef\xbb\xbf\"a\",b"), ElementsAre(ReadRow{1, {"a", "b"}}));
  EXPECT_THAT(read_all("\n\r\na,b\n\n\r\nc,d\n\n"),
              ElementsAre(ReadRow{3, {"a", "b"}}, ReadRow{6, {"c", "d"}}));
  EXPECT_THAT(read_all("a\n\xef\xbb\xbf,b"),
              ElementsAre(ReadRow{1, {"a"}}, ReadRow{2, {"\xef\xbb\xbf", "b"}}))
      << "only at the head";
}

TEST(Csv, MisplacedQuotesSpoilTheirRowOnly) {
  EXPECT_THAT(
      read_all("a,b\nc\"d,e\nf,g\n"),
      ElementsAre(ReadRow{1, {"a", "b"}}, ReadRow{2, {}, Errc::kInvalid}, ReadRow{3, {"f", "g"}}));
  EXPECT_THAT(read_all("\"a\"b,c\r\nd,e\n"),
              ElementsAre(ReadRow{1, {}, Errc::kInvalid}, ReadRow{2, {"d", "e"}}));
  EXPECT_THAT(read_all("\"a\"\"b\n"), ElementsAre(ReadRow{1, {}, Errc::kCorrupt}));
  EXPECT_THAT(read_all("a\"b"), ElementsAre(ReadRow{1, {}, Errc::kInvalid}));
}

TEST(Csv, NothingIsReadBehindAQuoteThatIsNeverClosed) {
  EXPECT_THAT(read_all("a,b\nc,\"d\ne,f\n"),
              ElementsAre(ReadRow{1, {"a", "b"}}, ReadRow{2, {}, Errc::kCorrupt}));
}

TEST(Csv, RowsAreBounded) {
  const std::string most(kCsvRowBytesMax - 2, 'x');  // with the two separators
  EXPECT_THAT(read_all(most + ",\na,b\n"),
              ElementsAre(ReadRow{1, {most, ""}}, ReadRow{2, {"a", "b"}}));
  EXPECT_THAT(read_all("a,b\n" + most + ",x\na,b\n"),
              ElementsAre(ReadRow{1, {"a", "b"}}, ReadRow{2, {}, Errc::kCorrupt}));
  EXPECT_THAT(read_all("\"" + most + "xxx\",\na,b\n"), ElementsAre(ReadRow{1, {}, Errc::kCorrupt}));
  EXPECT_THAT(read_all(std::string(kCsvRowBytesMax + 1, ',')),
              ElementsAre(ReadRow{1, {}, Errc::kCorrupt}));
}

// Hands out one byte a call, so that every pair of bytes is once cut apart.
class OneByOne final : public std::streambuf {
 public:
  explicit OneByOne(std::string text) : text_(std::move(text)) {}

 protected:
  int_type underflow() override {
    if (at_ == text_.size()) return traits_type::eof();
    setg(&text_[at_], &text_[at_], &text_[at_] + 1);
    ++at_;
    return traits_type::to_int_type(*gptr());
  }

 private:
  std::string text_;
  std::size_t at_ = 0;
};

TEST(Csv, WhereTheInputIsCutDoesNotMatter) {
  // Long enough that buffers end inside of quotes, doubled quotes and CRLF.
  std::string text;
  std::vector<ReadRow> expected;
  for (std::uint64_t line = 1; line < 60'000; line += 2) {
    text += "n" + std::to_string(line) + ",\"a\r\n\"\"b\"\r\n";
    expected.push_back({line, {"n" + std::to_string(line), "a\r\n\"b"}});
  }
  OneByOne source(text);
  std::istream in(&source);
  EXPECT_EQ(read_stream(in), expected);
  EXPECT_EQ(read_all(text), expected);
}

TEST(Csv, BrokenStreamIsAnError) {
  class Broken final : public std::streambuf {
    int_type underflow() override { throw std::runtime_error("gone"); }
  } source;
  std::istream in(&source);
  EXPECT_THAT(read_stream(in), ElementsAre(ReadRow{1, {}, Errc::kIo}));
}

TEST(Csv, WhatIsWrittenIsReadBack) {
  const Fields fields = {"plain", "", "a,b", "say \"hi\"", "two\nlines", "\r", "严", " a ", "\""};
  std::string row;
  for (const std::string& field : fields) row += (row.empty() ? "" : ",") + csv_field(field);
  EXPECT_THAT(read_all(row + "\n"), ElementsAre(ReadRow{1, fields}));
  EXPECT_EQ(csv_field("plain"), "plain");
  EXPECT_EQ(csv_field("a\"b"), "\"a\"\"b\"");
}

}  // namespace
}  // namespace gatehouse::gatectl
