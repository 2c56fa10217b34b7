#include "script/skynet_config.hpp"

#include <algorithm>
#include <charconv>
#include <lua.hpp>
#include <memory>

#include "actor/system.hpp"

namespace gatehouse::script {
namespace {

// Runs the file (argument 1) and its includes in one table of settings. include() and `$NAME`
// are the whole language extension.
constexpr const char* kLoader = R"lua(
local settings = {}
local function folder_of(path) return path:match "^(.*/)" or "./" end
local function run(path)
  local file = assert(io.open(path))
  local text = file:read "a"
  file:close()
  text = text:gsub("%$([%w_%d]+)", function(name)
    return assert(os.getenv(name), "os.getenv() failed: " .. name)
  end)
  local environment = setmetatable({
    include = function(name) run(folder_of(path) .. name) end,
  }, { __index = function(_, key) return settings[key] end, __newindex = settings })
  assert(load(text, "@" .. path, "t", environment))()
end
run(...)
for key, value in pairs(settings) do
  local kind = type(value)
  if kind ~= "string" and kind ~= "number" and kind ~= "boolean" then
    error("Invalid config table key = " .. tostring(key), 0)
  end
  settings[key] = tostring(value)
end
return settings
)lua";

struct CloseState {
  void operator()(lua_State* L) const { lua_close(L); }
};

void append(std::string& patterns, const SkynetConfig& config, const char* key) {
  const auto it = config.values.find(key);
  if (it != config.values.end() && !it->second.empty()) patterns += ";" + it->second;
}

}  // namespace

Result<SkynetConfig> load_skynet_config(const std::string& file) {
  const std::unique_ptr<lua_State, CloseState> state(luaL_newstate());
  if (!state) return fail(Errc::kFull, "no memory for a Lua state");
  lua_State* L = state.get();
  luaL_openlibs(L);
  if (luaL_loadstring(L, kLoader) != LUA_OK) return fail(Errc::kInvalid, lua_tostring(L, -1));
  lua_pushstring(L, file.c_str());
  if (lua_pcall(L, 1, 1, 0) != LUA_OK) {
    const char* text = lua_tostring(L, -1);
    return fail(Errc::kInvalid, text == nullptr ? "the configuration fails" : text);
  }
  SkynetConfig config;
  for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
    if (lua_type(L, -2) == LUA_TSTRING) config.values[lua_tostring(L, -2)] = lua_tostring(L, -1);
  }
  config.values.try_emplace("start", "main");
  if (const auto it = config.values.find("thread"); it != config.values.end()) {
    int threads = 1;
    std::from_chars(it->second.data(), it->second.data() + it->second.size(), threads);
    config.workers = static_cast<std::uint16_t>(
        std::clamp(threads, 1, int{actor::kWorkersMax} - 1));
  }
  return config;
}

void apply_skynet_config(const SkynetConfig& config, Runtime& runtime) {
  for (const auto& [key, value] : config.values) {
    static_cast<void>(runtime.system.set_env(key, value));
  }
  append(runtime.service_path, config, "luaservice");
  append(runtime.project_service_path, config, "luaservice");
  append(runtime.lua_path, config, "lua_path");
  append(runtime.lua_cpath, config, "lua_cpath");
  if (const auto it = config.values.find("preload"); it != config.values.end()) {
    runtime.preload = it->second;
  }
}

}  // namespace gatehouse::script
