// Module "skynet" (docs/skynet-rules.md 1.1): one table of C functions. Messages, tasks and
// services are in messages.cpp, tasks.cpp and system.cpp, message types in protocols.cpp; here are
// launching and the start-up order. It is C++ because every VM has it, and in Lua it takes three
// times the memory.
#include <cstring>

#include "actor/system.hpp"
#include "base/log.hpp"
#include "script/bind_util.hpp"
#include "skynet/core.hpp"

namespace gatehouse::skynet {
namespace {

// Registry key of the functions of skynet.init() that wait for start(); nil once it ran.
const char kInitKey = 0;

// --- Small ones ---

// error(...): logs the values, joined by one blank.
int l_error(lua_State* L) {
  const int count = lua_gettop(L);
  if (count == 1 && lua_type(L, 1) == LUA_TSTRING) return log_line(L);
  luaL_Buffer text;
  luaL_buffinit(L, &text);
  for (int i = 1; i <= count; ++i) {
    if (i > 1) luaL_addchar(&text, ' ');
    luaL_tolstring(L, i, nullptr);
    luaL_addvalue(&text);
  }
  luaL_pushresult(&text);
  lua_insert(L, 1);
  lua_settop(L, 1);
  return log_line(L);
}

// time() -> seconds since the epoch, with centiseconds
int l_time(lua_State* L) {
  const actor::System& system = script::system_of(L);
  lua_pushnumber(L, static_cast<lua_Number>(system.start_time_s()) +
                        static_cast<lua_Number>(system.now_cs()) / 100);
  return 1;
}

// address(address) -> ":0000000a"; anything else as a string
int l_address(lua_State* L) {
  luaL_checkany(L, 1);
  if (lua_type(L, 1) != LUA_TNUMBER) {
    luaL_tolstring(L, 1, nullptr);
    return 1;
  }
  char text[16];
  std::snprintf(text, sizeof text, ":%08x", static_cast<unsigned>(luaL_checkinteger(L, 1)));
  lua_pushstring(L, text);
  return 1;
}

// harbor(address) -> harbor, remote
int l_harbor(lua_State* L) {
  const auto address = static_cast<lua_Unsigned>(luaL_checkinteger(L, 1));
  lua_pushinteger(L, static_cast<lua_Integer>(address >> 24));
  lua_pushboolean(L, address >> 24 != 0);
  return 2;
}

int l_mqlen(lua_State* L) {
  lua_pushinteger(L, script::current_service(L).mailbox_length());
  return 1;
}

int l_endless(lua_State* L) {
  lua_pushboolean(L, script::system_of(L).take_endless(script::current_service(L).id()));
  return 1;
}

// memlimit(bytes): bounds this VM's memory, once; then the function is gone
// (docs/skynet-rules.md 2.14).
int l_memlimit(lua_State* L) {
  const lua_Integer bytes = luaL_checkinteger(L, 1);
  luaL_argcheck(L, bytes > 0, 1, "bytes must be positive");
  script::Vm::of(L).set_memory_bytes_max(static_cast<std::size_t>(bytes));
  log::info(script::current_service(L).id(), "Set memory limit to {:.2f} M",
            static_cast<double>(bytes) / (1024 * 1024));
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (lua_getfield(L, -1, "skynet") == LUA_TTABLE) {
    lua_pushnil(L);
    lua_setfield(L, -2, "memlimit");
  }
  return 0;
}

// --- Start-up ---

// init(f): runs f before the start function; when the service is running already, after the module
// that calls this, or at once.
int l_init(lua_State* L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 1);
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &kInitKey) == LUA_TNIL) {
    lua_settop(L, 1);
    if (init_after_require(L)) return 0;
    lua_callk(L, 0, 0, 0, [](lua_State*, int, lua_KContext) { return 0; });
    return 0;
  }
  lua_insert(L, 1);
  lua_rawseti(L, 1, static_cast<lua_Integer>(lua_rawlen(L, 1)) + 1);
  return 0;
}

int done(lua_State*, int, lua_KContext) {
  return 0;
}

// Runs the init functions, also those that they add, then f. Stack: f[, list, next number].
int run_init_functions(lua_State* L, int, lua_KContext) {
  while (true) {
    if (lua_gettop(L) == 1) {
      const bool waiting = lua_rawgetp(L, LUA_REGISTRYINDEX, &kInitKey) == LUA_TTABLE;
      if (!waiting || lua_rawlen(L, 2) == 0) break;
      lua_newtable(L);
      lua_rawsetp(L, LUA_REGISTRYINDEX, &kInitKey);
      lua_pushinteger(L, 1);
    }
    const lua_Integer number = lua_tointeger(L, 3);
    lua_pushinteger(L, number + 1);
    lua_replace(L, 3);
    if (lua_rawgeti(L, 2, number) == LUA_TNIL) {
      lua_settop(L, 1);
      continue;
    }
    lua_callk(L, 0, 0, 0, run_init_functions);
  }
  lua_settop(L, 1);
  lua_pushnil(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &kInitKey);
  lua_callk(L, 0, 0, 0, done);
  return 0;
}

int run_start(lua_State* L) {
  return run_init_functions(L, LUA_OK, 0);
}

int add_traceback(lua_State* L) {
  luaL_traceback(L, L, luaL_tolstring(L, 1, nullptr), 1);
  return 1;
}

// Tells the launcher how the start went (docs/skynet-rules.md 2.10).
int started(lua_State* L, int status, lua_KContext) {
  const bool fine = status == LUA_OK || status == LUA_YIELD;
  script::Vm::of(L).init_thread = nullptr;
  const ServiceId self = script::current_service(L).id();
  if (!fine) log::error(self, "init service failed: {}", lua_tostring(L, -1));
  script::current_service(L).tell_launcher(fine);
  if (fine) return 0;
  script::current_service(L).init_failed();
  return exit_service(L);
}

