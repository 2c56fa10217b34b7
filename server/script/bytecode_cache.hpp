// Compiled Lua files, shared by all VMs of the process: a file is parsed once, every other VM
// loads the byte-code from memory. A file that changed on disk is compiled again.
#pragma once

#include <cstdint>
#include <lua.hpp>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace gatehouse::script {

class BytecodeCache {
 public:
  // Like luaL_loadfile: pushes the chunk and returns LUA_OK, or pushes the error text. Any
  // thread, on its own lua_State.
  int load(lua_State* L, const char* path);

 private:
  struct Entry {
    std::int64_t modified_ns = 0;
    std::int64_t size = 0;
    std::shared_ptr<const std::string> bytecode;
  };
  std::mutex mutex_;
  std::unordered_map<std::string, Entry> entries_;
};

}  // namespace gatehouse::script
