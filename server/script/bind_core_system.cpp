// Addresses, names, launching and ending services, environment, log (sk 1.1, 1.2, 2.5, 2.9).
#include <cstring>

#include "actor/system.hpp"
#include "base/log.hpp"
#include "script/bind_core.hpp"
#include "script/bind_util.hpp"

namespace gatehouse::script {
namespace {

int l_service_self(lua_State* L) {
  lua_pushinteger(L, current_service(L).id().value);
  return 1;
}

// query(name) -> address or nothing
int l_query(lua_State* L) {
  const ServiceId id = system_of(L).registry().find_name(check_view(L, 1));
  if (!id) return 0;
  lua_pushinteger(L, id.value);
  return 1;
}

// name(name, address) -> true, or nil and why. The first registration wins.
int l_name(lua_State* L) {
  const std::string_view name = check_view(L, 1);
  luaL_argcheck(L, !name.empty(), 1, "a name is not empty");
  const ServiceId id = lua_isnoneornil(L, 2) ? current_service(L).id() : to_address(L, 2);
  const auto result = system_of(L).registry().set_name(name, id);
  if (!result) {
    lua_pushnil(L);
    push_owned(L, result.error().message);
    return 2;
  }
  lua_pushboolean(L, 1);
  return 1;
}

// alive(address) -> boolean
int l_alive(lua_State* L) {
  lua_pushboolean(L, system_of(L).registry().live(to_address(L, 1)));
  return 1;
}

// launch("snlua", arguments[, worker]) -> address, or nothing when the type is unknown or
// no address is left. worker: an index, or "exclusive" for a thread of its own.
int l_launch(lua_State* L) {
  const std::string_view type = check_view(L, 1);
  const char* arguments = luaL_checkstring(L, 2);
  actor::System& system = system_of(L);
  std::uint16_t worker = actor::System::kAnyWorker;
  if (lua_type(L, 3) == LUA_TNUMBER) {
    const lua_Integer index = luaL_checkinteger(L, 3);
    luaL_argcheck(L, index >= 0 && index < system.worker_count(), 3, "no such worker");
    worker = static_cast<std::uint16_t>(index);
  }
  if (type != "snlua") return 0;
  if (lua_type(L, 3) == LUA_TSTRING) {
    const auto added = system.add_exclusive_worker();
    if (!added) return 0;
    worker = *added;
  }
  Runtime& runtime = Vm::of(L).runtime();
  const auto id = system.spawn(
      [&runtime, text = std::string(arguments)]() -> std::unique_ptr<actor::Service> {
        return LuaService::make(runtime, text);
      },
      worker);
  if (!id) return 0;
  lua_pushinteger(L, id->value);
  return 1;
}

// kill(address) -> true when there was such a service
int l_kill(lua_State* L) {
  const ServiceId id = to_address(L, 1);
  LuaService& self = current_service(L);
  if (id == self.id()) return exit_service(L);
  if (!system_of(L).registry().live(id)) return 0;
  log::info(self.id(), "KILL :{:x}", id.value);
  system_of(L).kill(id);
  lua_pushboolean(L, 1);
  return 1;
}

constexpr const char* kEndText = "the process ends";

void raise_end(lua_State* L, lua_Debug*) { luaL_error(L, kEndText); }

// Asks for the end of the process; the log says who.
void end_process(lua_State* L, int exit_code, const char* how) {
  const LuaService* service = Vm::of(L).scheduler().current();
  log::warn(service ? service->id() : ServiceId{}, "{} in {} ends the process, exit code {}", how,
            service ? service->description() : "no service", exit_code);
  system_of(L).request_abort(exit_code);
}

// abort(): players are saved, then the process ends.
int l_abort(lua_State* L) {
  end_process(L, 0, "skynet.abort");
  return 0;
}

int l_getenv(lua_State* L) {
  const std::string_view key = check_view(L, 1);
  bool pushed = false;
  {
    const auto value = system_of(L).env(key);
    if (!value) return 0;
    pushed = push_owned(L, *value);
  }
  return pushed ? 1 : lua_error(L);
}

int l_setenv(lua_State* L) {
  luaL_checkstring(L, 1);
  luaL_checkstring(L, 2);
  bool fresh = false;
  {
    fresh = system_of(L).set_env(check_view(L, 1), check_view(L, 2)).has_value();
  }
  if (!fresh) return luaL_error(L, "Can't setenv exist key : %s", lua_tostring(L, 1));
  return 0;
}

// loadfile(path) -> chunk, or nil and why: read and compiled once for all VMs.
int l_loadfile(lua_State* L) {
  luaL_checkstring(L, 1);
  int status = LUA_OK;
  {
    const std::string path(check_view(L, 1));
    status = Vm::of(L).code()->load(L, path);
  }
  if (status == LUA_OK) return 1;
  lua_pushnil(L);
  lua_insert(L, -2);
  return 2;
}

// clear_code() -> true when files have changed: VMs that are made from now on get what they are
// now. Raises, and changes nothing, when one that is in use does not compile any more.
int l_clear_code(lua_State* L) {
  bool failed = false, fresh = false;
  {
    CodeCache& cache = Vm::of(L).runtime().code;
    auto read = cache.current()->read_anew();
    failed = !read;
    fresh = read && *read;
    if (fresh) cache.use(std::move(*read));
    if (failed) static_cast<void>(push_owned(L, read.error().message));
  }
  if (failed) return lua_error(L);
  lua_pushboolean(L, fresh);
  return 1;
}

// watch_exits(): the end of any Lua service arrives as an "error" message with session 0.
int l_watch_exits(lua_State* L) {
  system_of(L).watch_exits(current_service(L).id());
  return 0;
}

// stat(what) -> number, 0 for an unknown word (sk skynet.stat)
int l_stat(lua_State* L) {
  const std::string_view what = check_view(L, 1);
  LuaService& service = current_service(L);
  if (what == "cpu" || what == "time") {
    const std::int64_t now_ns = service.worker().message_ns();
    const std::int64_t ns = what == "time" ? now_ns : service.busy_ns() + now_ns;
    lua_pushnumber(L, static_cast<lua_Number>(ns) / 1e9);
    return 1;
  }
  lua_Integer value = 0;
  if (what == "mqlen") value = service.mailbox_length();
  if (what == "message") value = static_cast<lua_Integer>(service.message_count());
  if (what == "endless") value = system_of(L).take_endless(service.id()) ? 1 : 0;
  if (what == "memory") value = static_cast<lua_Integer>(service.vm().memory_bytes());
  lua_pushinteger(L, value);
  return 1;
}

// task_count() -> suspended coroutines of the current service's VM that wait for a message
int l_task_count(lua_State* L) {
  lua_pushinteger(L, static_cast<lua_Integer>(Vm::of(L).scheduler().sessions().size()));
  return 1;
}

}  // namespace

// exit(): ends the current service and never returns (sk 2.5). The task ends here even where the
// service has things to do first.
int exit_service(lua_State* L) {
  LuaService& service = current_service(L);
  service.worker().ask_to_end(service, true);
  Task* task = Vm::of(L).scheduler().running();
  if (task != nullptr) task->over = true;
  if (task == nullptr || !lua_isyieldable(L)) return luaL_error(L, "the service exits");
  return lua_yield(L, 0);
}

// os.exit([code[, close]]): as skynet.abort with an exit code, and the caller goes no further.
int exit_process(lua_State* L) {
  const bool plain = lua_isboolean(L, 1) != 0;
  const lua_Integer code =
      plain ? (lua_toboolean(L, 1) != 0 ? 0 : 1) : luaL_optinteger(L, 1, 0);
  end_process(L, static_cast<int>(code & 0xff), "os.exit");
  // Whoever catches the error gets it again at the next instruction: here, and in the task that
  // resumed this coroutine.
  lua_sethook(L, raise_end, LUA_MASKCOUNT, 1);
  const Task* task = Vm::of(L).scheduler().running();
  if (task != nullptr && task->thread != L) lua_sethook(task->thread, raise_end, LUA_MASKCOUNT, 1);
  return luaL_error(L, kEndText);
}

// log(text[, level]): one line in the name of the current service.
int log_line(lua_State* L) {
  static const char* const names[] = {"debug", "info", "warn", "error", nullptr};
  const std::string_view text = check_view(L, 1);
  const int level = luaL_checkoption(L, 2, "info", names);
  LuaService* service = Vm::of(L).scheduler().current();
  log::write(static_cast<log::Level>(level), service ? service->id() : ServiceId{}, text);
  return 0;
}

const luaL_Reg kSystemFunctions[] = {
    {"self", bind<l_service_self>},
    {"localname", bind<l_query>},
    {"exit", bind<exit_service>},
    {"getenv", bind<l_getenv>},
    {"setenv", bind<l_setenv>},
    {"stat", bind<l_stat>},
    {nullptr, nullptr},
};

const luaL_Reg kCoreFunctions[] = {
    {"await", bind<await_answer>},
    {"query", bind<l_query>},
    {"name", bind<l_name>},
    {"alive", bind<l_alive>},
    {"launch", bind<l_launch>},
    {"kill", bind<l_kill>},
    {"abort", bind<l_abort>},
    {"log", bind<log_line>},
    {"loadfile", bind<l_loadfile>},
    {"clear_code", bind<l_clear_code>},
    {"watch_exits", bind<l_watch_exits>},
    {"task_count", bind<l_task_count>},
    {nullptr, nullptr},
};

}  // namespace gatehouse::script
