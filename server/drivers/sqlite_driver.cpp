#include "drivers/sqlite_driver.hpp"

#include <sqlite3.h>

#include <array>
#include <optional>
#include <string>
#include <utility>

#include "base/assert.hpp"
#include "base/clock.hpp"
#include "drivers/sql_driver.hpp"
#include "drivers/sqlite_file.hpp"
#include "drivers/sqlite_guard.hpp"
#include "drivers/sqlite_sql.hpp"

namespace gatehouse::drivers {
namespace {

constexpr std::uint32_t kMigrationLockTimeoutMs = 60'000;
// Jobs of one commit: so many that its own cost hardly counts, so few that none waits long.
constexpr std::size_t kGroupMax = 64;

class SqliteConnection final : public SqlConnection {
 public:
  SqliteConnection(const Clock& clock, const store::SqliteOptions& options,
                   std::uint32_t busy_timeout_ms, const DriverMetrics& metrics)
      : clock_(clock),
        path_(options.path),
        guard_(options.guard),
        busy_timeout_ms_(busy_timeout_ms),
        metrics_(metrics) {}
  ~SqliteConnection() override { disconnect(); }

  Result<SqlOutcome> run(Statement statement, std::span<const SqlValue> values, Repeat repeat,
                         const SqlVisitor& visit) override;
  Result<SqlOutcome> run_rows(Statement statement, std::size_t rows,
                              std::span<const SqlValue> values) override;
  Result<> transaction(const std::function<Result<>()>& body) override { return run_whole(body); }
  Result<> ping() override;
  std::size_t group_max() const override { return kGroupMax; }
  void begin_group() override;
  Result<> end_group() override;
  Result<std::unique_ptr<SqlConnection>> open_for_migration() override;
  Result<> lock_migrations() override { return run_script("BEGIN IMMEDIATE"); }
  Result<> unlock_migrations(bool keep) override {
    return run_script(keep ? "COMMIT" : "ROLLBACK");
  }
  Result<> run_script(std::string_view script) override;

 private:
  Result<> connect();
  // Whether the file that is open is still the one at the path; closes it when it has to be
  // opened anew. At most once a group, and not within a transaction.
  Result<> look();
  // After a commit: it counts only if the file at the path has it.
  Result<> confirm();
  Result<> open_file();
  Result<> configure();
  void disconnect();
  // The error of the last call, which failed with `code`.
  Error last_error(int code) const {
    return sqlite_error(code, sqlite3_errmsg(db_), sqlite3_system_errno(db_));
  }
  // Gives the connection up when a new one may do better.
  void disconnect_if_broken(int code);
  // Runs the statement to its end; SQLITE_DONE or an error.
  int step(sqlite3_stmt* statement, const SqlVisitor& visit);
  // Runs body so that all or nothing of it is done, whether or not a transaction is open.
  Result<> run_whole(const std::function<Result<>()>& body);
  // Begins the group's transaction before its first write.
  Result<> open_group();
  void lose_group(const Error& error);

  const Clock& clock_;
  std::string path_;
  std::shared_ptr<SqliteGuard> guard_;  // none: nobody looks
  std::uint64_t generation_ = 0;        // the guard's, when db_ was opened
  bool looked_ = false;                 // in this group
  int wal_frames_ = 0;                  // after the last commit
  std::uint32_t busy_timeout_ms_;
  DriverMetrics metrics_;
  sqlite3* db_ = nullptr;
  std::array<sqlite3_stmt*, kStatementCount> statements_{};  // of db_
  bool counted_ = false;                                     // among the open connections
  bool entered_ = false;                                     // among those that the guard knows
  bool grouping_ = false;
  bool group_open_ = false;           // the transaction of the group is open
  std::optional<Error> group_error_;  // what ended it; the group's later writes fail alike
};

class SqliteRow final : public SqlRow {
 public:
  explicit SqliteRow(sqlite3_stmt* statement) : statement_(statement) {}
  bool is_null(int column) const override {
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
  }
  std::int64_t integer(int column) const override {
    return sqlite3_column_int64(statement_, column);
  }
  std::string_view bytes(int column) const override {
    const void* data = sqlite3_column_blob(statement_, column);
    if (data == nullptr) return {};
    return {static_cast<const char*>(data),
            static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
  }

 private:
  sqlite3_stmt* statement_;
};

// Binds a value; its memory outlives the step.
struct BindSqliteValue {
  sqlite3_stmt* statement;
  int index;

