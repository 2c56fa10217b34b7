#include "lua_target.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

#include "actor/system.hpp"
#include "base/metrics.hpp"
#include "modules/modules.hpp"
#include "mysql/worker.hpp"
#include "script/array_mark.hpp"
#include "script/runtime.hpp"
#include "skynet/boot.hpp"
#include "test_world.hpp"

namespace gatehouse::fuzz {
namespace {

// Counters of a program's own, which libFuzzer takes for its coverage; others ignore the section.
constexpr std::size_t kLineCounters = 8'192;
__attribute__((section("__libfuzzer_extra_counters"))) std::uint8_t line_counters[kLineCounters];

std::size_t hash_of(std::string_view text) {
  std::size_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

void on_line(lua_State* L, lua_Debug* event) {
  static const char* last_source = nullptr;
  static std::size_t last_hash = 0;
  lua_getinfo(L, "Sl", event);
  if (event->source != last_source) {
    last_source = event->source;
    last_hash = hash_of(event->short_src);
  }
  const auto line = static_cast<std::size_t>(event->currentline);
  ++line_counters[(last_hash + line * 31) % kLineCounters];
}

// Everything lasts as long as the process.
struct LuaWorld {
  LuaWorld() {
    modules::add_modules(runtime, connections);
    skynet::set_library_root(runtime, GATEHOUSE_SOURCE_DIR "/lua");
    vm = script::Vm::create(runtime, 0, runtime.code.current()).value();
  }

  MetricSet metrics;
  actor::System system{test_world(), {.workers = 1, .limits = {}}, metrics};
  mysql::Workers connections{test_world()};
  script::Runtime runtime{system};
  std::shared_ptr<script::Vm> vm;
};

int traced(lua_State* L) {
  luaL_traceback(L, L, luaL_tolstring(L, 1, nullptr), 1);
  return 1;
}

std::string show_table(lua_State* L, int index) {
  std::vector<std::string> entries;
  for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
    const int top = lua_gettop(L);
    entries.push_back(show_value(L, top - 1) + '=' + show_value(L, top));
  }
  std::sort(entries.begin(), entries.end());
  std::string text = script::is_marked_array(L, index) ? "[" : "{";
  for (const std::string& entry : entries) text += entry + ',';
  return text + '}';
}

}  // namespace

script::Vm& lua_vm() {
  static LuaWorld& world = *new LuaWorld;
  return *world.vm;
}

void run_lua_target(const char* name, std::string_view input) {
  static int function = LUA_NOREF;
  const std::string error = raised_by([&](lua_State* L) {
    lua_pushcfunction(L, traced);
    if (function == LUA_NOREF) {
      const std::string file = fmt::format("{}/tests/fuzz/{}.lua", GATEHOUSE_SOURCE_DIR, name);
      if (luaL_loadfile(L, file.c_str()) != LUA_OK) lua_error(L);
      lua_call(L, 0, 1);
      function = luaL_ref(L, LUA_REGISTRYINDEX);
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, function);
    lua_pushlstring(L, input.data(), input.size());
    lua_sethook(L, on_line, LUA_MASKLINE, 0);
    const int status = lua_pcall(L, 1, 0, 1);
    lua_sethook(L, nullptr, 0, 0);
    if (status != LUA_OK) lua_error(L);
  });
  if (error.empty()) return;
  std::fprintf(stderr, "%s: %s\n", name, error.c_str());
  std::abort();
}

std::string show_value(lua_State* L, int index) {
  GATEHOUSE_ASSERT(lua_checkstack(L, 10) != 0);
  switch (lua_type(L, index)) {
    case LUA_TNUMBER:
      if (lua_isinteger(L, index) != 0) return fmt::format("i{}", lua_tointeger(L, index));
      return fmt::format("f{:a}", lua_tonumber(L, index));
    case LUA_TSTRING: {
      std::size_t size = 0;
      const char* text = lua_tolstring(L, index, &size);
      return fmt::format("s{}:{}", size, std::string_view(text, size));
    }
    case LUA_TBOOLEAN:
      return lua_toboolean(L, index) != 0 ? "true" : "false";
    case LUA_TLIGHTUSERDATA:
      return fmt::format("p{}", fmt::ptr(lua_touserdata(L, index)));
    case LUA_TTABLE:
      return show_table(L, index);
    default:
      return lua_typename(L, lua_type(L, index));
  }
}

}  // namespace gatehouse::fuzz
