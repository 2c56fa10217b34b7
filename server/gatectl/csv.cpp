// libcsv says whether a row is well formed, but not where in the file. It gets one line at a time,
// so the line that it stops in is known. What is in a line cannot end a row, only its line break
// can; so a CR counts as part of a field except in front of LF, and inside of quotes all of them
// do.
#include "gatectl/csv.hpp"

#include <csv.h>

#include <new>

#include "base/assert.hpp"

namespace gatehouse::gatectl {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

int no_byte(unsigned char) {
  return 0;
}

// What libcsv has made of the lines of a row.
struct TakenRow {
  CsvRow& row;
  std::size_t fields = 0;
  bool ended = false;
};

// Called by C: want of memory ends the program here.
void take_field(void* bytes, std::size_t size, void* to) noexcept {
  auto& taken = *static_cast<TakenRow*>(to);
  GATEHOUSE_ASSERT(!taken.ended);
  if (taken.row.fields.size() == taken.fields) taken.row.fields.emplace_back();
  taken.row.fields[taken.fields++].assign(static_cast<const char*>(bytes), size);
}

void take_end(int, void* to) noexcept {
  auto& taken = *static_cast<TakenRow*>(to);
  GATEHOUSE_ASSERT(!taken.ended && taken.fields > 0);
  taken.ended = true;
}

// How much of it is well formed.
std::size_t parse(csv_parser* parser, std::string_view bytes, TakenRow& taken) {
  const std::size_t parsed =
      csv_parse(parser, bytes.data(), bytes.size(), take_field, take_end, &taken);
  if (parsed < bytes.size() && csv_error(parser) != CSV_EPARSE) throw std::bad_alloc();
  return parsed;
}

Error misplaced(char byte) {
  return {Errc::kInvalid, byte == '"' ? "there is a quote inside a field without quotes"
                                      : "there is text behind a closing quote"};
}

Error too_long() {
  return {Errc::kCorrupt, "the row has more than " + std::to_string(kCsvRowBytesMax) +
                              " bytes (a quote that is never closed?)"};
}

}  // namespace

void CsvReader::FreeParser::operator()(csv_parser* parser) const {
  csv_free(parser);
  delete parser;
}

CsvReader::Parser CsvReader::make_parser() {
  Parser parser(new csv_parser);
  csv_init(parser.get(), CSV_STRICT | CSV_STRICT_FINI);
  csv_set_space_func(parser.get(), no_byte);
  return parser;
}

CsvReader::CsvReader(std::istream& in)
    : in_(in), parser_(make_parser()), buffer_(kCsvRowBytesMax, '\0') {}

Result<bool> CsvReader::read_line(std::size_t bytes_max, Line& line) {
  GATEHOUSE_ASSERT(bytes_max <= buffer_.size());
  if (bytes_max == 0) return tl::unexpected<Error>(too_long());
  in_.getline(buffer_.data(), static_cast<std::streamsize>(bytes_max));
  const auto bytes = static_cast<std::size_t>(in_.gcount());
  if (in_.bad()) return fail(Errc::kIo, "the input cannot be read");
  if (in_.eof() && bytes == 0) return false;
  if (in_.fail()) return tl::unexpected<Error>(too_long());
  line.text = std::string_view(buffer_).substr(0, in_.eof() ? bytes : bytes - 1);
  line.ending = in_.eof() ? "" : "\n";
  if (line.text.ends_with('\r')) {
    line.text.remove_suffix(1);
    if (!in_.eof()) line.ending = "\r\n";
  }
  if (lines_++ == 0 && line.text.starts_with(kByteOrderMark))
    line.text.remove_prefix(kByteOrderMark.size());
  return true;
}

Result<bool> CsvReader::read_row(CsvRow& row) {
  TakenRow taken{row};
  std::size_t bytes = 0;
  Line line;
  do {
    const auto read = read_line(kCsvRowBytesMax - bytes, line);
    if (!read) return read;
    if (!*read) {
      if (csv_fini(parser_.get(), take_field, take_end, &taken) != 0)
        return fail(Errc::kCorrupt, "a quote is never closed");
      if (!taken.ended) return false;
      break;
    }
    if (bytes == 0 && line.text.empty()) break;
    bytes += line.text.size() + line.ending.size();
    csv_set_term_func(parser_.get(), no_byte);
    if (const std::size_t at = parse(parser_.get(), line.text, taken); at < line.text.size()) {
      parser_ = make_parser();
      return tl::unexpected<Error>(misplaced(line.text[at]));
    }
    csv_set_term_func(parser_.get(), nullptr);
    parse(parser_.get(), line.ending, taken);
  } while (!taken.ended);
  row.fields.resize(taken.fields);
  return true;
}

Result<bool> CsvReader::next(CsvRow& row) {
  while (!over_) {
    row.line = lines_ + 1;
    const auto read = read_row(row);
    if (!read) {
      over_ = read.error().code != Errc::kInvalid;
      return read;
    }
    over_ = !*read;
    const auto& fields = row.fields;
    if (*read && (fields.size() > 1 || (fields.size() == 1 && !fields.front().empty())))
      return true;
  }
  return false;
}

std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string quoted(csv_write(nullptr, 0, text.data(), text.size()), '\0');
  csv_write(quoted.data(), quoted.size(), text.data(), text.size());
  return quoted;
}

}  // namespace gatehouse::gatectl
