#include "script/bytecode_cache.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>

namespace gatehouse::script {
namespace {

int append_chunk(lua_State*, const void* data, std::size_t size, void* out) {
  static_cast<std::string*>(out)->append(static_cast<const char*>(data), size);
  return 0;
}

}  // namespace

int BytecodeCache::load(lua_State* L, const char* path) {
  struct stat info {};
  if (stat(path, &info) != 0) {
    lua_pushfstring(L, "cannot open %s: %s", path, strerror(errno));
    return LUA_ERRFILE;
  }
  const std::int64_t modified_ns =
      std::int64_t{info.st_mtim.tv_sec} * 1'000'000'000 + info.st_mtim.tv_nsec;
  std::shared_ptr<const std::string> bytecode;
  {
    std::lock_guard lock(mutex_);
    const auto it = entries_.find(path);
    if (it != entries_.end() && it->second.modified_ns == modified_ns &&
        it->second.size == info.st_size) {
      bytecode = it->second.bytecode;
    }
  }
  if (bytecode) {
    // The binary chunk carries its source name, so tracebacks name the file.
    return luaL_loadbufferx(L, bytecode->data(), bytecode->size(), path, "b");
  }
  const int status = luaL_loadfilex(L, path, "t");
  if (status != LUA_OK) return status;
  auto dumped = std::make_shared<std::string>();
  if (lua_dump(L, append_chunk, dumped.get(), 0) == 0) {
    std::lock_guard lock(mutex_);
    entries_[path] = Entry{modified_ns, info.st_size, std::move(dumped)};
  }
  return LUA_OK;
}

}  // namespace gatehouse::script
