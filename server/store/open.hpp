// Opens a driver by its options (configuration section `store`).
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "store/driver.hpp"
#include "store/driver_metrics.hpp"

namespace gatehouse::store {

class SqliteGuard;

struct SqliteOptions {
  std::string path;  // the file; it and its folder are made when missing (mode 0600 and 0700)
  // The claim of a server on the file, which its drivers share; none: a visitor.
  std::shared_ptr<SqliteGuard> guard;
};

// TLS to the server. A connection that would go without what the mode says is not used.
struct MysqlTls {
  enum class Mode {
    kOff,
    kRequired,  // encrypted; whoever stands in between is not noticed
    kVerify,    // encrypted, the server's certificate is issued by `ca` for the host's name
  };
  Mode mode = Mode::kOff;
  std::string ca;    // file with certificates; empty: those of the system; for kVerify
  std::string cert;  // file with our own certificate, where the server wants one
  std::string key;   // file with its key
};

struct MysqlHost {
  std::string host;
  std::uint16_t port = 3306;
};

struct MysqlOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 3306;
  // When not empty, in the place of host and port: tried in order at every new connection, of
  // several only such as take writes.
  std::vector<MysqlHost> hosts;
  std::string socket;  // path of a Unix socket, wins over hosts
  MysqlTls tls;        // not with a socket
  std::string user;
  Secret password;
  std::string database;
};

// Which of several servers the connections that share it use, for the log. Any thread.
class ServerInUse {
 public:
  // A connection got through to `where`; says so when the one before went elsewhere.
  void connected(const std::string& where);

 private:
  std::mutex mutex_;
  std::string where_;
};

struct Options {
  enum class Kind { kSqlite, kMysql };
  // What a server does at start with a schema that is older than its files: bring it up to date,
  // or refuse.
  enum class Migrate { kAuto, kCheck };

  Kind kind = Kind::kSqlite;
  Migrate migrate = Migrate::kAuto;
  SqliteOptions sqlite;
  MysqlOptions mysql;
  // libmariadb counts in whole seconds: time-outs of MySQL are rounded up.
  std::uint32_t connect_timeout_ms = 5'000;
  std::uint32_t io_timeout_ms = 5'000;  // MySQL: one statement; SQLite: waiting for its lock
  // MySQL: how long a statement waits for a row that somebody else has locked; it is told busy
  // then, and its connection serves others.
  std::uint32_t lock_timeout_ms = 1'000;
  // After a failed attempt to connect, calls fail at once for this long, so that a queue of
  // waiting calls is answered instead of timing out one after the other.
  std::uint32_t reconnect_pause_ms = 250;
  // When any of the connections that share it got through, in monotonic ms: it ends the pause of
  // the others, so that recovery is not seen one connection at a time. Store::start() sets it.
  std::shared_ptr<std::atomic<std::int64_t>> connected_ms;
  // Of several MySQL servers, the one that is used; none: nobody is told. Store::start() sets it.
  std::shared_ptr<ServerInUse> in_use;
  std::string migrations_dir = "sql";  // holds sqlite/ and mysql/
};

// "sqlite" or "mysql", as in `store.driver` and in the metrics' labels.
[[nodiscard]] std::string_view name(Options::Kind kind);

// Makes a driver without connecting, so a database that is away is no error here. kInvalid for
// options that can never work.
[[nodiscard]] Result<std::unique_ptr<Driver>> open(const Options& options,
                                                   const DriverMetrics& metrics = {});

}  // namespace gatehouse::store
