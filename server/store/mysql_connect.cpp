#include "store/mysql_connect.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "store/mysql_error.hpp"
#include "store/mysql_sql.hpp"

namespace gatehouse::store {
namespace {

// A password goes to none but these in a form that its reader could use.
constexpr const char* kSafeLogins =
    "mysql_native_password,client_ed25519,caching_sha2_password,sha256_password,parsec";

unsigned seconds(std::uint32_t ms) { return (ms + 999) / 1000; }

void set_number(MYSQL* mysql, mysql_option option, unsigned value) {
  mysql_optionsv(mysql, option, &value);
}

void set_flag(MYSQL* mysql, mysql_option option, bool on) {
  const my_bool value = on ? 1 : 0;
  mysql_optionsv(mysql, option, &value);
}

void set_tls(MYSQL* mysql, const MysqlTls& tls) {
  const auto set_file = [mysql](mysql_option option, const std::string& file) {
    if (!file.empty()) mysql_optionsv(mysql, option, file.c_str());
  };
  const bool verify = tls.mode == MysqlTls::Mode::kVerify;
  // Said in every mode: later versions of the library verify by default.
  set_flag(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, verify);
  if (!verify) mysql_optionsv(mysql, MARIADB_OPT_RESTRICTED_AUTH, kSafeLogins);
  if (tls.mode == MysqlTls::Mode::kOff) return;
  set_flag(mysql, MYSQL_OPT_SSL_ENFORCE, true);
  mysql_optionsv(mysql, MARIADB_OPT_TLS_VERSION, "TLSv1.2,TLSv1.3");
  // With a `ca` the library refuses other issuers whatever the mode.
  if (verify) set_file(MYSQL_OPT_SSL_CA, tls.ca);
  set_file(MYSQL_OPT_SSL_CERT, tls.cert);
  set_file(MYSQL_OPT_SSL_KEY, tls.key);
}

void set_options(MYSQL* mysql, const Options& options, std::uint32_t connect_timeout_ms) {
  const MysqlOptions& to = options.mysql;
  set_number(mysql, MYSQL_OPT_CONNECT_TIMEOUT, seconds(connect_timeout_ms));
  set_number(mysql, MYSQL_OPT_READ_TIMEOUT, seconds(options.io_timeout_ms));
  set_number(mysql, MYSQL_OPT_WRITE_TIMEOUT, seconds(options.io_timeout_ms));
  set_number(mysql, MYSQL_OPT_PROTOCOL,
             to.socket.empty() ? MYSQL_PROTOCOL_TCP : MYSQL_PROTOCOL_SOCKET);
  set_number(mysql, MYSQL_OPT_LOCAL_INFILE, 0);
  mysql_optionsv(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
  set_tls(mysql, to.tls);
}

MysqlError last_error(MYSQL* mysql) { return {mysql_errno(mysql), mysql_error(mysql)}; }

// Reads the variables that any kind of server has for refusing writes.
MysqlError check_writable(MYSQL* mysql) {
  if (mysql_real_query(mysql, kMysqlReadOnly.data(), kMysqlReadOnly.size()) != 0)
    return last_error(mysql);
  MYSQL_RES* const result = mysql_store_result(mysql);
  if (result == nullptr) return last_error(mysql);
  bool read_only = false;
  while (const MYSQL_ROW row = mysql_fetch_row(result)) {
    const std::string_view value = row[1] != nullptr ? row[1] : "";
    read_only = read_only || (value != "OFF" && value != "0");
  }
  mysql_free_result(result);
  return read_only ? MysqlError{kRefusedByUs, "it takes no writes (read_only)"} : MysqlError{};
}

MysqlError set_up(MYSQL* mysql, const Options& options) {
  // The library goes on without TLS when the server does not offer it, unless it verifies.
  if (options.mysql.tls.mode != MysqlTls::Mode::kOff && mysql_get_ssl_cipher(mysql) == nullptr)
    return {kRefusedByUs, "it does not offer TLS"};
  // The server gives up waiting for a lock before we give the server up.
  const unsigned lock_timeout_s = std::max(1u, seconds(options.io_timeout_ms) - 1);
  const std::string session = fmt::format(fmt::runtime(kMysqlSession), lock_timeout_s);
  if (mysql_real_query(mysql, session.data(), session.size()) != 0) return last_error(mysql);
  return options.mysql.hosts.size() > 1 ? check_writable(mysql) : MysqlError{};
}

MysqlError connect_one(MYSQL* mysql, const Options& options, const MysqlHost& to) {
  const MysqlOptions& from = options.mysql;
  const std::size_t hosts = std::max<std::size_t>(1, from.hosts.size());
  set_options(mysql, options, std::max<std::uint32_t>(
                                  1'000, options.connect_timeout_ms /
                                             static_cast<std::uint32_t>(hosts)));
  // The library takes the socket only for this host. CLIENT_FOUND_ROWS: rows matched, not rows
  // changed, so that a save of equal data is no fenced save.
  const char* const host = from.socket.empty() ? to.host.c_str() : "localhost";
  const char* const socket = from.socket.empty() ? nullptr : from.socket.c_str();
  if (mysql_real_connect(mysql, host, from.user.c_str(), from.password.reveal().data(),
                         from.database.c_str(), to.port, socket, CLIENT_FOUND_ROWS) == nullptr)
    return last_error(mysql);
  return set_up(mysql, options);
}

}  // namespace

Result<MysqlHandle> connect_mysql(const Options& options, const DriverMetrics& metrics) {
  const MysqlOptions& to = options.mysql;
  std::vector<MysqlHost> hosts = to.hosts;
  if (hosts.empty() || !to.socket.empty()) hosts = {{to.host, to.port}};
  std::string reasons;
  for (const MysqlHost& host : hosts) {
    MysqlHandle mysql(mysql_init(nullptr));
    if (!mysql) return fail(Errc::kUnavailable, "cannot connect to MySQL: out of memory");
    const MysqlError error = connect_one(mysql.get(), options, host);
    if (error.number == 0) return mysql;
    bump(metrics.connect_errors);
    const bool tls = to.tls.mode != MysqlTls::Mode::kOff;
    const std::string where =
        to.socket.empty() ? fmt::format("{}:{}", host.host, host.port) : to.socket;
    reasons += fmt::format("{}{}: {}", reasons.empty() ? "" : "; ", where,
                           connect_error_text(error, tls));
  }
  return fail(Errc::kUnavailable, "cannot connect to MySQL at " + reasons);
}

}  // namespace gatehouse::store
