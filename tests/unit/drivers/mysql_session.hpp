// A session of its own on a MariaDB server, for what a driver never does: hold locks.
#pragma once

#include <mariadb/mysql.h>

#include <stdexcept>
#include <string>

#include "store_fixture.hpp"

namespace gatehouse::drivers {

class MysqlSession {
 public:
  explicit MysqlSession(const std::string& database) : mysql_(mysql_init(nullptr)) {
    if (mysql_real_connect(mysql_, "localhost", "root", nullptr, database.c_str(), 0,
                           mariadb().socket().c_str(), 0) == nullptr)
      fail();
  }
  MysqlSession(const MysqlSession&) = delete;
  MysqlSession& operator=(const MysqlSession&) = delete;
  ~MysqlSession() { mysql_close(mysql_); }

  void run(const std::string& statement) {
    if (mysql_real_query(mysql_, statement.data(), statement.size()) != 0) fail();
    mysql_free_result(mysql_store_result(mysql_));
  }

 private:
  [[noreturn]] void fail() const { throw std::runtime_error(mysql_error(mysql_)); }
  MYSQL* mysql_;
};

// Waits until so many statements of the server wait for the lock of a row.
inline bool waiting_for_locks(int count) {
  const std::string waits = "Innodb_row_lock_current_waits\t" + std::to_string(count) + "\n";
  return eventually([&waits] {
    return mariadb().query("", "SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits'") == waits;
  });
}

// Waits until no driver's statement runs on the server.
inline bool nothing_runs() {
  return eventually([] {
    return mariadb().query("",
                           "SELECT COUNT(*) FROM information_schema.processlist "
                           "WHERE user = 'gatehouse' AND command = 'Execute'") == "0\n";
  });
}

}  // namespace gatehouse::drivers
