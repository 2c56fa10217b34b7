#include "store/open.hpp"

#include <string_view>

#include "store/mysql_driver.hpp"
#include "store/sqlite_driver.hpp"

namespace gatehouse::store {
namespace {

constexpr std::uint32_t kTimeoutMsMax = 3'600'000;

bool has_nul(std::string_view text) { return text.find('\0') != std::string_view::npos; }

Result<> check_sqlite(const SqliteOptions& options) {
  if (options.path.empty()) return fail(Errc::kInvalid, "store.sqlite.path is empty");
  if (has_nul(options.path)) return fail(Errc::kInvalid, "store.sqlite.path holds a NUL");
  // Every connection would see a database of its own.
  if (options.path.starts_with(":memory:") || options.path.starts_with("file:"))
    return fail(Errc::kInvalid, "store.sqlite.path must be the path of a file");
  if (options.path.back() == '/') return fail(Errc::kInvalid, "store.sqlite.path is a folder");
  return {};
}

Result<> check_tls(const MysqlOptions& options) {
  const MysqlTls& tls = options.tls;
  const auto refuse = [](const char* why) {
    return fail(Errc::kInvalid, std::string("store.mysql.tls: ") + why);
  };
  const bool off = tls.mode == MysqlTls::Mode::kOff;
  if (!off && !options.socket.empty()) return refuse("a Unix socket needs none");
  if (off && !(tls.ca.empty() && tls.cert.empty() && tls.key.empty()))
    return refuse("files are of no use with mode off");
  if (tls.mode == MysqlTls::Mode::kRequired && !tls.ca.empty())
    return refuse("ca is of no use with mode required: verify checks against it");
  if (tls.cert.empty() != tls.key.empty()) return refuse("cert and key belong together");
  if (has_nul(tls.ca) || has_nul(tls.cert) || has_nul(tls.key)) return refuse("a path holds a NUL");
  return {};
}

Result<> check_mysql(const MysqlOptions& options) {
  if (options.socket.empty() && options.host.empty() && options.hosts.empty())
    return fail(Errc::kInvalid, "store.mysql needs a host or a socket");
  if (options.socket.empty() && options.port == 0)
    return fail(Errc::kInvalid, "store.mysql.port is 0");
  for (const MysqlHost& host : options.hosts)
    if (host.host.empty() || host.port == 0 || has_nul(host.host))
      return fail(Errc::kInvalid, "store.mysql.hosts names no host or port");
  if (options.user.empty()) return fail(Errc::kInvalid, "store.mysql.user is empty");
  if (options.database.empty()) return fail(Errc::kInvalid, "store.mysql.database is empty");
  if (has_nul(options.host) || has_nul(options.socket) || has_nul(options.user) ||
      has_nul(options.database) || has_nul(options.password.reveal()))
    return fail(Errc::kInvalid, "an option of store.mysql holds a NUL");
  return check_tls(options);
}

}  // namespace

std::string_view name(Options::Kind kind) {
  return kind == Options::Kind::kMysql ? "mysql" : "sqlite";
}

Result<std::unique_ptr<Driver>> open(const Options& options, const DriverMetrics& metrics) {
  if (options.connect_timeout_ms == 0 || options.connect_timeout_ms > kTimeoutMsMax ||
      options.io_timeout_ms == 0 || options.io_timeout_ms > kTimeoutMsMax ||
      options.lock_timeout_ms == 0 || options.lock_timeout_ms > kTimeoutMsMax)
    return fail(Errc::kInvalid, "a time-out of the store must be 1 ms to 1 hour");
  if (options.migrations_dir.empty()) return fail(Errc::kInvalid, "migrations_dir is empty");
  const bool mysql = options.kind == Options::Kind::kMysql;
  auto checked = mysql ? check_mysql(options.mysql) : check_sqlite(options.sqlite);
  if (!checked) return tl::unexpected(checked.error());
  return mysql ? open_mysql(options, metrics) : open_sqlite(options, metrics);
}

}  // namespace gatehouse::store
