// The file of `gatectl account import`: rows that are read can be written and read again, one row
// is all that is in memory, and no row makes an account that the tables cannot hold. An input is
// the number of a format and the file.
#include "gatectl/csv.hpp"

#include <sstream>

#include "base/utf8.hpp"
#include "crypto/password_import.hpp"
#include "fuzz.hpp"
#include "gatectl/import_row.hpp"

namespace gatehouse::gatectl {

namespace {

std::vector<CsvRow> read_csv(const std::string& text) {
  std::istringstream in(text);
  CsvReader reader(in);
  std::vector<CsvRow> rows;
  CsvRow row;
  std::uint64_t line = 0;
  std::size_t calls = 0;
  while (true) {
    const auto read = reader.next(row);
    GATEHOUSE_ASSERT(++calls <= text.size() + 2);
    if (read && !*read) break;
    GATEHOUSE_ASSERT(row.line > line);
    line = row.line;
    if (!read) continue;
    std::size_t bytes = 0;
    for (const std::string& field : row.fields) bytes += field.size();
    GATEHOUSE_ASSERT(!row.fields.empty() && bytes <= kCsvRowBytesMax);
    rows.push_back(row);
  }
  return rows;
}

void check_import(const std::vector<CsvRow>& rows, std::string_view format) {
  if (rows.empty()) return;
  const auto columns = ImportColumns::from_header(rows.front().fields, format);
  if (!columns) return;
  GATEHOUSE_ASSERT(columns->ignored().size() < rows.front().fields.size());
  for (std::size_t i = 1; i < rows.size(); ++i) {
    const auto row = columns->read(rows[i].fields);
    if (!row) continue;
    const store::NewAccount& account = row->account;
    GATEHOUSE_ASSERT(rows[i].fields.size() == rows.front().fields.size());
    GATEHOUSE_ASSERT(utf8_characters(account.name).value() <= 64 && !account.name.empty());
    GATEHOUSE_ASSERT(account.password_hash.size() <= crypto::kStoredPasswordCharactersMax);
    GATEHOUSE_ASSERT(account.banned_until_s >= 0 && account.banned_until_s <= 253'402'300'799);
    GATEHOUSE_ASSERT(utf8_characters(account.ban_reason).value() <= 255);
    GATEHOUSE_ASSERT(utf8_characters(account.ban_note).value() <= 255);
    GATEHOUSE_ASSERT(row->password.empty() == (format != kPlainFormat));
  }
}

}  // namespace

FUZZ_TARGET(csv) {
  fuzz::Input choices(input);
  const std::size_t number = choices.byte() % (crypto::kImportFormats.size() + 1);
  const std::string_view format =
      number < crypto::kImportFormats.size() ? crypto::kImportFormats[number] : kPlainFormat;
  const std::vector<CsvRow> rows = read_csv(std::string(choices.rest()));
  std::string written = "\n";  // a byte order mark in the first field stays one of its bytes
  for (const CsvRow& row : rows) {
    for (const std::string& field : row.fields) {
      if (&field != &row.fields.front()) written += ',';
      written += csv_field(field);
    }
    written += '\n';
  }
  const std::vector<CsvRow> again = read_csv(written);
  GATEHOUSE_ASSERT(again.size() == rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) GATEHOUSE_ASSERT(again[i].fields == rows[i].fields);
  check_import(rows, format);
}

}  // namespace gatehouse::gatectl
