// account import: reads the file, reports what it leaves out, ends with a summary.
#include <fmt/format.h>
#include <unistd.h>

#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

#include "base/printable.hpp"
#include "base/user_name.hpp"
#include "drivers/open.hpp"
#include "gatectl/command.hpp"
#include "gatectl/csv.hpp"
#include "gatectl/import_row.hpp"
#include "gatectl/importer.hpp"
#include "gatectl/store.hpp"

namespace gatehouse::gatectl {
namespace {

// A line on standard error, written again and again, when that is a terminal and people read it.
class Progress {
 public:
  Progress(const Clock& clock, const Output& output)
      : clock_(clock), shown_(!output.json() && isatty(STDERR_FILENO) == 1) {}
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { clear(); }

  void show(const ImportCounts& counts) {
    if (!shown_ || clock_.monotonic_ms() < next_ms_) return;
    next_ms_ = clock_.monotonic_ms() + kPauseMs;
    written_ = true;
    std::cerr << fmt::format("\r{} imported, {} existed, {} refused\x1b[K", counts.imported,
                             counts.existed, counts.refused)
              << std::flush;
  }
  // Makes room for another line.
  void clear() {
    if (std::exchange(written_, false)) std::cerr << "\r\x1b[K" << std::flush;
  }

 private:
  static constexpr MonotonicMs kPauseMs = 500;

  const Clock& clock_;
  const bool shown_;
  bool written_ = false;
  MonotonicMs next_ms_ = 0;
};

// The rows behind the header line.
Result<> read_rows(CsvReader& reader, const ImportColumns& columns, NewNames names,
                   Importer& importer, Progress& progress) {
  CsvRow row;
  for (;;) {
    const auto read = reader.next(row);
    if (read && !*read) return importer.flush();
    if (!read && read.error().code == Errc::kIo) return tl::unexpected<Error>(read.error());
    if (!read && read.error().code == Errc::kCorrupt) {
      importer.refuse(row.line, {read.error().code,
                                 read.error().message + "; nothing behind this line was read"});
    } else if (!read) {
      importer.refuse(row.line, read.error());
    } else if (auto account = columns.read(row.fields); !account) {
      importer.refuse(row.line, account.error());
    } else if (auto allowed = check_new_user_name(account->account.name, names); !allowed) {
      importer.refuse(row.line, {Errc::kInvalid, allowed.error().message + " (see auth.names)"});
    } else if (auto added = importer.add(row.line, std::move(*account)); !added) {
      return added;
    }
    progress.show(importer.counts());
  }
}

Result<ImportColumns> read_header(CsvReader& reader, const std::string& format) {
  CsvRow header;
  const auto read = reader.next(header);
  if (!read) {
    const Errc code = read.error().code == Errc::kIo ? Errc::kIo : Errc::kInvalid;
    return fail(code, "line " + std::to_string(header.line) + ": " + read.error().message);
  }
  if (!*read) return fail(Errc::kInvalid, "the input is empty: it has no header line");
  return ImportColumns::from_header(header.fields, format);
}

void say_summary(const ImportCounts& counts, const ImportColumns& columns, bool dry_run,
                 Output& output) {
  std::string text =
      fmt::format("{} {}, existed {}, refused {}", dry_run ? "would be imported" : "imported",
                  counts.imported, counts.existed, counts.refused);
  std::string ignored;
  for (const std::string& column : columns.ignored()) {
    ignored += (ignored.empty() ? "" : ", ") + printable(column);
  }
  if (!ignored.empty()) text += "\ncolumns that were not read: " + ignored;
  output.say(text, {{"done", dry_run ? "checked" : "imported"},
                    {"imported", counts.imported},
                    {"existed", counts.existed},
                    {"refused", counts.refused},
                    {"ignored_columns", columns.ignored()}});
}

// A dry run needs no tables: then no name is taken.
Result<StoreDriver> open_for(const config::Config& config, const Arguments& arguments) {
  if (!arguments.dry_run) return open_or_make_store(arguments.world, config);
  auto driver = drivers::open(arguments.world, config.store.driver);
  if (!driver) return driver;
  const auto empty = store_is_empty(config, **driver);
  if (!empty) return tl::unexpected<Error>(empty.error());
  if (*empty) return StoreDriver();
  return open_store(arguments.world, config);
}

Result<> import_from(std::istream& in, const config::Config& config, const Arguments& arguments,
                     Output& output) {
  CsvReader reader(in);
  const auto columns = read_header(reader, arguments.format);
  if (!columns) return tl::unexpected<Error>(columns.error());
  const auto driver = open_for(config, arguments);
  if (!driver) return tl::unexpected<Error>(driver.error());
  Progress progress(arguments.world.clock, output);
  Importer importer(arguments.world, driver->get(),
                    {.dry_run = arguments.dry_run,
                     .existing_fails = arguments.on_exists == "fail",
                     .hash_threads = config.limits.hash_threads,
                     .cost = config.login.auth.cost},
                    [&output, &progress](std::uint64_t line, const Error& error) {
                      progress.clear();
                      output.fail_line(line, error);
                    });
  const auto done = read_rows(reader, *columns, config.login.auth.names, importer, progress);
  progress.clear();
  say_summary(importer.counts(), *columns, arguments.dry_run, output);
  if (!done) {
    return fail(done.error().code, "the import ended early: " + done.error().message);
  }
  const std::uint64_t refused = importer.counts().refused;
  if (refused == 0) return {};
  return fail(Errc::kCorrupt, "rows refused: " + std::to_string(refused));
}

}  // namespace

Result<> account_import(const config::Config& config, const Arguments& arguments, Output& output) {
  if (arguments.file == "-") return import_from(std::cin, config, arguments, output);
  std::ifstream in(arguments.file, std::ios::binary);
  if (!in) return fail(Errc::kInvalid, arguments.file + ": cannot be read");
  return import_from(in, config, arguments, output);
}

}  // namespace gatehouse::gatectl
