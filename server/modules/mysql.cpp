// "gatehouse.mysql": what lua/lib/skynet/db/mysql.lua is built of (docs/skynet-rules.md 1.10). A
// request returns its session at once; the answer is a response of the service to itself, and
// take() then makes Lua values of it, straight from what the connection's thread has read.
#include <new>

#include "actor/system.hpp"
#include "modules/modules.hpp"
#include "mysql/worker.hpp"
#include "script/answer.hpp"
#include "script/bind_util.hpp"

namespace gatehouse::modules {
namespace {

using mysql::Answer;
using mysql::Request;
using mysql::ResultSet;
using mysql::Tls;
using mysql::Worker;
using Kind = mysql::Request::Kind;

constexpr const char* kConnectionType = "gatehouse.mysql.connection";
constexpr const char* kAnswerType = "gatehouse.mysql.answer";

// The userdata of a connection, and of an answer while values are made of it: making them may
// raise, and then the collector frees it.
using Connection = std::shared_ptr<mysql::Worker>;
using HeldAnswer = std::unique_ptr<mysql::Answer>;

template <class T>
T* new_userdata(lua_State* L, const char* type) {
  void* const block = lua_newuserdatauv(L, sizeof(T), 0);
  T* const object = new (block) T();
  luaL_setmetatable(L, type);
  return object;
}

mysql::Worker& check_connection(lua_State* L) {
  const auto* connection = static_cast<Connection*>(luaL_checkudata(L, 1, kConnectionType));
  if (*connection == nullptr) luaL_error(L, "the connection was closed");
  return **connection;
}

int free_connection(lua_State* L) {
  auto* connection = static_cast<Connection*>(luaL_checkudata(L, 1, kConnectionType));
  if (*connection != nullptr) (*connection)->close();
  connection->reset();
  return 0;
}

int free_answer(lua_State* L) {
  static_cast<HeldAnswer*>(luaL_checkudata(L, 1, kAnswerType))->reset();
  return 0;
}

std::uint32_t check_ms(lua_State* L, int index) {
  const lua_Integer ms = luaL_checkinteger(L, index);
  luaL_argcheck(L, ms >= 0 && ms <= INT32_MAX, index, "milliseconds out of range");
  return static_cast<std::uint32_t>(ms);
}

// Sends the service that asked an answer of its own (core.await): light services of a VM may
// share a connection.
mysql::Worker::Notify make_notify(actor::System& system) {
  return [&system](std::uint32_t requester, std::int32_t session) {
    return script::answer(system, ServiceId{requester}, session) != actor::SendResult::kUnknown;
  };
}

const char* const kTlsModes[] = {"off", "required", "verify", nullptr};

// open(host, port, user, password, database, charset, connect_timeout_ms, io_timeout_ms,
// result_bytes_max, tls mode, ca, cert, key) -> connection, or nil and why. It does not connect.
int l_open(lua_State* L) {
  for (const int index : {1, 3, 4, 5, 6, 11, 12, 13}) {
    luaL_argcheck(L, script::check_view(L, index).find('\0') == std::string_view::npos, index,
                  "holds a byte 0");
  }
  const lua_Integer port = luaL_checkinteger(L, 2);
  luaL_argcheck(L, port > 0 && port <= 65535, 2, "not a port");
  const std::uint32_t connect_ms = check_ms(L, 7);
  const std::uint32_t io_ms = check_ms(L, 8);
  const lua_Integer bytes_max = luaL_checkinteger(L, 9);
  luaL_argcheck(L, bytes_max > 0 && bytes_max <= INT32_MAX, 9, "bytes out of range");
  const int tls = luaL_checkoption(L, 10, nullptr, kTlsModes);
  auto* const connections = static_cast<mysql::Workers*>(lua_touserdata(L, lua_upvalueindex(1)));
  auto* const connection = new_userdata<Connection>(L, kConnectionType);
  lua_pushnil(L);
  {
    mysql::ClientOptions options;
    options.charset = lua_tostring(L, 6);
    options.result_bytes_max = static_cast<std::size_t>(bytes_max);
    mysql::Options& to = options.options;
    to.connect_timeout_ms = connect_ms;
    to.io_timeout_ms = io_ms;
    to.host = lua_tostring(L, 1);
    to.port = static_cast<std::uint16_t>(port);
    to.user = lua_tostring(L, 3);
    to.password = Secret(std::string(lua_tostring(L, 4)));
    to.database = lua_tostring(L, 5);
    to.tls = {.mode = static_cast<mysql::Tls::Mode>(tls),
              .ca = lua_tostring(L, 11),
              .cert = lua_tostring(L, 12),
              .key = lua_tostring(L, 13)};
    auto opened =
        connections->open(std::move(options), make_notify(script::Vm::of(L).runtime().system));
    if (!opened) {
      script::push_view(L, opened.error().message);
      return 2;
    }
    *connection = std::move(*opened);
  }
  lua_pop(L, 1);
  return 1;
}

struct Asker {
  std::uint32_t requester;
  std::int32_t session;
};

Asker new_asker(lua_State* L) {
  script::LuaService& service = script::current_service(L);
  return {service.id().value, script::Vm::of(L).scheduler().new_session(service)};
}

// Hands a request in; pushes its session, or nil and why.
int submit(lua_State* L, mysql::Worker& worker, Asker asker, mysql::Request request) {
  request.requester = asker.requester;
  request.session = asker.session;
  if (auto submitted = worker.submit(std::move(request)); !submitted) {
    lua_pushnil(L);
    script::push_view(L, submitted.error().message);
    return 2;
  }
  lua_pushinteger(L, asker.session);
  return 1;
}

// connect(), ping()
template <Kind kind>
int l_request(lua_State* L) {
  mysql::Worker& worker = check_connection(L);
  const Asker asker = new_asker(L);
  mysql::Request request;
  request.kind = kind;
  return submit(L, worker, asker, std::move(request));
}

// query(text), prepare(text)
template <Kind kind>
int l_text_request(lua_State* L) {
  mysql::Worker& worker = check_connection(L);
  const std::string_view text = script::check_view(L, 2);
  const Asker asker = new_asker(L);
  mysql::Request request;
  request.kind = kind;
  request.text = text;
  return submit(L, worker, asker, std::move(request));
}

std::uint32_t check_statement(lua_State* L) {
  const lua_Integer id = luaL_checkinteger(L, 2);
  luaL_argcheck(L, id > 0 && id <= UINT32_MAX, 2, "not a statement");
  return static_cast<std::uint32_t>(id);
}

// reset(id), close_statement(id): the latter has no answer.
template <Kind kind>
int l_statement_request(lua_State* L) {
  mysql::Worker& worker = check_connection(L);
  const std::uint32_t statement = check_statement(L);
  const Asker asker = kind == Kind::kCloseStatement ? Asker{} : new_asker(L);
  mysql::Request request;
  request.kind = kind;
  request.statement = statement;
  return submit(L, worker, asker, std::move(request));
}

mysql::Parameter parameter(lua_State* L, int index) {
  switch (lua_type(L, index)) {
    case LUA_TBOOLEAN:
      return lua_toboolean(L, index) != 0;
    case LUA_TNUMBER:
      if (lua_isinteger(L, index)) return static_cast<std::int64_t>(lua_tointeger(L, index));
      return lua_tonumber(L, index);
    case LUA_TSTRING:
      return std::string(script::check_view(L, index));
    default:
      return nullptr;
  }
}

// execute(id, ...): parameters are numbers, strings, booleans and nil.
int l_execute(lua_State* L) {
  mysql::Worker& worker = check_connection(L);
  const std::uint32_t statement = check_statement(L);
  const int count = lua_gettop(L);
  for (int i = 3; i <= count; ++i) {
    const int type = lua_type(L, i);
    if (type != LUA_TNIL && type != LUA_TBOOLEAN && type != LUA_TNUMBER && type != LUA_TSTRING) {
      return luaL_error(L, "invalid parameter type %s", lua_typename(L, type));
    }
  }
  const Asker asker = new_asker(L);
  mysql::Request request;
  request.kind = Kind::kExecute;
  request.statement = statement;
  for (int i = 3; i <= count; ++i) request.parameters.push_back(parameter(L, i));
  return submit(L, worker, asker, std::move(request));
}

void set_integer(lua_State* L, const char* field, std::uint64_t value) {
  lua_pushinteger(L, static_cast<lua_Integer>(value));
  lua_setfield(L, -2, field);
}

void set_text(lua_State* L, const char* field, std::string_view value) {
  script::push_view(L, value);
  lua_setfield(L, -2, field);
}

void push_cell(lua_State* L, const mysql::ResultSet& set, const mysql::Cell& cell) {
  switch (cell.type) {
    case mysql::Cell::Type::kNull:
      lua_pushnil(L);
      break;
    case mysql::Cell::Type::kInteger:
      lua_pushinteger(L, cell.integer);
      break;
    case mysql::Cell::Type::kNumber:
      lua_pushnumber(L, cell.number);
      break;
    case mysql::Cell::Type::kBytes:
      script::push_view(L, set.text(cell));
      break;
  }
}

void push_rows(lua_State* L, const mysql::ResultSet& set, bool compact) {
  const int columns = static_cast<int>(set.columns.size());
  const int rows = static_cast<int>(set.cells.size() / set.columns.size());
  luaL_checkstack(L, columns + 8, "too many columns");
  const int names = lua_gettop(L) + 1;
  for (const std::string& name : set.columns) script::push_view(L, name);
  lua_createtable(L, rows, 0);
  const mysql::Cell* cell = set.cells.data();
  for (int row = 1; row <= rows; ++row) {
    lua_createtable(L, compact ? columns : 0, compact ? 0 : columns);
    for (int column = 0; column < columns; ++column, ++cell) {
      if (compact) {
        push_cell(L, set, *cell);
        lua_rawseti(L, -2, column + 1);
      } else {
        lua_pushvalue(L, names + column);
        push_cell(L, set, *cell);
        lua_rawset(L, -3);
      }
    }
    lua_rawseti(L, -2, row);
  }
  lua_replace(L, names);
  lua_settop(L, names);
}

void push_set(lua_State* L, const mysql::ResultSet& set, bool compact) {
  if (!set.columns.empty()) return push_rows(L, set, compact);
  lua_createtable(L, 0, 5);
  set_integer(L, "affected_rows", set.affected_rows);
  set_integer(L, "insert_id", set.insert_id);
  set_integer(L, "server_status", set.server_status);
  set_integer(L, "warning_count", set.warning_count);
  if (!set.message.empty()) set_text(L, "message", set.message);
}

// docs/skynet-rules.md 1.10: one set is the result; several are a list, which may end with an
// error.
void push_sets(lua_State* L, const mysql::Answer& answer, bool compact) {
  const bool refused = answer.outcome == mysql::Answer::Outcome::kRefused;
  if (!refused && answer.sets.size() == 1) return push_set(L, answer.sets.front(), compact);
  lua_createtable(L, static_cast<int>(answer.sets.size()), 4);
  lua_Integer number = 0;
  for (const mysql::ResultSet& set : answer.sets) {
    push_set(L, set, compact);
    lua_rawseti(L, -2, ++number);
  }
  if (!answer.sets.empty()) {
    for (const char* spelling : {"multiresultset", "mulitresultset"}) {
      lua_pushboolean(L, 1);
      lua_setfield(L, -2, spelling);
    }
  }
  if (!refused) return;
  lua_pushboolean(L, 1);
  lua_setfield(L, -2, "badresult");
  set_text(L, "err", answer.error_text);
  set_integer(L, "errno", answer.error_number);
  set_text(L, "sqlstate", answer.sql_state);
}

void push_prepared(lua_State* L, const mysql::Prepared& prepared) {
  lua_createtable(L, 0, 5);
  set_integer(L, "prepare_id", prepared.id);
  set_integer(L, "param_count", prepared.parameters);
  set_integer(L, "field_count", prepared.columns.size());
  set_integer(L, "warning_count", prepared.warning_count);
  lua_createtable(L, static_cast<int>(prepared.columns.size()), 0);
  lua_Integer number = 0;
  for (const mysql::Column& column : prepared.columns) {
    lua_createtable(L, 0, 3);
    set_text(L, "name", column.name);
    set_integer(L, "type", column.type);
    lua_pushboolean(L, column.is_signed);
    lua_setfield(L, -2, "is_signed");
    lua_rawseti(L, -2, ++number);
  }
  lua_setfield(L, -2, "fields");
}

// take(session, compact) -> "done", result; "lost", why; or "away"
int l_take(lua_State* L) {
  mysql::Worker& worker = check_connection(L);
  const auto session = static_cast<std::int32_t>(luaL_checkinteger(L, 2));
  const bool compact = lua_toboolean(L, 3) != 0;
  const std::uint32_t requester = script::current_service(L).id().value;
  auto* const held = new_userdata<HeldAnswer>(L, kAnswerType);
  *held = worker.take(requester, session);
  if (*held == nullptr) return luaL_error(L, "there is no such answer");
  const mysql::Answer& answer = **held;
  switch (answer.outcome) {
    case mysql::Answer::Outcome::kAway:
      lua_pushliteral(L, "away");
      lua_pushnil(L);
      break;
    case mysql::Answer::Outcome::kLost:
      lua_pushliteral(L, "lost");
      script::push_view(L, answer.error_text);
      break;
    case mysql::Answer::Outcome::kDone:
    case mysql::Answer::Outcome::kRefused:
      lua_pushliteral(L, "done");
      if (answer.prepared) {
        push_prepared(L, *answer.prepared);
      } else if (!answer.server_version.empty()) {
        script::push_view(L, answer.server_version);
      } else {
        push_sets(L, answer, compact);
      }
  }
  held->reset();
  return 2;
}

int l_waiting(lua_State* L) {
  lua_pushinteger(L, static_cast<lua_Integer>(check_connection(L).waiting()));
  return 1;
}

// close(): ends the connection and whatever it does.
int l_close(lua_State* L) {
  check_connection(L).close();
  return 0;
}

const luaL_Reg kConnectionFunctions[] = {
    {"connect", script::bind<l_request<Kind::kConnect>>},
    {"ping", script::bind<l_request<Kind::kPing>>},
    {"query", script::bind<l_text_request<Kind::kQuery>>},
    {"prepare", script::bind<l_text_request<Kind::kPrepare>>},
    {"execute", script::bind<l_execute>},
    {"reset", script::bind<l_statement_request<Kind::kReset>>},
    {"close_statement", script::bind<l_statement_request<Kind::kCloseStatement>>},
    {"take", script::bind<l_take>},
    {"waiting", script::bind<l_waiting>},
    {"close", script::bind<l_close>},
    {nullptr, nullptr},
};

void make_type(lua_State* L, const char* type, lua_CFunction free) {
  luaL_newmetatable(L, type);
  lua_pushcfunction(L, free);
  lua_setfield(L, -2, "__gc");
}

}  // namespace

int open_mysql(lua_State* L) {
  make_type(L, kAnswerType, script::bind<free_answer>);
  lua_pop(L, 1);
  make_type(L, kConnectionType, script::bind<free_connection>);
  luaL_newlib(L, kConnectionFunctions);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  lua_createtable(L, 0, 1);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushcclosure(L, script::bind<l_open>, 1);
  lua_setfield(L, -2, "open");
  return 1;
}

}  // namespace gatehouse::modules
