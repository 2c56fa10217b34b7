// What skynet.debug and the debug console need of the runtime (docs/skynet-rules.md 1.6, 2.16), and
// the messages that nobody expects (docs/skynet-rules.md 1.1 and 1.2).
#include <climits>
#include <string>
#include <vector>

#include "actor/system.hpp"
#include "base/http_guard.hpp"
#include "base/log.hpp"
#include "base/printable.hpp"
#include "script/bind_util.hpp"
#include "script/message_log.hpp"
#include "skynet/core.hpp"

namespace gatehouse::skynet {
namespace {

const char* state_name(script::Task::State state) {
  switch (state) {
    case script::Task::State::kNew:
      return "new";
    case script::Task::State::kRunning:
      return "running";
    case script::Task::State::kCalling:
      return "calling";
    case script::Task::State::kSleeping:
      return "sleeping";
    case script::Task::State::kWaiting:
      return "waiting";
    case script::Task::State::kWoken:
      return "woken";
    case script::Task::State::kParked:
      return "parked";
  }
  return "";
}

// tasks() -> list of {thread=, session=, state=, init=} of the coroutines of this service.
// session: of the call or timer it waits for, 0 when it waits for none; init: it runs the start
// function.
int l_tasks(lua_State* L) {
  lua_newtable(L);
  lua_Integer count = 0;
  for (const script::Task* task = script::Vm::of(L).scheduler().tasks(); task != nullptr;
       task = task->next) {
    lua_createtable(L, 0, 3);
    lua_rawgeti(L, LUA_REGISTRYINDEX, task->anchor);
    lua_setfield(L, -2, "thread");
    lua_pushinteger(L, task->session);
    lua_setfield(L, -2, "session");
    lua_pushstring(L, state_name(task->state));
    lua_setfield(L, -2, "state");
    if (task->thread == script::Vm::of(L).init_thread) {
      lua_pushboolean(L, 1);
      lua_setfield(L, -2, "init");
    }
    lua_rawseti(L, -2, ++count);
  }
  return 1;
}

// term(address): the calls of this service that wait for that one fail, as if it had ended.
int l_term(lua_State* L) {
  const ServiceId peer = script::to_address(L, 1);
  script::system_of(L).send_error(script::current_service(L).id(), peer, 0);
  return 0;
}

// on_unknown("request" | "response", f) -> the handler before. f(session, source, pointer, size,
// type id) gets the messages that have no handler, or the replies that nobody waits for.
int l_on_unknown(lua_State* L) {
  static const char* const kinds[] = {"request", "response", nullptr};
  script::Vm& vm = script::Vm::of(L);
  int& handler =
      luaL_checkoption(L, 1, nullptr, kinds) == 0 ? vm.unknown_request : vm.unknown_response;
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_settop(L, 2);
  const int previous = handler;
  handler = luaL_ref(L, LUA_REGISTRYINDEX);
  if (previous == LUA_NOREF) return 0;
  lua_rawgeti(L, LUA_REGISTRYINDEX, previous);
  luaL_unref(L, LUA_REGISTRYINDEX, previous);
  return 1;
}

actor::MessageType check_type_id(lua_State* L, int index) {
  const lua_Integer id = luaL_checkinteger(L, index);
  luaL_argcheck(L, id >= 0 && id <= 255, index, "type out of range");
  return static_cast<actor::MessageType>(id);
}

// forward_type(type id, type id): messages of the first type are handled as the second, and the
// handler owns their payload.
int l_forward_type(lua_State* L) {
  script::Vm::of(L).forward_type(check_type_id(L, 1), check_type_id(L, 2));
  return 0;
}

// stop_token(table): who waits on it is woken when a coroutine stops at a line; it gets the fields
// `line`, and `locals`, their names by number.
int l_stop_token(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, script::Scheduler::stop_token());
  return 0;
}

// stop_at_line([coroutine[, depth[, inside]]]): a coroutine of this service, or the running one,
// stops before its next line, or the next that is no deeper in the stack; inside: only in functions
// that are called from here.
int l_stop_at_line(lua_State* L) {
  script::Scheduler& scheduler = script::Vm::of(L).scheduler();
  script::Task* task =
      lua_isthread(L, 1) ? scheduler.find_task(lua_tothread(L, 1)) : scheduler.running();
  const auto depth_max = static_cast<int>(luaL_optinteger(L, 2, INT_MAX));
  luaL_argcheck(L, task != nullptr, 1, "not a coroutine of this service");
  scheduler.stop_at_line(*task, depth_max, lua_toboolean(L, 3) != 0);
  return 0;
}

// go_on(coroutine) -> boolean: continues a coroutine that stopped.
int l_go_on(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTHREAD);
  script::Scheduler& scheduler = script::Vm::of(L).scheduler();
  script::Task* task = scheduler.find_task(lua_tothread(L, 1));
  lua_pushboolean(L, task != nullptr && scheduler.go_on(*task));
  return 1;
}

// profile(boolean): whether the time of all services is measured, for stat "cpu".
int l_profile(lua_State* L) {
  script::system_of(L).profile(lua_toboolean(L, 1) != 0);
  return 0;
}

