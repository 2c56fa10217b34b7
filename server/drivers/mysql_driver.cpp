#include "drivers/mysql_driver.hpp"

#include <fmt/format.h>
#include <mysql.h>
#include <mysqld_error.h>

#include <array>
#include <utility>

#include "base/assert.hpp"
#include "base/clock.hpp"
#include "drivers/mysql_sql.hpp"
#include "drivers/sql_driver.hpp"
#include "mysql/connect.hpp"
#include "mysql/error.hpp"
#include "mysql/statement.hpp"

namespace gatehouse::drivers {
namespace {

// A migration may rewrite a large table.
constexpr std::uint32_t kMigrationTimeoutMs = 3'600'000;
constexpr int kDeadlockRetries = 3;

// The text of an insert, its group behind VALUES as often as there are rows.
std::string with_rows(std::string_view text, std::size_t rows) {
  std::string out(text);
  if (rows == 1) return out;
  const std::size_t first = text.find("VALUES ") + 7;
  const std::size_t end = std::min(text.find(" ON DUPLICATE KEY", first), text.size());
  const std::string group = ", " + std::string(text.substr(first, end - first));
  std::string more;
  for (std::size_t i = 1; i < rows; ++i) more += group;
  return out.insert(end, more);
}

class MysqlConnection final : public SqlConnection {
 public:
  MysqlConnection(const Clock& clock, store::Options options, const DriverMetrics& metrics)
      : clock_(clock), options_(std::move(options)), metrics_(metrics) {}
  ~MysqlConnection() override { disconnect(); }

  Result<SqlOutcome> run(Statement statement, std::span<const SqlValue> values, Repeat repeat,
                         const SqlVisitor& visit) override;
  Result<SqlOutcome> run_rows(Statement statement, std::size_t rows,
                              std::span<const SqlValue> values) override;
  Result<> transaction(const std::function<Result<>()>& body) override;
  Result<> ping() override;
  bool connected() override { return mysql_ && !mysql::closed_by_server(mysql_.get()); }
  Result<> connect() override;
  Result<std::unique_ptr<SqlConnection>> open_for_migration() override;
  Result<> lock_migrations() override;
  Result<> unlock_migrations(bool keep) override;
  Result<> run_script(std::string_view script) override;

 private:
  void disconnect();
  mysql::ServerError last_error() const {
    return {mysql_errno(mysql_.get()), mysql_error(mysql_.get())};
  }
  mysql::ServerError query(std::string_view text);
  mysql::ServerError try_run(Statement statement, std::size_t rows,
                             std::span<const SqlValue> values, const SqlVisitor& visit,
                             SqlOutcome& outcome);
  Result<SqlOutcome> run_repeating(Statement statement, std::size_t rows,
                                   std::span<const SqlValue> values, Repeat repeat,
                                   const SqlVisitor& visit);
  // Begins a transaction, on a fresh connection when the first turns out to be lost.
  Result<> begin();

  const Clock& clock_;
  store::Options options_;
  DriverMetrics metrics_;
  mysql::Handle mysql_;
  std::size_t packet_bytes_max_ = 0;  // what the server takes; 0: it does not say
  // Of mysql_. Of an insert for several rows the one with the last number of rows is kept.
  std::array<std::unique_ptr<mysql::Statement>, kStatementCount> statements_;
  std::array<std::unique_ptr<mysql::Statement>, kStatementCount> row_statements_;
  // While these hold, the connection must not be replaced: the migration lock or the open
  // transaction would be gone.
  bool locked_ = false;
  bool in_transaction_ = false;
  bool deadlocked_ = false;  // the server has undone the open transaction
  // No try at a connection is made again so soon after a failed one.
  [[nodiscard]] bool pausing() const {
    return clock_.monotonic_ms() < no_connect_until_ms_ &&
           !(options_.connected_ms && options_.connected_ms->load() >= failed_ms_);
  }

