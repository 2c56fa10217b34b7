#include "mysql/connect.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "mysql/error.hpp"

namespace gatehouse::mysql {
namespace {

// What every connection sets: strict types, UTC, and a bound on waiting for locks.
// `{}` stands for the seconds of that bound.
constexpr std::string_view kSession =
    "SET SESSION sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,"
    "NO_ENGINE_SUBSTITUTION', time_zone = '+00:00', autocommit = 1, "
    "innodb_lock_wait_timeout = {}";

// Names and values of the switches by which a server refuses writes. MariaDB, MySQL and TiDB
// have different ones, and asking for one by name fails where it is missing.
constexpr std::string_view kReadOnly =
    "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('read_only', 'super_read_only', "
    "'innodb_read_only', 'tidb_restricted_read_only', 'tidb_super_read_only')";

// A password goes to none but these in a form that its reader could use.
constexpr const char* kSafeLogins =
    "mysql_native_password,client_ed25519,caching_sha2_password,sha256_password,parsec";

unsigned seconds(std::uint32_t ms) {
  return (ms + 999) / 1000;
}

void set_number(MYSQL* mysql, mysql_option option, unsigned value) {
  mysql_optionsv(mysql, option, &value);
}

void set_flag(MYSQL* mysql, mysql_option option, bool on) {
  const my_bool value = on ? 1 : 0;
  mysql_optionsv(mysql, option, &value);
}

void set_tls(MYSQL* mysql, const Tls& tls) {
  const auto set_file = [mysql](mysql_option option, const std::string& file) {
    if (!file.empty()) mysql_optionsv(mysql, option, file.c_str());
  };
  const bool verify = tls.mode == Tls::Mode::kVerify;
  // Said in every mode: later versions of the library verify by default.
  set_flag(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, verify);
  if (!verify) mysql_optionsv(mysql, MARIADB_OPT_RESTRICTED_AUTH, kSafeLogins);
  if (tls.mode == Tls::Mode::kOff) return;
  set_flag(mysql, MYSQL_OPT_SSL_ENFORCE, true);
  mysql_optionsv(mysql, MARIADB_OPT_TLS_VERSION, "TLSv1.2,TLSv1.3");
  // With a `ca` the library refuses other issuers whatever the mode.
  if (verify) set_file(MYSQL_OPT_SSL_CA, tls.ca);
  set_file(MYSQL_OPT_SSL_CERT, tls.cert);
  set_file(MYSQL_OPT_SSL_KEY, tls.key);
}

void set_options(MYSQL* mysql, const Options& options, std::uint32_t connect_timeout_ms,
                 const char* charset = "utf8mb4") {
  set_number(mysql, MYSQL_OPT_CONNECT_TIMEOUT, seconds(connect_timeout_ms));
  set_number(mysql, MYSQL_OPT_READ_TIMEOUT, seconds(options.io_timeout_ms));
  set_number(mysql, MYSQL_OPT_WRITE_TIMEOUT, seconds(options.io_timeout_ms));
  set_number(mysql, MYSQL_OPT_PROTOCOL,
             options.socket.empty() ? MYSQL_PROTOCOL_TCP : MYSQL_PROTOCOL_SOCKET);
  set_number(mysql, MYSQL_OPT_LOCAL_INFILE, 0);
  mysql_optionsv(mysql, MYSQL_SET_CHARSET_NAME, charset);
  set_tls(mysql, options.tls);
}

ServerError last_error(MYSQL* mysql) {
  return {mysql_errno(mysql), mysql_error(mysql)};
}

// Reads the variables that any kind of server has for refusing writes.
ServerError check_writable(MYSQL* mysql) {
  if (mysql_real_query(mysql, kReadOnly.data(), kReadOnly.size()) != 0) return last_error(mysql);
  MYSQL_RES* const result = mysql_store_result(mysql);
  if (result == nullptr) return last_error(mysql);
  bool read_only = false;
  while (const MYSQL_ROW row = mysql_fetch_row(result)) {
    const std::string_view value = row[1] != nullptr ? row[1] : "";
    read_only = read_only || (value != "OFF" && value != "0");
  }
  mysql_free_result(result);
  return read_only ? ServerError{kRefusedByUs, "it takes no writes (read_only)"} : ServerError{};
}

ServerError set_up(MYSQL* mysql, const Options& options) {
  // The library goes on without TLS when the server does not offer it, unless it verifies.
  if (options.tls.mode != Tls::Mode::kOff && mysql_get_ssl_cipher(mysql) == nullptr)
    return {kRefusedByUs, "it does not offer TLS"};
  // The server gives up waiting for a lock before we give the server up.
  const unsigned lock_timeout_s_max = std::max(1u, seconds(options.io_timeout_ms) - 1);
  const unsigned lock_timeout_s =
      std::clamp(seconds(options.lock_timeout_ms), 1u, lock_timeout_s_max);
  const std::string session = fmt::format(fmt::runtime(kSession), lock_timeout_s);
  if (mysql_real_query(mysql, session.data(), session.size()) != 0) return last_error(mysql);
  return options.hosts.size() > 1 ? check_writable(mysql) : ServerError{};
}

ServerError connect_one(MYSQL* mysql, const Options& options, const Host& to) {
  const std::size_t hosts = std::max<std::size_t>(1, options.hosts.size());
  set_options(mysql, options,
              std::max<std::uint32_t>(
                  1'000, options.connect_timeout_ms / static_cast<std::uint32_t>(hosts)));
  // The library takes the socket only for this host. CLIENT_FOUND_ROWS: rows matched, not rows
  // changed, so that a save of equal data is no fenced save.
  const char* const host = options.socket.empty() ? to.host.c_str() : "localhost";
  const char* const socket = options.socket.empty() ? nullptr : options.socket.c_str();
  if (mysql_real_connect(mysql, host, options.user.c_str(), options.password.reveal().data(),
                         options.database.c_str(), to.port, socket, CLIENT_FOUND_ROWS) == nullptr)
    return last_error(mysql);
  return set_up(mysql, options);
}

// Room for the library's coroutine, in which its plugins and TLS run while it connects.
constexpr std::size_t kConnectStackBytes = 256u << 10;

// Scripts send what they like; more than a server takes.
constexpr unsigned kPacketBytesMax = 1u << 30;

// Waits for what the library waits for. An interrupt, or the end of the time, is a time-out to
// the library, which then takes itself down.
int await_library(const Clock& clock, MYSQL* mysql, int wanted, const Interrupt& interrupt,
                  MonotonicMs deadline_ms) {
  if (interrupt.raised() || clock.monotonic_ms() >= deadline_ms) return MYSQL_WAIT_TIMEOUT;
  pollfd waits[2] = {{mysql_get_socket(mysql), 0, 0}, {interrupt.descriptor(), POLLIN, 0}};
  if ((wanted & MYSQL_WAIT_READ) != 0) waits[0].events |= POLLIN;
  if ((wanted & MYSQL_WAIT_WRITE) != 0) waits[0].events |= POLLOUT;
  if ((wanted & MYSQL_WAIT_EXCEPT) != 0) waits[0].events |= POLLPRI;
  const auto left_ms = static_cast<int>(deadline_ms - clock.monotonic_ms());
  const int ready = poll(waits, 2, std::max(0, left_ms));
  if (ready < 0 && errno == EINTR)
    return await_library(clock, mysql, wanted, interrupt, deadline_ms);
  if (ready <= 0 || waits[1].revents != 0) return MYSQL_WAIT_TIMEOUT;
  int happened = 0;
  if ((waits[0].revents & POLLIN) != 0) happened |= MYSQL_WAIT_READ;
  if ((waits[0].revents & POLLOUT) != 0) happened |= MYSQL_WAIT_WRITE;
  if ((waits[0].revents & POLLPRI) != 0) happened |= MYSQL_WAIT_EXCEPT;
  // The library sees an error of the socket in whatever it tries next.
  return happened != 0 ? happened : wanted & ~MYSQL_WAIT_TIMEOUT;
}

ServerError connect_interruptibly(const Clock& clock, MYSQL* mysql, const Options& options,
                                  const std::string& charset, Interrupt& interrupt) {
  set_options(mysql, options, options.connect_timeout_ms,
              charset.empty() ? "utf8mb4" : charset.c_str());
  mysql_optionsv(mysql, MYSQL_OPT_NONBLOCK, &kConnectStackBytes);
  const unsigned long packet_bytes_max = kPacketBytesMax;
  mysql_optionsv(mysql, MYSQL_OPT_MAX_ALLOWED_PACKET, &packet_bytes_max);
  const MonotonicMs deadline_ms = clock.monotonic_ms() + options.connect_timeout_ms;
  MYSQL* connected = nullptr;
  int wanted = mysql_real_connect_start(
      &connected, mysql, options.host.c_str(), options.user.c_str(),
      options.password.reveal().data(),
      options.database.empty() ? nullptr : options.database.c_str(), options.port, nullptr,
      CLIENT_FOUND_ROWS | CLIENT_MULTI_STATEMENTS | CLIENT_MULTI_RESULTS | CLIENT_IGNORE_SPACE);
  while (wanted != 0) {
    const int happened = await_library(clock, mysql, wanted, interrupt, deadline_ms);
    wanted = mysql_real_connect_cont(&connected, mysql, happened);
  }
  if (connected == nullptr) return last_error(mysql);
  if (options.tls.mode != Tls::Mode::kOff && mysql_get_ssl_cipher(mysql) == nullptr)
    return {kRefusedByUs, "it does not offer TLS"};
  interrupt.watch(static_cast<int>(mysql_get_socket(mysql)));
  if (charset.empty() && mysql_query(mysql, "SET NAMES DEFAULT") != 0) {
    interrupt.watch(-1);
    return last_error(mysql);
  }
  return {};
}

}  // namespace

void mysql::ServerInUse::connected(const std::string& where) {
  std::string before;
  {
    std::lock_guard lock(mutex_);
    before = std::exchange(where_, where);
  }
  if (!before.empty() && before != where)
    log::warn({}, "the store is now at {}, before that at {}", where, before);
}

Result<Handle> connect(const Options& options, Metric* errors) {
  std::vector<Host> hosts = options.hosts;
  if (hosts.empty() || !options.socket.empty()) hosts = {{options.host, options.port}};
  std::string reasons;
  for (const Host& host : hosts) {
    Handle mysql(mysql_init(nullptr));
    if (!mysql) return fail(Errc::kUnavailable, "cannot connect to MySQL: out of memory");
    const ServerError error = connect_one(mysql.get(), options, host);
    const std::string where =
        options.socket.empty() ? fmt::format("{}:{}", host.host, host.port) : options.socket;
    if (error.number == 0) {
      if (options.in_use) options.in_use->connected(where);
      return mysql;
    }
    if (errors != nullptr) errors->add();
    const bool tls = options.tls.mode != Tls::Mode::kOff;
    reasons +=
        fmt::format("{}{}: {}", reasons.empty() ? "" : "; ", where, connect_error_text(error, tls));
  }
  return fail(Errc::kUnavailable, "cannot connect to MySQL at " + reasons);
}

Result<Handle> connect_client(const Clock& clock, const Options& options,
                              const std::string& charset, Interrupt& interrupt) {
  Handle mysql(mysql_init(nullptr));
  if (!mysql) return fail(Errc::kUnavailable, "cannot connect to MySQL: out of memory");
  const ServerError error = connect_interruptibly(clock, mysql.get(), options, charset, interrupt);
  if (error.number == 0) return mysql;
  if (interrupt.raised()) return fail(Errc::kClosed, "the connection was closed");
  const bool tls = options.tls.mode != Tls::Mode::kOff;
  return fail(Errc::kUnavailable, fmt::format("cannot connect to MySQL at {}:{}: {}", options.host,
                                              options.port, connect_error_text(error, tls, "tls")));
}

std::size_t read_packet_bytes_max(MYSQL* mysql) {
  if (mysql_query(mysql, "SELECT @@max_allowed_packet") != 0) return 0;
  MYSQL_RES* const result = mysql_store_result(mysql);
  if (result == nullptr) return 0;
  const MYSQL_ROW row = mysql_fetch_row(result);
  std::size_t bytes = 0;
  if (row != nullptr && row[0] != nullptr) bytes = std::strtoull(row[0], nullptr, 10);
  mysql_free_result(result);
  return bytes;
}

bool closed_by_server(MYSQL* mysql) {
  pollfd state{.fd = mysql_get_socket(mysql), .events = POLLIN | POLLRDHUP, .revents = 0};
  const int ready = poll(&state, 1, 0);
  if (ready < 0) return errno != EINTR;
  if (ready == 0) return false;
  if ((state.revents & ~POLLIN) != 0) return true;
  // A server that says something unasked says goodbye, unless TLS has news of its own.
  return mysql_get_ssl_cipher(mysql) == nullptr;
}

void start_library() {
  static std::once_flag started;
  std::call_once(started, [] { (void)mysql_library_init(0, nullptr, nullptr); });
}

}  // namespace gatehouse::mysql
