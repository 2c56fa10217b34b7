// Coroutines and timers (docs/skynet-rules.md 1.1, 2.6).
#include <cstdio>
#include <cstring>

#include "actor/system.hpp"
#include "script/bind_util.hpp"
#include "skynet/core.hpp"

namespace gatehouse::skynet {
namespace {

// A new task of the current service on the function and arguments at first..top.
script::Task& task_on(lua_State* L, int first) {
  luaL_checktype(L, first, LUA_TFUNCTION);
  script::Scheduler& scheduler = script::Vm::of(L).scheduler();
  script::Task* task = scheduler.create_task(script::current_service(L));
  if (task == nullptr) luaL_error(L, "not enough memory");
  const int count = lua_gettop(L) - first + 1;
  if (!lua_checkstack(task->thread, count)) {
    scheduler.kill(*task);
    luaL_error(L, "too many arguments");
  }
  lua_xmove(L, task->thread, count);
  return *task;
}

int push_thread(lua_State* L, const script::Task& task) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, task.anchor);
  return 1;
}

// fork(f, ...) -> coroutine: runs after the current message.
int l_fork(lua_State* L) {
  script::Task& task = task_on(L, 1);
  script::Vm::of(L).scheduler().fork(task);
  return push_thread(L, task);
}

// timeout(centiseconds, f) -> coroutine: runs f once, later.
int l_timeout(lua_State* L) {
  const lua_Integer cs = luaL_checkinteger(L, 1);
  lua_settop(L, 2);
  lua_remove(L, 1);
  return fork_after(L, cs);
}

int sleep_done(lua_State* L, int, lua_KContext) {
  if (!script::Vm::of(L).scheduler().running()->broken) return 0;
  lua_pushliteral(L, "BREAK");
  return 1;
}

void push_token(lua_State* L, int index) {
  if (lua_isnoneornil(L, index)) {
    lua_pushthread(L);
  } else {
    lua_pushvalue(L, index);
  }
}

// sleep(centiseconds[, token]) -> nothing, or "BREAK" when woken
int l_sleep(lua_State* L) {
  script::current_task(L, "skynet.sleep");
  const lua_Integer cs = luaL_checkinteger(L, 1);
  push_token(L, 2);
  script::Vm::of(L).scheduler().await_timer(L, cs);
  return lua_yieldk(L, 0, 0, sleep_done);
}

int l_yield(lua_State* L) {
  script::current_task(L, "skynet.yield");
  lua_pushthread(L);
  script::Vm::of(L).scheduler().await_timer(L, 0);
  return lua_yieldk(L, 0, 0, sleep_done);
}

// wait([token])
int l_wait(lua_State* L) {
  script::current_task(L, "skynet.wait");
  push_token(L, 1);
  script::Vm::of(L).scheduler().await_token(L);
  return lua_yieldk(L, 0, 0, [](lua_State*, int, lua_KContext) { return 0; });
}

// wakeup(token) -> true when someone waits on it
int l_wakeup(lua_State* L) {
  luaL_checkany(L, 1);
  if (!script::Vm::of(L).scheduler().wakeup(L, 1)) return 0;
  lua_pushboolean(L, 1);
  return 1;
}

// The first waiting task of the current service whose coroutine's tostring() contains the text.
script::Task* find_task_named(lua_State* L, const char* text) {
  script::Scheduler& scheduler = script::Vm::of(L).scheduler();
  for (const script::Task* task = scheduler.tasks(); task != nullptr; task = task->next) {
    if (task->state == script::Task::State::kRunning) continue;
    char name[32];
    std::snprintf(name, sizeof name, "thread: %p", static_cast<void*>(task->thread));
    if (std::strstr(name, text) != nullptr) return scheduler.find_task(task->thread);
  }
  return nullptr;
}

// killthread(coroutine | text) -> coroutine or nothing. text: a part of tostring(coroutine).
int l_killthread(lua_State* L) {
  script::Scheduler& scheduler = script::Vm::of(L).scheduler();
  script::Task* task = nullptr;
  if (lua_type(L, 1) == LUA_TSTRING) {
    task = find_task_named(L, lua_tostring(L, 1));
  } else {
    luaL_checktype(L, 1, LUA_TTHREAD);
    task = scheduler.find_task(lua_tothread(L, 1));
  }
  if (task == nullptr) return 0;
  push_thread(L, *task);
  return scheduler.kill(*task) ? 1 : 0;
}

int l_now(lua_State* L) {
  lua_pushinteger(L, script::system_of(L).now_cs());
  return 1;
}

int l_starttime(lua_State* L) {
  lua_pushinteger(L, script::system_of(L).start_time_s());
  return 1;
}

int l_hpc(lua_State* L) {
  lua_pushinteger(L, script::system_of(L).world().clock.monotonic_ns());
  return 1;
}

