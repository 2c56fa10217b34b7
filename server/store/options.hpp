// How the store is configured (configuration section `store`).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "mysql/options.hpp"

namespace gatehouse::drivers {
class SqliteGuard;
}

namespace gatehouse::store {

struct SqliteOptions {
  std::string path;  // the file; it and its folder are made when missing (mode 0600 and 0700)
  // The claim of a server on the file, which its drivers share; none: a visitor.
  std::shared_ptr<drivers::SqliteGuard> guard;
};

struct Options {
  enum class Kind { kSqlite, kMysql };
  // What a server does at start with a schema that is older than its files: bring it up to date,
  // or refuse.
  enum class Migrate { kAuto, kCheck };

  Kind kind = Kind::kSqlite;
  Migrate migrate = Migrate::kAuto;
  SqliteOptions sqlite;
  mysql::Options mysql;
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
  std::string migrations_dir = "sql";  // holds sqlite/ and mysql/
};

// "sqlite" or "mysql", as in `store.driver` and in the metrics' labels.
[[nodiscard]] inline std::string_view name(Options::Kind kind) {
  return kind == Options::Kind::kMysql ? "mysql" : "sqlite";
}

struct StoreOptions {
  Options driver;
  // Threads, each with one connection. SQLite gets one whatever is said here: only one can
  // write at a time, and it commits what waits together.
  std::size_t connections = 4;
  std::size_t queue_max = 4'096;       // jobs that wait
  std::size_t account_queue_max = 64;  // of them, of one account
};

}  // namespace gatehouse::store
