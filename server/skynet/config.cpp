#include "skynet/config.hpp"

#include <algorithm>
#include <charconv>
#include <lua.hpp>
#include <memory>
#include <string>
#include <vector>

#include "actor/system.hpp"
#include "base/file_text.hpp"
#include "base/file_trust.hpp"
#include "script/lua_args.hpp"

namespace gatehouse::skynet {
namespace {

constexpr std::size_t kConfigBytesMax = 1u << 20;

// Runs the file (argument 1; argument 2 reads it) and its includes in one table of settings.
// include() and `$NAME` are the whole language extension.
constexpr const char* kLoader = R"lua(
local settings = {}
local file, read = ...
local function folder_of(path) return path:match "^(.*/)" or "./" end
local function run(path)
  local text = read(path)
  text = text:gsub("%$([%w_%d]+)", function(name)
    return assert(os.getenv(name), "os.getenv() failed: " .. name)
  end)
  local environment = setmetatable({
    include = function(name) run(folder_of(path) .. name) end,
  }, { __index = function(_, key) return settings[key] end, __newindex = settings })
  assert(load(text, "@" .. path, "t", environment))()
end
run(file)
for key, value in pairs(settings) do
  local kind = type(value)
  if kind ~= "string" and kind ~= "number" and kind ~= "boolean" then
    error("Invalid config table key = " .. tostring(key), 0)
  end
  settings[key] = tostring(value)
end
return settings
)lua";

// read(path) -> text of a file that others may not write; raises.
int read_settings(lua_State* L) {
  luaL_checkstring(L, 1);
  bool ok = false;
  {
    const std::string path(script::check_view(L, 1));
    const auto text = read_file(path, kConfigBytesMax);
    const auto trusted = check_trusted(path);
    ok = text && trusted;
    const std::string& why = !text      ? text.error().message
                             : !trusted ? trusted.error().message
                                        : text->text;
    ok = script::push_owned(L, why) && ok;
  }
  return ok ? 1 : lua_error(L);
}

// Others may not be able to change the code that these settings name: files, and the folders of
// patterns. What does not exist is an error of whoever looks for it.
Result<> check_code_places(const SkynetConfig& config) {
  std::vector<std::string> places = {config.value("preload"), config.value("cluster")};
  for (const char* key : {"luaservice", "lua_path", "lua_cpath", "snax"}) {
    std::string patterns = config.value(key) + ";";
    for (std::size_t end; (end = patterns.find(';')) != std::string::npos;) {
      const std::string pattern = patterns.substr(0, end);
      patterns.erase(0, end + 1);
      const std::size_t slash = pattern.substr(0, pattern.find('?')).rfind('/');
      if (slash != std::string::npos) places.push_back(pattern.substr(0, slash + 1));
    }
  }
  for (const std::string& place : places) {
    if (place.empty()) continue;
    if (auto fine = check_trusted(place); !fine && fine.error().code == Errc::kDenied) return fine;
  }
  return {};
}

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
  lua_pushlstring(L, file.data(), file.size());
  lua_pushcfunction(L, script::bind<read_settings>);
  if (lua_pcall(L, 2, 1, 0) != LUA_OK) {
    const char* text = lua_tostring(L, -1);
    return fail(Errc::kInvalid, text == nullptr ? "the configuration fails" : text);
  }
  SkynetConfig config;
  for (lua_pushnil(L); lua_next(L, -2) != 0; lua_pop(L, 1)) {
    if (lua_type(L, -2) == LUA_TSTRING) config.values[lua_tostring(L, -2)] = lua_tostring(L, -1);
  }
  if (auto fine = check_code_places(config); !fine)
    return fail(Errc::kInvalid, fine.error().message);
  config.values.try_emplace("start", "main");
  if (const auto it = config.values.find("thread"); it != config.values.end()) {
    int threads = 1;
    std::from_chars(it->second.data(), it->second.data() + it->second.size(), threads);
    config.workers =
        static_cast<std::uint16_t>(std::clamp(threads, 1, int{actor::kWorkersMax} - 1));
  }
  return config;
}

void apply_skynet_config(const SkynetConfig& config, script::Runtime& runtime) {
  for (const auto& [key, value] : config.values) {
    static_cast<void>(runtime.system.set_env(key, value));
  }
  append(runtime.service_path, config, "luaservice");
  append(runtime.lua_path, config, "lua_path");
  append(runtime.lua_cpath, config, "lua_cpath");
  if (const auto it = config.values.find("preload"); it != config.values.end()) {
    runtime.preload = it->second;
  }
  const auto profile = config.values.find("profile");
  runtime.system.profile(profile != config.values.end() && profile->second == "true");
}

}  // namespace gatehouse::skynet