// --- coroutine.resume and coroutine.wrap, which also tell the scheduler what runs ---

int resume_coroutine(lua_State* L, lua_State* co, int arguments) {
  if (!lua_checkstack(co, arguments)) {
    lua_pushliteral(L, "too many arguments to resume");
    return -1;
  }
  script::Interrupt& interrupt = script::Vm::of(L).scheduler().interrupt();
  lua_State* const outer = interrupt.thread();
  lua_xmove(L, co, arguments);
  interrupt.set_thread(co);
  int results = 0;
  const int status = lua_resume(co, L, arguments, &results);
  interrupt.set_thread(outer);
  if (interrupt.stopping()) {
    interrupt.close(co);
    interrupt.stop(L);
  }
  if (status != LUA_OK && status != LUA_YIELD) {
    lua_xmove(co, L, 1);
    return -1;
  }
  if (!lua_checkstack(L, results + 1)) {
    lua_pop(co, results);
    lua_pushliteral(L, "too many results to resume");
    return -1;
  }
  lua_xmove(co, L, results);
  return results;
}

int l_resume(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTHREAD);
  lua_State* co = lua_tothread(L, 1);
  const int results = resume_coroutine(L, co, lua_gettop(L) - 1);
  lua_pushboolean(L, results >= 0);
  const int count = results >= 0 ? results : 1;
  lua_insert(L, -(count + 1));
  return count + 1;
}

int wrapped(lua_State* L) {
  lua_State* co = lua_tothread(L, lua_upvalueindex(1));
  const int results = resume_coroutine(L, co, lua_gettop(L));
  if (results >= 0) return results;
  const int status = lua_status(co);
  if (status != LUA_OK && status != LUA_YIELD) {
    // Closes the variables of the failed coroutine; a new error replaces the old one.
    if (script::Vm::of(L).scheduler().interrupt().close(co) != LUA_OK) lua_xmove(co, L, 1);
  }
  if (lua_type(L, -1) == LUA_TSTRING) {
    luaL_where(L, 1);
    lua_insert(L, -2);
    lua_concat(L, 2);
  }
  return lua_error(L);
}

int l_wrap(lua_State* L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_State* co = lua_newthread(L);
  lua_pushvalue(L, 1);
  lua_xmove(L, co, 1);
  lua_pushcclosure(L, script::bind<wrapped>, 1);
  return 1;
}

const char* status_name(lua_State* L, lua_State* co) {
  if (co == L) return "running";
  lua_Debug frame;
  const int status = lua_status(co);
  if (status == LUA_YIELD) return "suspended";
  if (status != LUA_OK) return "dead";
  if (lua_getstack(co, 0, &frame) != 0) return "normal";
  return lua_gettop(co) == 0 ? "dead" : "suspended";
}

// coroutine.close, whose `__close` handlers can be interrupted.
int close_coroutine(lua_State* L) {
  lua_State* co = lua_tothread(L, 1);
  luaL_argexpected(L, co != nullptr, 1, "coroutine");
  const char* status = status_name(L, co);
  if (status[0] == 'r' || status[0] == 'n') {
    return luaL_error(L, "cannot close a %s coroutine", status);
  }
  if (script::Vm::of(L).scheduler().interrupt().close(co) == LUA_OK) {
    lua_pushboolean(L, 1);
    return 1;
  }
  lua_pushboolean(L, 0);
  lua_xmove(co, L, 1);
  return 2;
}

}  // namespace

int fork_after(lua_State* L, lua_Integer centiseconds, bool vital) {
  script::Task& task = task_on(L, 1);
  task.vital = vital;
  script::Vm::of(L).scheduler().start_after(task, centiseconds);
  return push_thread(L, task);
}

const luaL_Reg kTaskFunctions[] = {
    {"fork", script::bind<l_fork>},
    {"timeout", script::bind<l_timeout>},
    {"sleep", script::bind<l_sleep>},
    {"yield", script::bind<l_yield>},
    {"wait", script::bind<l_wait>},
    {"wakeup", script::bind<l_wakeup>},
    {"killthread", script::bind<l_killthread>},
    {"now", script::bind<l_now>},
    {"starttime", script::bind<l_starttime>},
    {"hpc", script::bind<l_hpc>},
    {nullptr, nullptr},
};

void replace_coroutine_functions(lua_State* L) {
  lua_getglobal(L, LUA_COLIBNAME);
  lua_pushcfunction(L, script::bind<l_resume>);
  lua_setfield(L, -2, "resume");
  lua_pushcfunction(L, script::bind<l_wrap>);
  lua_setfield(L, -2, "wrap");
  lua_pushcfunction(L, script::bind<close_coroutine>);
  lua_setfield(L, -2, "close");
  lua_pop(L, 1);
}

}  // namespace gatehouse::skynet