  int operator()(std::nullptr_t) const { return sqlite3_bind_null(statement, index); }
  int operator()(std::int64_t value) const { return sqlite3_bind_int64(statement, index, value); }
  int operator()(std::uint64_t value) const {
    return sqlite3_bind_int64(statement, index, static_cast<std::int64_t>(value));
  }
  int operator()(SqlText text) const {
    const char* data = text.value.data() ? text.value.data() : "";
    return sqlite3_bind_text64(statement, index, data, text.value.size(), SQLITE_STATIC,
                               SQLITE_UTF8);
  }
  int operator()(SqlBytes bytes) const {
    // A null pointer would bind NULL.
    if (bytes.value.empty()) return sqlite3_bind_zeroblob(statement, index, 0);
    return sqlite3_bind_blob64(statement, index, bytes.value.data(), bytes.value.size(),
                               SQLITE_STATIC);
  }
};

void SqliteConnection::disconnect() {
  for (sqlite3_stmt*& statement : statements_) {
    sqlite3_finalize(statement);
    statement = nullptr;
  }
  if (db_ != nullptr && guard_) guard_->closing(db_);
  const int closed = sqlite3_close(db_);
  GATEHOUSE_ASSERT(closed == SQLITE_OK);
  db_ = nullptr;
  if (std::exchange(entered_, false)) guard_->leave();
  if (std::exchange(counted_, false)) bump(metrics_.connections, -1);
}

void SqliteConnection::disconnect_if_broken(int code) {
  const int primary = code & 0xff;
  const bool broken = primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN ||
                      primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB ||
                      primary == SQLITE_READONLY;
  if (!broken) return;
  if (group_open_) lose_group(last_error(code));
  disconnect();
}

Result<> SqliteConnection::look() {
  if (!guard_ || looked_) return {};
  if (db_ != nullptr && sqlite3_get_autocommit(db_) == 0) return {};
  const auto generation = guard_->look(db_);
  if (!generation) {
    if (grouping_) lose_group(generation.error());
    return tl::unexpected(generation.error());
  }
  if (db_ != nullptr && generation_ != *generation) disconnect();
  if (db_ == nullptr && !guard_->enter(*generation))
    return fail(Errc::kUnavailable, "the file is opened anew once all have closed it");
  entered_ = true;
  generation_ = *generation;
  looked_ = grouping_;
  return {};
}

Result<> SqliteConnection::confirm() {
  if (!guard_ || db_ == nullptr) return {};
  const auto generation = guard_->look(db_);
  if (!generation) return tl::unexpected(generation.error());
  if (*generation != generation_)
    return fail(Errc::kUnavailable, "the file was deleted or replaced before this was in it");
  guard_->committed(db_, wal_frames_);
  return {};
}

Result<> SqliteConnection::connect() {
  if (auto fine = look(); !fine) return fine;
  if (db_ != nullptr) return {};
  auto opened = open_file();
  if (!opened) {
    disconnect();
    bump(metrics_.connect_errors);
    return opened;
  }
  if (guard_) {
    guard_->opened(db_);
    const auto count = [](void* self, sqlite3*, const char*, int frames) {
      static_cast<SqliteConnection*>(self)->wal_frames_ = frames;
      return SQLITE_OK;
    };
    sqlite3_wal_hook(db_, count, this);
  }
  counted_ = true;
  bump(metrics_.connections);
  bump(metrics_.connects);
  return {};
}

Result<> SqliteConnection::open_file() {
  if (auto made = make_private_file(path_); !made) return made;
  const int code =
      sqlite3_open_v2(path_.c_str(), &db_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  if (code != SQLITE_OK)
    return tl::unexpected(db_ ? last_error(code) : sqlite_error(code, "out of memory"));
  return configure();
}

Result<> SqliteConnection::configure() {
  sqlite3_extended_result_codes(db_, 1);
  sqlite3_busy_timeout(db_, static_cast<int>(busy_timeout_ms_));
  // The change to WAL does not wait for other connections on its own.
  const MonotonicMs deadline_ms = clock_.monotonic_ms() + busy_timeout_ms_;
  const char* const settings =
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON; "
      "PRAGMA trusted_schema = OFF";
  int code = sqlite3_exec(db_, settings, nullptr, nullptr, nullptr);
  while ((code & 0xff) == SQLITE_BUSY && clock_.monotonic_ms() < deadline_ms) {
    sqlite3_sleep(5);
    code = sqlite3_exec(db_, settings, nullptr, nullptr, nullptr);
  }
  // The files beside it are made by the first who reads.
  if (code == SQLITE_OK && guard_)
    code = sqlite3_exec(db_, "SELECT count(*) FROM sqlite_schema", nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return tl::unexpected(last_error(code));
  return {};
}

int SqliteConnection::step(sqlite3_stmt* statement, const SqlVisitor& visit) {
  const SqliteRow row(statement);
  int code = sqlite3_step(statement);
  while (code == SQLITE_ROW) {
    if (visit) visit(row);
    code = sqlite3_step(statement);
  }
  return code;
}

Result<SqlOutcome> SqliteConnection::run(Statement statement, std::span<const SqlValue> values,
                                         Repeat, const SqlVisitor& visit) {
  if (auto connected = connect(); !connected) return tl::unexpected(connected.error());
  const auto index = static_cast<std::size_t>(statement);
  sqlite3_stmt*& prepared = statements_[index];
  if (prepared == nullptr) {
    const std::string_view text = sqlite_texts()[index];
    const int code = sqlite3_prepare_v3(db_, text.data(), static_cast<int>(text.size()),
                                        SQLITE_PREPARE_PERSISTENT, &prepared, nullptr);
    if (code != SQLITE_OK) {
      const Error error = last_error(code);
      disconnect_if_broken(code);
      return tl::unexpected(error);
    }
  }
  GATEHOUSE_ASSERT(sqlite3_bind_parameter_count(prepared) == static_cast<int>(values.size()));
  int code = SQLITE_OK;
  for (std::size_t i = 0; i < values.size() && code == SQLITE_OK; ++i)
    code = std::visit(BindSqliteValue{prepared, static_cast<int>(i) + 1}, values[i]);
  Result<> opened;
  if (grouping_ && sqlite3_stmt_readonly(prepared) == 0) opened = open_group();
  if (!opened) {
    if (prepared != nullptr) sqlite3_clear_bindings(prepared);  // else the connection is gone
    return tl::unexpected(opened.error());
  }
  if (code == SQLITE_OK) code = step(prepared, visit);
  Result<SqlOutcome> result;
  if (code == SQLITE_DONE)
    result =
        SqlOutcome{.matched = static_cast<std::uint64_t>(sqlite3_changes64(db_)), .insert_id = 0};
  else
    result = tl::unexpected(last_error(code));
  sqlite3_reset(prepared);
  sqlite3_clear_bindings(prepared);
  // A full disk, for one, makes SQLite undo the whole transaction.
  if (group_open_ && !result && sqlite3_get_autocommit(db_) != 0) lose_group(result.error());
  const bool wrote = result && !grouping_ && sqlite3_stmt_readonly(prepared) == 0 &&
                     sqlite3_get_autocommit(db_) != 0;
  if (wrote) {
    if (auto there = confirm(); !there) return tl::unexpected(there.error());
  }
  disconnect_if_broken(code);
  return result;
}

Result<SqlOutcome> SqliteConnection::run_rows(Statement statement, std::size_t rows,
                                              std::span<const SqlValue> values) {
  GATEHOUSE_ASSERT(rows > 0 && values.size() % rows == 0);
  if (rows == 1) return run(statement, values, Repeat::kNo, {});
  const std::size_t columns = values.size() / rows;
  SqlOutcome all;
  auto done = run_whole([&]() -> Result<> {
    for (std::size_t i = 0; i < rows; ++i) {
      auto one = run(statement, values.subspan(i * columns, columns), Repeat::kNo, {});
      if (!one) return tl::unexpected(one.error());
      all.matched += one->matched;
    }
    return {};
  });
  if (!done) return tl::unexpected(done.error());
  return all;
}

// Inside a transaction a savepoint takes the place of a transaction of its own.
Result<> SqliteConnection::run_whole(const std::function<Result<>()>& body) {
  if (auto connected = connect(); !connected) return connected;
  if (auto opened = grouping_ ? open_group() : Result<>(); !opened) return opened;
  const bool inside = sqlite3_get_autocommit(db_) == 0;
  if (auto begun = run_script(inside ? "SAVEPOINT part" : "BEGIN IMMEDIATE"); !begun) return begun;
  auto done = body();
  if (done) done = run_script(inside ? "RELEASE part" : "COMMIT");
  if (done && !inside && guard_) done = confirm();
  // A grave error has undone everything already.
  if (!done && db_ != nullptr && sqlite3_get_autocommit(db_) == 0)
    static_cast<void>(run_script(inside ? "ROLLBACK TO part; RELEASE part" : "ROLLBACK"));
  return done;
}

void SqliteConnection::begin_group() {
  GATEHOUSE_ASSERT(!group_open_);
  grouping_ = true;
  looked_ = false;
  group_error_.reset();
}

Result<> SqliteConnection::open_group() {
  if (group_error_) return tl::unexpected(*group_error_);
  if (group_open_) return {};
  auto begun = run_script("BEGIN IMMEDIATE");
  if (begun) {
    group_open_ = true;
  } else {
    group_error_ = begun.error();
  }
  return begun;
}

void SqliteConnection::lose_group(const Error& error) {
  group_open_ = false;
  group_error_ = error;
}

Result<> SqliteConnection::end_group() {
  if (group_open_) {
    auto committed = run_script("COMMIT");
    if (!committed && group_open_ && db_ != nullptr) static_cast<void>(run_script("ROLLBACK"));
    if (committed) committed = confirm();
    if (!committed) lose_group(committed.error());
    group_open_ = false;
  }
  grouping_ = false;
  looked_ = false;
  if (!group_error_) return {};
  return tl::unexpected(*group_error_);  // until the next group begins, whoever asks
}

Result<> SqliteConnection::ping() {
  return run_script("SELECT count(*) FROM sqlite_schema");
}

Result<std::unique_ptr<SqlConnection>> SqliteConnection::open_for_migration() {
  store::SqliteOptions options;
  options.path = path_;
  options.guard = guard_;
  return std::make_unique<SqliteConnection>(clock_, options, kMigrationLockTimeoutMs, metrics_);
}

Result<> SqliteConnection::run_script(std::string_view script) {
  if (auto connected = connect(); !connected) return connected;
  const int code = sqlite3_exec(db_, std::string(script).c_str(), nullptr, nullptr, nullptr);
  if (code == SQLITE_OK) return {};
  const Error error = last_error(code);
  disconnect_if_broken(code);
  return tl::unexpected(error);
}

}  // namespace

Result<std::unique_ptr<store::Driver>> open_sqlite(const World& world,
                                                   const store::Options& options,
                                                   const DriverMetrics& metrics) {
  auto connection = std::make_unique<SqliteConnection>(world.clock, options.sqlite,
                                                       options.io_timeout_ms, metrics);
  return std::make_unique<SqlDriver>(world, std::move(connection),
                                     options.migrations_dir + "/sqlite", kSqliteMigrationTable,
                                     metrics.errors);
}

}  // namespace gatehouse::drivers
