#include "drivers/sql_driver.hpp"

#include <utility>

#include "drivers/sql_migrate.hpp"

namespace gatehouse::drivers {

SqlDriver::SqlDriver(const World& world, std::unique_ptr<SqlConnection> connection,
                     std::string migrations_folder, std::string_view migration_table,
                     Metric* errors)
    : clock_(world.clock),
      random_(world.random),
      connection_(std::move(connection)),
      migrations_folder_(std::move(migrations_folder)),
      migration_table_(migration_table),
      errors_(errors) {}

void SqlDriver::count(const Error& error) {
  const Errc code = error.code;
  const bool by_database = code == Errc::kUnavailable || code == Errc::kIo ||
                           code == Errc::kCorrupt || code == Errc::kRefused ||
                           code == Errc::kTooBig;
  if (errors_ && by_database) errors_->add();
}

Result<SqlOutcome> SqlDriver::run(Statement statement, std::initializer_list<SqlValue> values,
                                  Repeat repeat, const SqlVisitor& visit) {
  auto outcome = connection_->run(statement, {values.begin(), values.size()}, repeat, visit);
  if (!outcome) count(outcome.error());
  return outcome;
}

Result<> SqlDriver::run_on_account(Statement statement, std::initializer_list<SqlValue> values,
                                   Repeat repeat) {
  auto ran = run(statement, values, repeat);
  if (!ran) return tl::unexpected(ran.error());
  if (ran->matched == 0) return fail(Errc::kNotFound, "no such account");
  return {};
}

Result<> SqlDriver::transaction(const std::function<Result<>()>& body) {
  auto done = connection_->transaction(body);
  if (!done) count(done.error());
  return done;
}

Result<std::uint32_t> SqlDriver::schema_version() {
  return sql_schema_version(*connection_);
}

Result<std::uint32_t> SqlDriver::missing_migrations() {
  return sql_missing_migrations(*connection_, migrations_folder_);
}

Result<std::uint32_t> SqlDriver::migrate() {
  // The migration's own connection waits for the lock that an open group holds.
  if (auto durable = end_group(); !durable) return tl::unexpected(durable.error());
  return sql_migrate(*connection_, migrations_folder_, migration_table_);
}

Result<> SqlDriver::end_group() {
  auto durable = connection_->end_group();
  if (!durable) count(durable.error());
  return durable;
}

Result<> SqlDriver::ping() {
  auto alive = connection_->ping();
  if (!alive && errors_) errors_->add();
  return alive;
}

}  // namespace gatehouse::drivers
