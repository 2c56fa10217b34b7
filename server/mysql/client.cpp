#include "mysql/client.hpp"

#include <errmsg.h>
#include <fmt/format.h>
#include <mysqld_error.h>
#include <sys/socket.h>

#include <utility>

#include "base/assert.hpp"
#include "mysql/error.hpp"
#include "mysql/rows.hpp"

namespace gatehouse::mysql {
namespace {

using Outcome = Answer::Outcome;
using Kind = Request::Kind;

// The library's numbers; what it reports leaves the connection in doubt.
bool from_library(unsigned number) {
  return number < 1000 || (number >= 2000 && number < 3000) || (number >= 5000 && number < 6000);
}

// The library takes a pointer to what it only reads.
struct BindParameter {
  MYSQL_BIND operator()(std::nullptr_t) const { return of(MYSQL_TYPE_NULL, nullptr, 0); }
  MYSQL_BIND operator()(const bool& value) const { return of(MYSQL_TYPE_TINY, &value, 1); }
  MYSQL_BIND operator()(const std::int64_t& value) const {
    return of(MYSQL_TYPE_LONGLONG, &value, sizeof value);
  }
  MYSQL_BIND operator()(const double& value) const {
    return of(MYSQL_TYPE_DOUBLE, &value, sizeof value);
  }
  MYSQL_BIND operator()(const std::string& value) const {
    return of(MYSQL_TYPE_STRING, value.data(), value.size());
  }
  static MYSQL_BIND of(enum_field_types type, const void* data, std::size_t size) {
    MYSQL_BIND bind{};
    bind.buffer_type = type;
    bind.buffer = const_cast<void*>(data);
    bind.buffer_length = static_cast<unsigned long>(size);
    return bind;
  }
};

}  // namespace

void Client::disconnect() {
  interrupt_.watch(-1);
  for (auto& [id, statement] : statements_) statement.handle.reset();
  mysql_.reset();
}

Answer Client::run(const Request& request) {
  Answer answer;
  answer.requester = request.requester;
  answer.session = request.session;
  if (request.kind == Kind::kConnect) {
    connect(answer);
    return answer;
  }
  if (request.kind == Kind::kCloseStatement) {
    statements_.erase(request.statement);
    return answer;
  }
  if (!connected(answer)) return answer;
  switch (request.kind) {
    case Kind::kQuery:
      query(request.text, answer);
      break;
    case Kind::kPrepare:
      prepare(request.text, answer);
      break;
    case Kind::kExecute:
      execute(request, answer);
      break;
    case Kind::kReset:
      reset(request.statement, answer);
      break;
    case Kind::kPing:
      ping(answer);
      break;
    case Kind::kConnect:
    case Kind::kCloseStatement:
      break;
  }
  // Such an answer is the server's last.
  if (answer.outcome == Outcome::kRefused && connection_lost(answer.error_number)) disconnect();
  return answer;
}

void Client::connect(Answer& answer) {
  disconnect();
  auto connected = connect_client(clock_, options_.options, options_.charset, interrupt_);
  if (!connected) {
    answer.outcome = Outcome::kLost;
    answer.error_text = connected.error().message;
    return;
  }
  mysql_ = std::move(*connected);
  answer.server_version = mysql_get_server_info(mysql_.get());
}

bool Client::connected(Answer& answer) {
  if (mysql_ && !closed_by_server(mysql_.get())) return true;
  const bool in_transaction = mysql_ && (mysql_->server_status & SERVER_STATUS_IN_TRANS) != 0;
  disconnect();
  answer.outcome = in_transaction ? Outcome::kLost : Outcome::kAway;
  if (in_transaction) answer.error_text = "the connection was lost during a transaction";
  return false;
}

void Client::query(const std::string& text, Answer& answer) {
  MYSQL* const mysql = mysql_.get();
  std::size_t bytes_left = options_.result_bytes_max;
  int status = mysql_real_query(mysql, text.data(), text.size());
  while (status == 0) {
    const std::unique_ptr<MYSQL_RES, FreeResult> result(mysql_use_result(mysql));
    if (result) {
      const RowsEnd end =
          read_text_rows(mysql, result.get(), answer.sets.emplace_back(), bytes_left);
      if (end == RowsEnd::kTooLarge) {
        // Freeing the result reads what is left of it: there must be nothing.
        ::shutdown(static_cast<int>(mysql_get_socket(mysql)), SHUT_RDWR);
        break;
      }
      if (end == RowsEnd::kFailed) {
        answer.sets.pop_back();
        return refuse(answer);
      }
    } else if (mysql_field_count(mysql) != 0) {
      return refuse(answer);
    } else {
      add_done(answer, mysql_affected_rows(mysql), mysql_insert_id(mysql));
    }
    status = mysql_next_result(mysql);  // -1: no more, above 0: an error
    if (status < 0) return;
  }
  if (status != 0) return refuse(answer);
  refuse_size(answer);
}

void Client::add_done(Answer& answer, std::uint64_t affected_rows, std::uint64_t insert_id) {
  MYSQL* const mysql = mysql_.get();
  ResultSet& set = answer.sets.emplace_back();
  set.affected_rows = affected_rows;
  set.insert_id = insert_id;
  set.server_status = mysql->server_status;
  set.warning_count = mysql_warning_count(mysql);
  if (const char* message = mysql_info(mysql)) set.message = message;
}

void Client::prepare(const std::string& text, Answer& answer) {
  Statement statement{text, nullptr};
  if (!prepare_handle(statement, answer)) return;
  MYSQL_STMT* const handle = statement.handle.get();
  Prepared& prepared = answer.prepared.emplace();
  prepared.id = ++last_statement_;
  prepared.parameters = static_cast<std::uint32_t>(mysql_stmt_param_count(handle));
  prepared.warning_count = mysql_warning_count(mysql_.get());
  const std::unique_ptr<MYSQL_RES, FreeResult> metadata(mysql_stmt_result_metadata(handle));
  for (unsigned i = 0; metadata && i < mysql_num_fields(metadata.get()); ++i) {
    const MYSQL_FIELD* field = mysql_fetch_field_direct(metadata.get(), i);
    prepared.columns.push_back({{field->name, field->name_length},
                                static_cast<std::uint32_t>(field->type),
                                (field->flags & UNSIGNED_FLAG) == 0});
  }
  statements_.emplace(prepared.id, std::move(statement));
}

bool Client::prepare_handle(Statement& statement, Answer& answer) {
  MYSQL_STMT* const handle = mysql_stmt_init(mysql_.get());
  GATEHOUSE_ASSERT(handle != nullptr);  // out of memory
  statement.handle.reset(handle);
  if (mysql_stmt_prepare(handle, statement.text.data(), statement.text.size()) == 0) return true;
  const unsigned number = mysql_stmt_errno(handle);
  std::string state = mysql_stmt_sqlstate(handle);
  std::string text = mysql_stmt_error(handle);
  statement.handle.reset();
  refuse(answer, number, std::move(state), std::move(text));
  return false;
}

Client::Statement* Client::find(std::uint32_t id, Answer& answer) {
  const auto it = statements_.find(id);
  if (it == statements_.end()) {
    refuse(answer, ER_UNKNOWN_STMT_HANDLER, "HY000",
           fmt::format("Unknown prepared statement ({}): it was closed", id));
    return nullptr;
  }
  if (!it->second.handle && !prepare_handle(it->second, answer)) return nullptr;
  return &it->second;
}

bool Client::run_statement(MYSQL_STMT* handle, const Request& request) {
  std::vector<MYSQL_BIND> binds;
  binds.reserve(request.parameters.size());
  for (const Parameter& parameter : request.parameters)
    binds.push_back(std::visit(BindParameter(), parameter));
  return (binds.empty() || mysql_stmt_bind_param(handle, binds.data()) == 0) &&
         mysql_stmt_execute(handle) == 0;
}

void Client::execute(const Request& request, Answer& answer) {
  Statement* statement = find(request.statement, answer);
  if (statement == nullptr) return;
  if (mysql_stmt_param_count(statement->handle.get()) != request.parameters.size()) {
    refuse(answer, ER_WRONG_ARGUMENTS, "HY000", "wrong number of parameters");
    return;
  }
  bool done = run_statement(statement->handle.get(), request);
  if (!done && statement_stale(mysql_stmt_errno(statement->handle.get()))) {
    if (!prepare_handle(*statement, answer)) return;
    done = run_statement(statement->handle.get(), request);
  }
  if (!done && mysql_stmt_errno(statement->handle.get()) == CR_NEW_STMT_METADATA) {
    // The library does not read these rows, nor what follows them.
    disconnect();
    answer.outcome = Outcome::kLost;
    answer.error_text = "the statement's columns have changed; it will be prepared again";
    return;
  }
  if (!done) return refuse(answer, statement->handle.get());
  read_results(statement->handle.get(), answer);
}

void Client::read_results(MYSQL_STMT* handle, Answer& answer) {
  std::size_t bytes_left = options_.result_bytes_max;
  int status = 0;
  while (status == 0) {
    if (mysql_stmt_field_count(handle) == 0) {
      add_done(answer, mysql_stmt_affected_rows(handle), mysql_stmt_insert_id(handle));
    } else {
      const RowsEnd end = read_binary_rows(handle, answer.sets.emplace_back(), bytes_left);
      if (end == RowsEnd::kTooLarge) {
        ::shutdown(static_cast<int>(mysql_get_socket(mysql_.get())), SHUT_RDWR);
        return refuse_size(answer);
      }
      if (end == RowsEnd::kFailed) {
        answer.sets.pop_back();
        return refuse(answer, handle);
      }
      mysql_stmt_free_result(handle);
    }
    status = mysql_stmt_next_result(handle);  // -1: no more, above 0: an error
  }
  if (status > 0) refuse(answer, handle);
}

void Client::reset(std::uint32_t id, Answer& answer) {
  Statement* statement = find(id, answer);
  if (statement == nullptr) return;
  if (mysql_stmt_reset(statement->handle.get()) != 0)
    return refuse(answer, statement->handle.get());
  add_done(answer, 0, 0);
}

void Client::ping(Answer& answer) {
  if (mysql_ping(mysql_.get()) != 0) return refuse(answer);
  add_done(answer, 0, 0);
}

void Client::refuse(Answer& answer) {
  refuse(answer, mysql_errno(mysql_.get()), mysql_sqlstate(mysql_.get()),
         mysql_error(mysql_.get()));
}

void Client::refuse(Answer& answer, MYSQL_STMT* handle) {
  refuse(answer, mysql_stmt_errno(handle), mysql_stmt_sqlstate(handle), mysql_stmt_error(handle));
}

void Client::refuse(Answer& answer, unsigned number, std::string state, std::string text) {
  answer.error_number = number;
  answer.sql_state = std::move(state);
  answer.error_text = std::move(text);
  answer.outcome = Outcome::kRefused;
  if (!from_library(number)) return;
  answer.outcome = Outcome::kLost;
  answer.error_text = interrupt_.raised() ? "the connection was closed"
                                          : fmt::format("{} (error {})", answer.error_text, number);
  disconnect();
}

void Client::refuse_size(Answer& answer) {
  answer.sets.clear();
  answer.outcome = Outcome::kLost;
  answer.error_text = fmt::format(
      "the result has more than {} bytes (result_bytes_max); the connection was "
      "closed",
      options_.result_bytes_max);
  disconnect();
}

}  // namespace gatehouse::mysql
