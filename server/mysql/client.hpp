// A connection to MySQL for statements that are not this store's: those of scripts.
#pragma once

#include <mysql.h>

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>

#include "mysql/answer.hpp"
#include "mysql/connect.hpp"
#include "mysql/interrupt.hpp"
#include "mysql/worker.hpp"

namespace gatehouse::mysql {

// One thread at a time; interrupt() from any. Statements stay prepared over connections: they
// are prepared again where they are needed. Nothing is ever run twice.
class Client {
 public:
  Client(const Clock& clock, ClientOptions options) : clock_(clock), options_(std::move(options)) {}
  ~Client() { disconnect(); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Blocks until there is an answer.
  [[nodiscard]] Answer run(const Request& request);
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

  void connect(Answer& answer);
  [[nodiscard]] bool connected(Answer& answer);
  void query(const std::string& text, Answer& answer);
  void prepare(const std::string& text, Answer& answer);
  void execute(const Request& request, Answer& answer);
  [[nodiscard]] bool run_statement(MYSQL_STMT* handle, const Request& request);
  void read_results(MYSQL_STMT* handle, Answer& answer);
  void reset(std::uint32_t id, Answer& answer);
  void ping(Answer& answer);
  // The statement with its handle; nullptr: the answer says why.
  [[nodiscard]] Statement* find(std::uint32_t id, Answer& answer);
  [[nodiscard]] bool prepare_handle(Statement& statement, Answer& answer);

  void add_done(Answer& answer, std::uint64_t affected_rows, std::uint64_t insert_id);
  void refuse(Answer& answer);
  void refuse(Answer& answer, MYSQL_STMT* handle);
  void refuse(Answer& answer, unsigned number, std::string state, std::string text);
  void refuse_size(Answer& answer);

  const Clock& clock_;
  const ClientOptions options_;
  Interrupt interrupt_;
  Handle mysql_;
  std::unordered_map<std::uint32_t, Statement> statements_;
  std::uint32_t last_statement_ = 0;
};

}  // namespace gatehouse::mysql