// Runs `work(LuaService&)` on the worker of a service; nothing when it is gone by then or is not
// written in Lua. False when there is no such service.
template <class Work>
bool on_worker_of(actor::System& system, ServiceId id, Work work) {
  const auto* slot = system.registry().find(id);
  if (slot == nullptr || !system.registry().live(id)) return false;
  actor::Worker& worker = system.worker(slot->worker.load(std::memory_order_relaxed));
  worker.post([&worker, id, work = std::move(work)]() mutable {
    if (auto* service = dynamic_cast<script::LuaService*>(worker.find(id))) work(*service);
  });
  return true;
}

// signal(address, number) -> boolean: 0 interrupts the handler that runs now, if one does, with
// an error; another number logs the memory (docs/skynet-rules.md 2.15).
int l_signal(lua_State* L) {
  const ServiceId id = script::to_address(L, 1);
  const lua_Integer number = luaL_optinteger(L, 2, 0);
  actor::System& system = script::system_of(L);
  bool done = false;
  if (number == 0) {
    done = id != script::current_service(L).id() && system.interrupt(id);
  } else {
    done = on_worker_of(system, id, [](script::LuaService& service) {
      log::info(service.id(), "Current Memory {:.3f}K",
                static_cast<double>(service.vm().memory_bytes()) / 1024);
    });
  }
  lua_pushboolean(L, done);
  return 1;
}

// log_messages(address[, path]) -> true, or nil and why: the messages to a service are appended
// to a file from now on; without a path, no longer.
int l_log_messages(lua_State* L) {
  const ServiceId id = script::to_address(L, 1);
  const char* path = luaL_optstring(L, 2, nullptr);
  {
    Result<std::unique_ptr<script::MessageLog>> log{nullptr};
    if (path != nullptr) log = script::MessageLog::open(path);
    if (!log) {
      lua_pushnil(L);
      script::push_owned(L, log.error().message);
      return 2;
    }
    const bool found = on_worker_of(script::system_of(L), id,
                                    [log = std::move(*log)](script::LuaService& service) mutable {
                                      service.log_messages(std::move(log));
                                    });
    if (found) {
      lua_pushboolean(L, 1);
      return 1;
    }
  }
  lua_pushnil(L);
  lua_pushliteral(L, "no such service");
  return 2;
}

// Appends what is at `index`: a text, or a list of texts as of a header that came again. Nothing
// here allocates in Lua.
void take_values(lua_State* L, int index, std::vector<std::string>& values) {
  if (lua_type(L, index) == LUA_TSTRING) {
    std::size_t size = 0;
    const char* text = lua_tolstring(L, index, &size);
    values.emplace_back(text, size);
  } else if (lua_type(L, index) == LUA_TTABLE) {
    const auto count = static_cast<lua_Integer>(lua_rawlen(L, index));
    for (lua_Integer i = 1; i <= count; ++i) {
      lua_rawgeti(L, index, i);
      if (lua_type(L, -1) == LUA_TSTRING) take_values(L, lua_gettop(L), values);
      lua_pop(L, 1);
    }
  }
}

// judge_http(request line, header) -> why such a request is not served, or nothing
// (base/http_guard.hpp). The header is as http.httpd reads it.
int l_judge_http(lua_State* L) {
  const std::string_view line = script::check_view(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  luaL_checkstack(L, 8, nullptr);
  lua_settop(L, 2);
  for (const char* name : {"host", "origin", "referer", "sec-fetch-site"}) lua_getfield(L, 2, name);
  HttpRefusal refusal;
  {
    HttpHead head;
    head.version_1_0 = line.ends_with("HTTP/1.0");
    take_values(L, 3, head.hosts);
    take_values(L, 4, head.origins);
    take_values(L, 5, head.referers);
    take_values(L, 6, head.fetch_sites);
    refusal = judge_http(head, HttpEffect::kActs);
  }
  if (refusal.status == 0) return 0;
  lua_pushlstring(L, refusal.why.data(), refusal.why.size());
  return 1;
}

// printable(text) -> the same without anything that a terminal obeys; lines stay.
int l_printable(lua_State* L) {
  const std::string_view text = script::check_view(L, 1);
  return script::push_result(L, [text] { return Result<std::string>(printable_lines(text)); });
}

}  // namespace

const luaL_Reg kCoreDebugFunctions[] = {
    {"judge_http", script::bind<l_judge_http>},
    {"printable", script::bind<l_printable>},
    {"does_nothing", does_nothing},
    {"tasks", script::bind<l_tasks>},
    {"term", script::bind<l_term>},
    {"on_unknown", script::bind<l_on_unknown>},
    {"forward_type", script::bind<l_forward_type>},
    {"stop_token", script::bind<l_stop_token>},
    {"stop_at_line", script::bind<l_stop_at_line>},
    {"go_on", script::bind<l_go_on>},
    {"profile", script::bind<l_profile>},
    {"signal", script::bind<l_signal>},
    {"log_messages", script::bind<l_log_messages>},
    {nullptr, nullptr},
};

}  // namespace gatehouse::skynet