// init_service(f): runs the init functions and f, and ends the service when they fail.
int l_init_service(lua_State* L) {
  lua_settop(L, 1);
  script::Vm::of(L).init_thread = L;
  lua_pushcfunction(L, add_traceback);
  lua_pushcfunction(L, run_start);
  lua_pushvalue(L, 1);
  const int status = lua_pcallk(L, 1, 0, 2, 0, started);
  return started(L, status, 0);
}

// start(f): f runs in a coroutine, after this chunk.
int l_start(lua_State* L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 1);
  lua_pushcfunction(L, script::bind<l_init_service>);
  lua_insert(L, 1);
  fork_after(L, 0, true);
  return 0;
}

// Calls `service` with the words and the arguments that are on the stack.
template <std::size_t N>
int call_service(lua_State* L, const char* const (&words)[N]) {
  luaL_checkstack(L, static_cast<int>(N), nullptr);
  for (const char* word : words) lua_pushstring(L, word);
  lua_rotate(L, 1, static_cast<int>(N));
  return call(L);
}

// newservice(name, ...) -> address: launches a service and waits until its start function
// returned; raises when it failed.
int l_newservice(lua_State* L) {
  luaL_checkany(L, 1);
  return call_service(L, {".launcher", "lua", "LAUNCH", "snlua"});
}

// `true` as first argument asks for a service in the whole network, which is this process.
void drop_global(lua_State* L) {
  if (lua_isboolean(L, 1) && lua_toboolean(L, 1)) lua_remove(L, 1);
}

// uniqueservice([true,] name, ...) -> address: launched once, all callers get the same.
int l_uniqueservice(lua_State* L) {
  drop_global(L);
  return call_service(L, {".service", "lua", "LAUNCH"});
}

// queryservice([true,] name) -> address of a unique service; waits until somebody launched it.
int l_queryservice(lua_State* L) {
  drop_global(L);
  return call_service(L, {".service", "lua", "QUERY"});
}

const luaL_Reg kSkynetFunctions[] = {
    {"error", script::bind<l_error>},
    {"time", script::bind<l_time>},
    {"address", script::bind<l_address>},
    {"harbor", script::bind<l_harbor>},
    {"mqlen", script::bind<l_mqlen>},
    {"endless", script::bind<l_endless>},
    {"memlimit", script::bind<l_memlimit>},
    {"trace", does_nothing},
    {"tracetag", does_nothing},
    {"tracelog", does_nothing},
    {"traceproto", does_nothing},
    {"trace_timeout", does_nothing},
    {"init", script::bind<l_init>},
    {"init_service", script::bind<l_init_service>},
    {"start", script::bind<l_start>},
    {"newservice", script::bind<l_newservice>},
    {"uniqueservice", script::bind<l_uniqueservice>},
    {"queryservice", script::bind<l_queryservice>},
    {nullptr, nullptr},
};

// Few services need these: the Lua module puts them into the table "skynet" at the first access.
constexpr struct {
  const char* function;
  const char* module;
} kLater[] = {
    {"request", "skynet.request"},
    {"task", "skynet.tasks"},
    {"uniqtask", "skynet.tasks"},
    {"term", "skynet.tasks"},
    {"info_func", "skynet.debug"},
    {"tracecall", "skynet.tasks"},
    {"dispatch_unknown_request", "skynet.tasks"},
    {"dispatch_unknown_response", "skynet.tasks"},
    {"cache", "skynet.codecache"},
};

// __index of the table "skynet".
int load_function(lua_State* L) {
  if (lua_type(L, 2) != LUA_TSTRING) return 0;
  const char* name = lua_tostring(L, 2);
  for (const auto& later : kLater) {
    if (std::strcmp(name, later.function) != 0) continue;
    lua_getglobal(L, "require");
    lua_pushstring(L, later.module);
    lua_call(L, 1, 0);
    lua_settop(L, 2);
    lua_rawget(L, 1);
    return 1;
  }
  return 0;
}

// PTYPE_* (docs/skynet-rules.md 1.1), in the order of actor::MessageType.
const char* const kTypeNames[] = {"TEXT",   "RESPONSE", "MULTICAST", "CLIENT", "SYSTEM",
                                  "HARBOR", "SOCKET",   "ERROR",     "QUEUE",  "DEBUG",
                                  "LUA",    "SNAX",     "TRACE"};

}  // namespace

int does_nothing(lua_State*) {
  return 0;
}

int open_skynet(lua_State* L) {
  lua_createtable(L, 0, 80);
  for (const luaL_Reg* functions : {kMessageFunctions, kReplyFunctions, kTaskFunctions,
                                    kSystemFunctions, kProtocolFunctions, kSkynetFunctions}) {
    luaL_setfuncs(L, functions, 0);
  }
  lua_getglobal(L, "pcall");
  lua_setfield(L, -2, "pcall");
  for (std::size_t id = 0; id < std::size(kTypeNames); ++id) {
    lua_pushfstring(L, "PTYPE_%s", kTypeNames[id]);
    lua_pushinteger(L, static_cast<lua_Integer>(id));
    lua_rawset(L, -3);
  }
  add_protocols(L);
  push_protocols(L);
  lua_setfield(L, -2, "_proto");
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, script::bind<load_function>);
  lua_setfield(L, -2, "__index");
  lua_setmetatable(L, -2);
  lua_newtable(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &kInitKey);
  return 1;
}

}  // namespace gatehouse::skynet
