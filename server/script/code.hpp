// The Lua code that runs: each file is read once and compiled once for all VMs of the process, and
// stays what it was then, whatever happens to the file, until the code is read anew as a whole.
// A VM keeps the code with which it began, also for what it requires later.
#pragma once

#include <cstddef>
#include <lua.hpp>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.hpp"

namespace gatehouse::script {

// One reading of the files. Any thread, on its own lua_State.
class Code {
 public:
  Code() = default;
  Code(const Code&) = delete;
  Code& operator=(const Code&) = delete;

  // Reads all *.lua of a folder and those below, to be compiled when they are needed; what cannot
  // be read is left out.
  void read_folder(const std::string& folder);

  // Like luaL_loadfile: pushes the chunk and returns LUA_OK, or pushes the error text. A file that
  // was not read before is read now.
  int load(lua_State* L, const std::string& path);

  // Where a module or service is: the first of `patterns` (as in package.path) that, with `name`
  // for each `?`, is a file that was read or can be.
  struct Found {
    std::string path;
    std::string_view pattern;
    std::string tried;  // when there is none: one line for each pattern
  };
  [[nodiscard]] Found find(std::string_view patterns, std::string_view name) const;

  // The same files as they are now, with everything compiled that was compiled here. kInvalid,
  // with file and line: one of them does not compile; one that is gone does not matter. nullptr:
  // nothing has changed.
  [[nodiscard]] Result<std::shared_ptr<Code>> read_anew() const;

 private:
  struct Chunk {
    std::string source;  // empty once it is compiled
    std::size_t source_hash = 0;
    std::shared_ptr<const std::string> bytecode;  // with the file's name for tracebacks
  };

  [[nodiscard]] bool has(const std::string& path) const;
  Result<> read_file_of(const std::string& path);

  mutable std::mutex mutex_;
  std::vector<std::string> folders_;
  std::unordered_map<std::string, Chunk> chunks_;  // by path
};

// Which code new VMs get.
class CodeCache {
 public:
  [[nodiscard]] std::shared_ptr<Code> current() const {
    std::lock_guard lock(mutex_);
    return current_;
  }
  void use(std::shared_ptr<Code> code) {
    std::lock_guard lock(mutex_);
    current_ = std::move(code);
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<Code> current_ = std::make_shared<Code>();
};

// Compiles the file and those that it names in `require "..."`, found by `patterns`, and so on.
// kInvalid, with file and line; kIo, kNotFound: `path` cannot be read. Runs nothing.
[[nodiscard]] Result<> check_code(const std::string& path, std::string_view patterns);

}  // namespace gatehouse::script
