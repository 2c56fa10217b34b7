// Addresses, names, launching and ending services, environment, log (docs/skynet-rules.md 1.1, 1.2,
// 2.5, 2.9).
#include <cstring>

#include "actor/system.hpp"
#include "base/log.hpp"
#include "script/bind_util.hpp"
#include "skynet/core.hpp"

namespace gatehouse::skynet {
namespace {

int l_service_self(lua_State* L) {
  lua_pushinteger(L, script::current_service(L).id().value);
  return 1;
}

// query(name) -> address or nothing
int l_query(lua_State* L) {
  const ServiceId id = script::system_of(L).registry().find_name(script::check_view(L, 1));
  if (!id) return 0;
  lua_pushinteger(L, id.value);
  return 1;
}

// name(name, address) -> true, or nil and why. The first registration wins.
int l_name(lua_State* L) {
  const std::string_view name = script::check_view(L, 1);
  luaL_argcheck(L, !name.empty(), 1, "a name is not empty");
  const ServiceId id =
      lua_isnoneornil(L, 2) ? script::current_service(L).id() : script::to_address(L, 2);
  const auto result = script::system_of(L).registry().set_name(name, id);
  if (!result) {
    lua_pushnil(L);
    script::push_owned(L, result.error().message);
    return 2;
  }
  lua_pushboolean(L, 1);
  return 1;
}

// alive(address) -> boolean
int l_alive(lua_State* L) {
  lua_pushboolean(L, script::system_of(L).registry().live(script::to_address(L, 1)));
  return 1;
}

// launch("snlua", arguments[, worker]) -> address, or nothing when the type is unknown or
// no address is left. worker: an index, or "exclusive" for a thread of its own.
int l_launch(lua_State* L) {
  const std::string_view type = script::check_view(L, 1);
  const char* arguments = luaL_checkstring(L, 2);
  actor::System& system = script::system_of(L);
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
  script::Runtime& runtime = script::Vm::of(L).runtime();
  const auto id = system.spawn(
      [&runtime, text = std::string(arguments)]() -> std::unique_ptr<actor::Service> {
        return script::LuaService::make(runtime, text);
      },
      worker);
  if (!id) return 0;
  lua_pushinteger(L, id->value);
  return 1;
}

// kill(address) -> true when there was such a service
int l_kill(lua_State* L) {
  const ServiceId id = script::to_address(L, 1);
  script::LuaService& self = script::current_service(L);
  if (id == self.id()) return exit_service(L);
  if (!script::system_of(L).registry().live(id)) return 0;
  log::info(self.id(), "KILL :{:x}", id.value);
  script::system_of(L).kill(id);
  lua_pushboolean(L, 1);
  return 1;
}

constexpr const char* kEndText = "the process ends";

void raise_end(lua_State* L, lua_Debug*) {
  luaL_error(L, kEndText);
}

// Asks for the end of the process; the log says who.
void end_process(lua_State* L, int exit_code, const char* how) {
  const script::LuaService* service = script::Vm::of(L).scheduler().current();
  log::warn(service ? service->id() : ServiceId{}, "{} in {} ends the process, exit code {}", how,
            service ? service->description() : "no service", exit_code);
  script::system_of(L).request_abort(exit_code);
}

// abort(): players are saved, then the process ends.
int l_abort(lua_State* L) {
  end_process(L, 0, "skynet.abort");
  return 0;
}

int l_getenv(lua_State* L) {
  const std::string_view key = script::check_view(L, 1);
  bool pushed = false;
  {
    const auto value = script::system_of(L).env(key);
    if (!value) return 0;
    pushed = script::push_owned(L, *value);
  }
  return pushed ? 1 : lua_error(L);
}

int l_setenv(lua_State* L) {
  luaL_checkstring(L, 1);
  luaL_checkstring(L, 2);
  bool fresh = false;
  {
    fresh = script::system_of(L)
                .set_env(script::check_view(L, 1), script::check_view(L, 2))
                .has_value();
  }
  if (!fresh) return luaL_error(L, "Can't setenv exist key : %s", lua_tostring(L, 1));
  return 0;
}

// loadfile(path) -> chunk, or nil and why: read and compiled once for all VMs.
int l_loadfile(lua_State* L) {
  luaL_checkstring(L, 1);
  int status = LUA_OK;
  {
    const std::string path(script::check_view(L, 1));
    status = script::Vm::of(L).code()->load(L, path);
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
    script::CodeCache& cache = script::Vm::of(L).runtime().code;
    auto read = cache.current()->read_anew();
    failed = !read;
    fresh = read && *read;
    if (fresh) cache.use(std::move(*read));
    if (failed) static_cast<void>(script::push_owned(L, read.error().message));
  }
  if (failed) return lua_error(L);
  lua_pushboolean(L, fresh);
  return 1;
}

// watch_exits(): the end of any Lua service arrives as an "error" message with session 0.
int l_watch_exits(lua_State* L) {
  script::system_of(L).watch_exits(script::current_service(L).id());
  return 0;
}

// stat(what) -> number, 0 for an unknown word (skynet.stat)
int l_stat(lua_State* L) {
  const std::string_view what = script::check_view(L, 1);
  script::LuaService& service = script::current_service(L);
  if (what == "cpu" || what == "time") {
    const std::int64_t now_ns = service.worker().message_ns();
    const std::int64_t ns = what == "time" ? now_ns : service.busy_ns() + now_ns;
    lua_pushnumber(L, static_cast<lua_Number>(ns) / 1e9);
    return 1;
  }
  lua_Integer value = 0;
  if (what == "mqlen") value = service.mailbox_length();
  if (what == "message") value = static_cast<lua_Integer>(service.message_count());
  if (what == "endless") value = script::system_of(L).take_endless(service.id()) ? 1 : 0;
  if (what == "memory") value = static_cast<lua_Integer>(service.vm().memory_bytes());
  lua_pushinteger(L, value);
  return 1;
}

// task_count() -> suspended coroutines of the current service's VM that wait for a message
int l_task_count(lua_State* L) {
  lua_pushinteger(L, static_cast<lua_Integer>(script::Vm::of(L).scheduler().sessions().size()));
  return 1;
}

}  // namespace

// exit(): ends the current service and never returns (docs/skynet-rules.md 2.5). The task ends here
// even where the service has things to do first.
int exit_service(lua_State* L) {
  script::LuaService& service = script::current_service(L);
  service.worker().ask_to_end(service, true);
  script::Task* task = script::Vm::of(L).scheduler().running();
  if (task != nullptr) task->over = true;
  if (task == nullptr || !lua_isyieldable(L)) return luaL_error(L, "the service exits");
  return lua_yield(L, 0);
}

// os.exit([code[, close]]): as skynet.abort with an exit code, and the caller goes no further.
int exit_process(lua_State* L) {
  const bool plain = lua_isboolean(L, 1) != 0;
  const lua_Integer code = plain ? (lua_toboolean(L, 1) != 0 ? 0 : 1) : luaL_optinteger(L, 1, 0);
  end_process(L, static_cast<int>(code & 0xff), "os.exit");
  // Whoever catches the error gets it again at the next instruction: here, and in the task that
  // resumed this coroutine.
  lua_sethook(L, raise_end, LUA_MASKCOUNT, 1);
  const script::Task* task = script::Vm::of(L).scheduler().running();
  if (task != nullptr && task->thread != L) lua_sethook(task->thread, raise_end, LUA_MASKCOUNT, 1);
  return luaL_error(L, kEndText);
}

// log(text[, level]): one line in the name of the current service.
int log_line(lua_State* L) {
  static const char* const names[] = {"debug", "info", "warn", "error", nullptr};
  const std::string_view text = script::check_view(L, 1);
  const int level = luaL_checkoption(L, 2, "info", names);
  script::LuaService* service = script::Vm::of(L).scheduler().current();
  log::write(static_cast<log::Level>(level), service ? service->id() : ServiceId{}, text);
  return 0;
}

const luaL_Reg kSystemFunctions[] = {
    {"self", script::bind<l_service_self>},
    {"localname", script::bind<l_query>},
    {"exit", script::bind<exit_service>},
    {"getenv", script::bind<l_getenv>},
    {"setenv", script::bind<l_setenv>},
    {"stat", script::bind<l_stat>},
    {nullptr, nullptr},
};

const luaL_Reg kCoreFunctions[] = {
    {"await", script::bind<await_answer>},
    {"query", script::bind<l_query>},
    {"name", script::bind<l_name>},
    {"alive", script::bind<l_alive>},
    {"launch", script::bind<l_launch>},
    {"kill", script::bind<l_kill>},
    {"abort", script::bind<l_abort>},
    {"log", script::bind<log_line>},
    {"loadfile", script::bind<l_loadfile>},
    {"clear_code", script::bind<l_clear_code>},
    {"watch_exits", script::bind<l_watch_exits>},
    {"task_count", script::bind<l_task_count>},
    {nullptr, nullptr},
};

}  // namespace gatehouse::skynet
