#include "config/store.hpp"

#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "base/file_trust.hpp"
#include "base/http_guard.hpp"
#include "config/file.hpp"
#include "config/paths.hpp"

namespace gatehouse::config {
namespace {

void read_mysql_hosts(ConfigReader& reader, mysql::Options& mysql) {
  std::vector<std::string> hosts;
  reader.read("hosts", hosts);
  for (const std::string& text : hosts) {
    auto parsed = net::Endpoint::parse(text);
    if (parsed && parsed->port != 0) {
      mysql.hosts.push_back({parsed->host, parsed->port});
    } else {
      reader.reject("hosts", text + " is not a host:port");
    }
  }
}

void read_mysql_tls(ConfigReader& reader, mysql::Tls& tls) {
  const auto read_path = [&reader](const char* key, std::string& path) {
    if (reader.read(key, path) && !path.empty()) check_file(reader, key, path);
  };
  read_path("ca", tls.ca);
  read_path("cert", tls.cert);
  read_path("key", tls.key);
  if (is_file(tls.key)) {
    if (auto secret = check_secret_file(tls.key); !secret)
      reader.reject("key", secret.error().message);
  }
  std::size_t mode = tls.ca.empty() ? 0 : 2;
  reader.read_choice("mode", {"off", "required", "verify"}, mode);
  tls.mode = static_cast<mysql::Tls::Mode>(mode);
  if (mode != 2 && !tls.ca.empty()) {
    reader.reject("ca", "is checked with mode verify only");
  }
  if (tls.cert.empty() != tls.key.empty()) reader.reject("cert", "and key belong together");
  if (mode == 0 && !tls.cert.empty()) reader.reject("cert", "is of no use with mode off");
}

void read_mysql(ConfigReader& reader, Config& config) {
  mysql::Options& mysql = config.store.driver.mysql;
  reader.read("host", mysql.host);
  reader.read("port", mysql.port, 1);
  read_mysql_hosts(reader, mysql);
  reader.read("socket", mysql.socket);
  reader.read("user", mysql.user);
  std::string password;
  reader.read("password", password);
  mysql.password = Secret(std::move(password));
  reader.read("database", mysql.database);
  reader.section("tls", [&](ConfigReader& r) { read_mysql_tls(r, mysql.tls); });
  const bool tls = mysql.tls.mode != mysql::Tls::Mode::kOff;
  if (tls && !mysql.socket.empty()) reader.reject("tls", "is not used on a Unix socket");
  std::vector<mysql::Host> hosts = mysql.hosts;
  if (hosts.empty()) hosts = {{mysql.host, mysql.port}};
  const bool local =
      std::ranges::all_of(hosts, [](const auto& to) { return is_loopback(to.host); });
  const bool used = config.store.driver.kind == store::Options::Kind::kMysql;
  if (used && !tls && mysql.socket.empty() && !local) {
    config.warnings.push_back(reader.path_of("tls") +
                              ": password hashes and players' data leave this machine in clear");
  }
}

}  // namespace

void read_store(ConfigReader& reader, Config& config) {
  std::size_t driver = 0;
  reader.read_choice("driver", {"sqlite", "mysql"}, driver);
  store::Options& options = config.store.driver;
  options.kind = driver == 0 ? store::Options::Kind::kSqlite : store::Options::Kind::kMysql;
  std::size_t migrate = 0;
  reader.read_choice("migrate", {"auto", "check"}, migrate);
  options.migrate = static_cast<store::Options::Migrate>(migrate);
  reader.read("connections", config.store.connections, 1, 256);
  reader.read("queue_max", config.store.queue_max, 1);
  reader.read("account_queue_max", config.store.account_queue_max, 1);
  std::uint32_t timeout_ms = options.io_timeout_ms;
  reader.read("timeout_ms", timeout_ms, 1);
  options.connect_timeout_ms = options.io_timeout_ms = timeout_ms;
  reader.read("lock_timeout_ms", options.lock_timeout_ms, 1);
  reader.read("watch_interval_ms", config.watch.interval_ms, 100, 5'000);
  reader.read("session_lease_ms", config.watch.session_lease_ms, 10'000);
  reader.section("sqlite", [&](ConfigReader& r) { r.read("path", options.sqlite.path); });
  options.mysql.user = options.mysql.database = "gatehouse";
  reader.section("mysql", [&](ConfigReader& r) { read_mysql(r, config); });
}

}  // namespace gatehouse::config
