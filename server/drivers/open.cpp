#include "drivers/open.hpp"

#include <string_view>

#include "drivers/mysql_driver.hpp"
#include "drivers/sql_driver.hpp"
#include "drivers/sqlite_driver.hpp"
#include "drivers/sqlite_guard.hpp"

namespace gatehouse::drivers {
namespace {

constexpr std::uint32_t kTimeoutMsMax = 3'600'000;

bool has_nul(std::string_view text) {
  return text.find('\0') != std::string_view::npos;
}

Result<> check_sqlite(const store::SqliteOptions& options) {
  if (options.path.empty()) return fail(Errc::kInvalid, "store.sqlite.path is empty");
  if (has_nul(options.path)) return fail(Errc::kInvalid, "store.sqlite.path holds a NUL");
  // Every connection would see a database of its own.
  if (options.path.starts_with(":memory:") || options.path.starts_with("file:"))
    return fail(Errc::kInvalid, "store.sqlite.path must be the path of a file");
  if (options.path.back() == '/') return fail(Errc::kInvalid, "store.sqlite.path is a folder");
  return {};
}

Result<> check_tls(const mysql::Options& options) {
  const mysql::Tls& tls = options.tls;
  const auto refuse = [](const char* why) {
    return fail(Errc::kInvalid, std::string("store.mysql.tls: ") + why);
  };
  const bool off = tls.mode == mysql::Tls::Mode::kOff;
  if (!off && !options.socket.empty()) return refuse("a Unix socket needs none");
  if (off && !(tls.ca.empty() && tls.cert.empty() && tls.key.empty()))
    return refuse("files are of no use with mode off");
  if (tls.mode == mysql::Tls::Mode::kRequired && !tls.ca.empty())
    return refuse("ca is of no use with mode required: verify checks against it");
  if (tls.cert.empty() != tls.key.empty()) return refuse("cert and key belong together");
  if (has_nul(tls.ca) || has_nul(tls.cert) || has_nul(tls.key)) return refuse("a path holds a NUL");
  return {};
}

Result<> check_mysql(const mysql::Options& options) {
  if (options.socket.empty() && options.host.empty() && options.hosts.empty())
    return fail(Errc::kInvalid, "store.mysql needs a host or a socket");
  if (options.socket.empty() && options.port == 0)
    return fail(Errc::kInvalid, "store.mysql.port is 0");
  for (const mysql::Host& host : options.hosts)
    if (host.host.empty() || host.port == 0 || has_nul(host.host))
      return fail(Errc::kInvalid, "store.mysql.hosts names no host or port");
  if (options.user.empty()) return fail(Errc::kInvalid, "store.mysql.user is empty");
  if (options.database.empty()) return fail(Errc::kInvalid, "store.mysql.database is empty");
  if (has_nul(options.host) || has_nul(options.socket) || has_nul(options.user) ||
      has_nul(options.database) || has_nul(options.password.reveal()))
    return fail(Errc::kInvalid, "an option of store.mysql holds a NUL");
  return check_tls(options);
}

// Refuses everything: the driver of jobs that a stopping store tells.
class ClosedConnection final : public drivers::SqlConnection {
 public:
  Result<SqlOutcome> run(drivers::Statement, std::span<const SqlValue>, drivers::Repeat,
                         const SqlVisitor&) override {
    return closed();
  }
  Result<SqlOutcome> run_rows(drivers::Statement, std::size_t, std::span<const SqlValue>) override {
    return closed();
  }
  Result<> transaction(const std::function<Result<>()>&) override { return closed(); }
  Result<> ping() override { return closed(); }
  Result<std::unique_ptr<drivers::SqlConnection>> open_for_migration() override { return closed(); }
  Result<> lock_migrations() override { return closed(); }
  Result<> unlock_migrations(bool) override { return closed(); }
  Result<> run_script(std::string_view) override { return closed(); }

 private:
  static tl::unexpected<Error> closed() { return fail(Errc::kClosed, "the store is stopping"); }
};

}  // namespace

Result<std::unique_ptr<store::Driver>> open(const World& world, const store::Options& options,
                                            const DriverMetrics& metrics) {
  if (options.connect_timeout_ms == 0 || options.connect_timeout_ms > kTimeoutMsMax ||
      options.io_timeout_ms == 0 || options.io_timeout_ms > kTimeoutMsMax ||
      options.lock_timeout_ms == 0 || options.lock_timeout_ms > kTimeoutMsMax)
    return fail(Errc::kInvalid, "a time-out of the store must be 1 ms to 1 hour");
  if (options.migrations_dir.empty()) return fail(Errc::kInvalid, "migrations_dir is empty");
  const bool mysql = options.kind == store::Options::Kind::kMysql;
  auto checked = mysql ? check_mysql(options.mysql) : check_sqlite(options.sqlite);
  if (!checked) return tl::unexpected(checked.error());
  return mysql ? open_mysql(world, options, metrics) : open_sqlite(world, options, metrics);
}

Result<std::unique_ptr<store::Store>> open_store(const World& world,
                                                 const store::StoreOptions& options,
                                                 MetricSet& metrics) {
  if (options.connections < 1 || options.connections > 1'000)
    return fail(Errc::kInvalid, "store.connections must be 1 to 1000");
  const DriverMetrics driver_metrics =
      DriverMetrics::in(metrics, store::label(options.driver.kind));
  store::Options shared = options.driver;
  shared.connected_ms = std::make_shared<std::atomic<std::int64_t>>(0);
  shared.mysql.in_use = std::make_shared<mysql::ServerInUse>();
  const bool one_writer = options.driver.kind == store::Options::Kind::kSqlite;
  const std::size_t connections = one_writer ? 1 : options.connections;
  store::Drivers drivers;
  for (std::size_t i = 0; i < connections; ++i) {
    auto driver = open(world, shared, driver_metrics);
    if (!driver) return tl::unexpected(driver.error());
    drivers.open.push_back(std::move(*driver));
  }
  drivers.closed =
      std::make_unique<SqlDriver>(world, std::make_unique<ClosedConnection>(), "", "", nullptr);
  if (const auto guard = options.driver.sqlite.guard)
    drivers.complaint = [guard] { return guard->complaint(); };
  return store::Store::start(world, options, std::move(drivers), metrics);
}

}  // namespace gatehouse::drivers
