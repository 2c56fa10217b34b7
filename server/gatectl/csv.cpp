#include "gatectl/csv.hpp"

#include <utility>

namespace gatehouse::gatectl {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

}  // namespace

bool CsvReader::fill() {
  if (at_ < size_) return true;
  in_.read(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
  at_ = 0;
  size_ = static_cast<std::size_t>(in_.gcount());
  return size_ > 0;
}

int CsvReader::peek() {
  return fill() ? static_cast<unsigned char>(buffer_[at_]) : kEnd;
}

int CsvReader::take_raw() {
  const int byte = peek();
  if (byte == kEnd) return kEnd;
  ++at_;
  if (byte == '\n') ++line_;
  return byte;
}

int CsvReader::take() {
  const int byte = take_raw();
  if (byte != '\r') return byte;
  const int after = peek();
  return after == '\n' || after == kEnd ? take_raw() : byte;
}

void CsvReader::skip_byte_order_mark() {
  started_ = true;
  if (fill() && std::string_view(buffer_).substr(0, size_).starts_with(kByteOrderMark))
    at_ = kByteOrderMark.size();
}

Result<> CsvReader::count_byte() {
  if (++row_bytes_ <= kCsvRowBytesMax) return {};
  return fail(Errc::kCorrupt, "the row has more than " + std::to_string(kCsvRowBytesMax) +
                                  " bytes (a quote that is never closed?)");
}

// Behind the opening quote. Inside of quotes a line break is kept as it is.
Result<> CsvReader::read_quoted(std::string& field, int& after) {
  for (int byte = take_raw(); byte != kEnd; byte = take_raw()) {
    if (auto counted = count_byte(); !counted) return counted;
    if (byte != '"') {
      field.push_back(static_cast<char>(byte));
      continue;
    }
    if (peek() == '"') {
      field.push_back(static_cast<char>(take_raw()));
      continue;
    }
    after = take();
    if (after == ',' || after == '\n' || after == kEnd) return {};
    return fail(Errc::kInvalid, "there is text behind a closing quote");
  }
  return fail(Errc::kCorrupt, "a quote is never closed");
}

Result<> CsvReader::read_field(std::string& field, int& after) {
  field.clear();
  after = take();
  if (after == '"') return read_quoted(field, after);
  for (; after != ',' && after != '\n' && after != kEnd; after = take()) {
    if (after == '"') return fail(Errc::kInvalid, "there is a quote inside a field without quotes");
    if (auto counted = count_byte(); !counted) return counted;
    field.push_back(static_cast<char>(after));
  }
  return {};
}

void CsvReader::skip_line(int last) {
  while (last != '\n' && last != kEnd) last = take();
}

Result<> CsvReader::read_row(CsvRow& row) {
  std::size_t fields = 0;
  row_bytes_ = 0;
  for (int after = ','; after == ','; ++fields) {
    if (row.fields.size() == fields) row.fields.emplace_back();
    if (auto read = read_field(row.fields[fields], after); !read) {
      if (read.error().code == Errc::kInvalid) skip_line(after);
      return read;
    }
    if (auto counted = count_byte(); !counted) return counted;
  }
  row.fields.resize(fields);
  return {};
}

Result<bool> CsvReader::next(CsvRow& row) {
  if (!started_) skip_byte_order_mark();
  while (!over_ && peek() != kEnd) {
    row.line = line_;
    if (auto read = read_row(row); !read) {
      over_ = read.error().code == Errc::kCorrupt;
      return tl::unexpected<Error>(read.error());
    }
    if (in_.bad()) break;
    if (row.fields.size() > 1 || !row.fields.front().empty()) return true;
  }
  if (in_.bad() && !std::exchange(over_, true)) {
    row.line = line_;
    return fail(Errc::kIo, "the input cannot be read");
  }
  return false;
}

std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted.push_back('"');
    quoted.push_back(c);
  }
  quoted.push_back('"');
  return quoted;
}

}  // namespace gatehouse::gatectl
