// A connection to MySQL for statements that are not this store's: those of scripts.
#pragma once

#include <mysql.h>

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include "store/mysql_answer.hpp"
#include "store/mysql_connect.hpp"
#include "store/mysql_interrupt.hpp"
#include "store/mysql_worker.hpp"

namespace gatehouse::store {

// One thread at a time; interrupt() from any. Statements stay prepared over connections: they
// are prepared again where they are needed. Nothing is ever run twice.
class MysqlClient {
 public:
  explicit MysqlClient(MysqlClientOptions options) : options_(std::move(options)) {}
  ~MysqlClient() { disconnect(); }
  MysqlClient(const MysqlClient&) = delete;
  MysqlClient& operator=(const MysqlClient&) = delete;

  // Blocks until there is an answer.
  [[nodiscard]] MysqlAnswer run(const MysqlRequest& request);
  // Ends a run() under way, and the connection for good.
  void interrupt() { interrupt_.raise(); }
  void disconnect();

 private:
  struct CloseStatement {
    void operator()(MYSQL_STMT* statement) const { mysql_stmt_close(statement); }
  };
  struct Statement {
    std::string text;
    std::unique_ptr<MYSQL_STMT, CloseStatement> handle;  // of mysql_; empty: to be prepared
  };

  void connect(MysqlAnswer& answer);
  [[nodiscard]] bool connected(MysqlAnswer& answer);
  void query(const std::string& text, MysqlAnswer& answer);
  void prepare(const std::string& text, MysqlAnswer& answer);
  void execute(const MysqlRequest& request, MysqlAnswer& answer);
  [[nodiscard]] bool run_statement(MYSQL_STMT* handle, const MysqlRequest& request);
  void read_results(MYSQL_STMT* handle, MysqlAnswer& answer);
  void reset(std::uint32_t id, MysqlAnswer& answer);
  void ping(MysqlAnswer& answer);
  // The statement with its handle; nullptr: the answer says why.
  [[nodiscard]] Statement* find(std::uint32_t id, MysqlAnswer& answer);
  [[nodiscard]] bool prepare_handle(Statement& statement, MysqlAnswer& answer);

  void add_done(MysqlAnswer& answer, std::uint64_t affected_rows, std::uint64_t insert_id);
  void refuse(MysqlAnswer& answer);
  void refuse(MysqlAnswer& answer, MYSQL_STMT* handle);
  void refuse(MysqlAnswer& answer, unsigned number, std::string state, std::string text);
  void refuse_size(MysqlAnswer& answer);

  const MysqlClientOptions options_;
  MysqlInterrupt interrupt_;
  MysqlHandle mysql_;
  std::unordered_map<std::uint32_t, Statement> statements_;
  std::uint32_t last_statement_ = 0;
};

}  // namespace gatehouse::store