  MonotonicMs failed_ms_ = 0;
  MonotonicMs no_connect_until_ms_ = 0;
  Error connect_error_{Errc::kUnavailable, {}};
};

void MysqlConnection::disconnect() {
  for (auto& statement : statements_) statement.reset();
  for (auto& statement : row_statements_) statement.reset();
  if (!mysql_) return;
  mysql_.reset();
  bump(metrics_.connections, -1);
}

Result<> MysqlConnection::connect() {
  if (connected()) return {};
  disconnect();
  if (locked_) return fail(Errc::kUnavailable, "the connection was lost during a migration");
  if (in_transaction_)
    return fail(Errc::kUnavailable, "the connection was lost during a transaction");
  if (pausing()) return tl::unexpected(connect_error_);
  auto connected = mysql::connect(connection_options(options_), metrics_.connect_errors);
  if (!connected) {
    connect_error_ = connected.error();
    failed_ms_ = clock_.monotonic_ms();
    no_connect_until_ms_ = failed_ms_ + options_.reconnect_pause_ms;
    return tl::unexpected(connect_error_);
  }
  mysql_ = std::move(*connected);
  packet_bytes_max_ = mysql::read_packet_bytes_max(mysql_.get());
  bump(metrics_.connections);
  bump(metrics_.connects);
  if (options_.connected_ms) options_.connected_ms->store(clock_.monotonic_ms());
  return {};
}

mysql::ServerError MysqlConnection::query(std::string_view text) {
  if (mysql_real_query(mysql_.get(), text.data(), text.size()) == 0) return {};
  return last_error();
}

mysql::ServerError MysqlConnection::try_run(Statement statement, std::size_t rows,
                                            std::span<const SqlValue> values,
                                            const SqlVisitor& visit, SqlOutcome& outcome) {
  const std::size_t bytes = mysql::packet_bytes(values);
  if (packet_bytes_max_ != 0 && bytes > packet_bytes_max_)
    return {mysql::kTooBigByUs, fmt::format("MySQL: a statement of {} bytes is above the server's "
                                            "max_allowed_packet of {}",
                                            bytes, packet_bytes_max_)};
  const auto index = static_cast<std::size_t>(statement);
  auto& prepared = rows == 1 ? statements_[index] : row_statements_[index];
  mysql::ServerError error;
  if (!prepared || prepared->values() != values.size()) {
    prepared.reset();
    const std::string text = with_rows(mysql_texts()[index], rows);
    prepared = mysql::Statement::prepare(mysql_.get(), text, error);
  }
  if (!prepared) return error;
  return prepared->run(values, visit, outcome);
}

Result<SqlOutcome> MysqlConnection::run(Statement statement, std::span<const SqlValue> values,
                                        Repeat repeat, const SqlVisitor& visit) {
  return run_repeating(statement, 1, values, repeat, visit);
}

Result<SqlOutcome> MysqlConnection::run_rows(Statement statement, std::size_t rows,
                                             std::span<const SqlValue> values) {
  return run_repeating(statement, rows, values, Repeat::kNo, {});
}

Result<SqlOutcome> MysqlConnection::run_repeating(Statement statement, std::size_t rows,
                                                  std::span<const SqlValue> values, Repeat repeat,
                                                  const SqlVisitor& visit) {
  int deadlocks = 0;
  bool repeated = false;
  bool reprepared = false;
  bool moved = false;
  // Once an answer was lost nobody can say any more that nothing was done.
  const auto failed = [&repeated](Error error) -> tl::unexpected<Error> {
    if (repeated) error.code = Errc::kUnavailable;
    return tl::unexpected(std::move(error));
  };
  while (true) {
    if (auto connected = connect(); !connected) return failed(connected.error());
    SqlOutcome outcome;
    const MonotonicMs start_ms = clock_.monotonic_ms();
    const mysql::ServerError error = try_run(statement, rows, values, visit, outcome);
    outcome.repeated = repeated;
    if (error.number == 0) return outcome;
    if (error.number == ER_LOCK_DEADLOCK) {
      // The server undid the statement, or the transaction around it, and chose it as the one to
      // repeat.
      deadlocked_ = in_transaction_;
      if (!in_transaction_ && deadlocks++ < kDeadlockRetries) {
        bump(metrics_.repeats_deadlock);
        continue;
      }
    }
    if (mysql::statement_stale(error.number) && !std::exchange(reprepared, true)) {
      statements_[static_cast<std::size_t>(statement)].reset();
      row_statements_[static_cast<std::size_t>(statement)].reset();
      bump(metrics_.repeats_stale);
      continue;
    }
    if (mysql::server_read_only(error.number)) {
      // Another server may be the primary by now. The statement did not run.
      disconnect();
      if (!in_transaction_ && !std::exchange(moved, true)) {
        bump(metrics_.repeats_read_only);
        continue;
      }
    }
    if (mysql::too_big(error.number) && error.number != mysql::kTooBigByUs) {
      disconnect();  // the server closes it after such a packet
    } else if (mysql::connection_lost(error.number)) {
      disconnect();
      // After a time-out there is no time left for a second attempt.
      const bool timed_out = clock_.monotonic_ms() - start_ms >= options_.io_timeout_ms / 2;
      if (repeat == Repeat::kYes && !in_transaction_ && !timed_out &&
          !std::exchange(repeated, true)) {
        bump(metrics_.repeats_lost);
        continue;
      }
    }
    const Error said = error_of(error);
    // A session keeps the rights on a database that it had when it began.
    if (said.code == Errc::kRefused && !in_transaction_ && !locked_) disconnect();
    return failed(said);
  }
}

Result<> MysqlConnection::begin() {
  for (bool repeated = false;; repeated = true) {
    if (auto connected = connect(); !connected) return connected;
    const mysql::ServerError error = query("START TRANSACTION");
    if (error.number == 0) return {};
    disconnect();
    if (repeated || !mysql::connection_lost(error.number)) return tl::unexpected(error_of(error));
    bump(metrics_.repeats_lost);
  }
}

Result<> MysqlConnection::transaction(const std::function<Result<>()>& body) {
  GATEHOUSE_ASSERT(!in_transaction_);
  for (int deadlocks = 0;; ++deadlocks) {
    if (auto begun = begin(); !begun) return begun;
    in_transaction_ = true;
    deadlocked_ = false;
    auto done = body();
    if (done) {
      const mysql::ServerError error = query("COMMIT");
      if (error.number != 0) done = tl::unexpected(error_of(error));
      deadlocked_ = error.number == ER_LOCK_DEADLOCK;
    }
    in_transaction_ = false;
    if (done) return {};
    if (mysql_ && query("ROLLBACK").number != 0) disconnect();
    if (!deadlocked_ || deadlocks >= kDeadlockRetries) return done;
    bump(metrics_.repeats_deadlock);
  }
}

Result<> MysqlConnection::ping() {
  if (auto connected = connect(); !connected) return connected;
  if (mysql_ping(mysql_.get()) == 0) return {};
  const mysql::ServerError error = last_error();
  disconnect();
  return tl::unexpected(error_of(error));
}

Result<std::unique_ptr<SqlConnection>> MysqlConnection::open_for_migration() {
  store::Options options = options_;
  options.io_timeout_ms = kMigrationTimeoutMs;
  options.lock_timeout_ms = kMigrationTimeoutMs;
  return std::make_unique<MysqlConnection>(clock_, std::move(options), metrics_);
}

Result<> MysqlConnection::lock_migrations() {
  if (auto connected = connect(); !connected) return connected;
  if (mysql_real_query(mysql_.get(), kMysqlLock.data(), kMysqlLock.size()) != 0)
    return tl::unexpected(error_of(last_error()));
  MYSQL_RES* result = mysql_store_result(mysql_.get());
  if (result == nullptr) return tl::unexpected(error_of(last_error()));
  const MYSQL_ROW row = mysql_fetch_row(result);
  locked_ = row != nullptr && row[0] != nullptr && row[0][0] == '1';
  mysql_free_result(result);
  if (!locked_) return fail(Errc::kUnavailable, "another process is migrating this database");
  return {};
}

Result<> MysqlConnection::unlock_migrations(bool) {
  // Statements that define tables commit themselves: there is nothing to undo.
  if (mysql_) (void)mysql_real_query(mysql_.get(), kMysqlUnlock.data(), kMysqlUnlock.size());
  locked_ = false;
  return {};
}

Result<> MysqlConnection::run_script(std::string_view script) {
  if (auto connected = connect(); !connected) return connected;
  if (mysql_set_server_option(mysql_.get(), MYSQL_OPTION_MULTI_STATEMENTS_ON) != 0)
    return tl::unexpected(error_of(last_error()));
  int status = mysql_real_query(mysql_.get(), script.data(), script.size());
  while (status == 0) {
    mysql_free_result(mysql_store_result(mysql_.get()));
    status = mysql_next_result(mysql_.get());  // -1: no more, above 0: an error
  }
  if (status > 0) return tl::unexpected(error_of(last_error()));
  if (mysql_set_server_option(mysql_.get(), MYSQL_OPTION_MULTI_STATEMENTS_OFF) != 0)
    return tl::unexpected(error_of(last_error()));
  return {};
}

}  // namespace

mysql::Options connection_options(const store::Options& options) {
  mysql::Options connection = options.mysql;
  connection.connect_timeout_ms = options.connect_timeout_ms;
  connection.io_timeout_ms = options.io_timeout_ms;
  connection.lock_timeout_ms = options.lock_timeout_ms;
  return connection;
}

Result<std::unique_ptr<store::Driver>> open_mysql(const World& world, const store::Options& options,
                                                  const DriverMetrics& metrics) {
  mysql::start_library();
  return std::make_unique<SqlDriver>(
      world, std::make_unique<MysqlConnection>(world.clock, options, metrics),
      options.migrations_dir + "/mysql", kMysqlMigrationTable, metrics.errors);
}

}  // namespace gatehouse::drivers
