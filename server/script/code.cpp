#include "script/code.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <optional>
#include <utility>

#include "base/file_text.hpp"
#include "script/lua_args.hpp"

namespace gatehouse::script {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kSourceBytesMax = 64u << 20;

int append_chunk(lua_State*, const void* data, std::size_t size, void* out) {
  static_cast<std::string*>(out)->append(static_cast<const char*>(data), size);
  return 0;
}

// As luaL_loadfile does: without a byte order mark, and without a first line that begins with '#',
// whose end stays so that lines are counted right.
std::string_view code_of(std::string_view source) {
  constexpr std::string_view kMark = "\xef\xbb\xbf";
  if (source.starts_with(kMark)) source.remove_prefix(kMark.size());
  if (source.starts_with('#')) source.remove_prefix(std::min(source.find('\n'), source.size()));
  return source;
}

// Pushes the chunk, or the error; the byte-code is added to `out`.
int compile(lua_State* L, const std::string& path, std::string_view source, std::string& out) {
  const std::string name = "@" + path;
  source = code_of(source);
  const int status = luaL_loadbufferx(L, source.data(), source.size(), name.c_str(), "t");
  if (status == LUA_OK) lua_dump(L, append_chunk, &out, 0);
  return status;
}

struct CloseScratch {
  void operator()(lua_State* L) const { lua_close(L); }
};
using Scratch = std::unique_ptr<lua_State, CloseScratch>;

// In a state that exists for that alone.
Result<std::string> compile_alone(lua_State* L, const std::string& path, std::string_view source) {
  std::string bytecode;
  const int status = compile(L, path, source, bytecode);
  Result<std::string> result = std::move(bytecode);
  if (status != LUA_OK) result = fail(Errc::kInvalid, lua_tostring(L, -1));
  lua_settop(L, 0);
  return result;
}

// The texts between quotes that follow `require`, outside comments and strings.
class RequireReader {
 public:
  explicit RequireReader(std::string_view source) : rest_(source) {}

  std::optional<std::string> next() {
    while (!rest_.empty()) {
      if (rest_.starts_with("--")) {
        rest_.remove_prefix(2);
        if (!skip_long()) skip_to('\n');
      } else if (rest_.front() == '"' || rest_.front() == '\'') {
        static_cast<void>(read_quoted());
      } else if (rest_.front() == '[') {
        if (!skip_long()) rest_.remove_prefix(1);
      } else if (is_word(rest_.front())) {
        if (read_word() != "require") continue;
        skip_blanks();
        if (rest_.starts_with('(')) rest_.remove_prefix(1);
        skip_blanks();
        if (rest_.starts_with('"') || rest_.starts_with('\'')) return read_quoted();
      } else {
        rest_.remove_prefix(1);
      }
    }
    return std::nullopt;
  }

 private:
  static bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  }
  std::string_view read_word() {
    std::size_t size = 0;
    while (size < rest_.size() && is_word(rest_[size])) ++size;
    const std::string_view word = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return word;
  }
  void skip_blanks() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size()));
  }
  void skip_to(char c) { rest_.remove_prefix(std::min(rest_.find(c), rest_.size())); }
  std::string read_quoted() {
    const char quote = rest_.front();
    std::string text;
    std::size_t at = 1;
    for (; at < rest_.size() && rest_[at] != quote && rest_[at] != '\n'; ++at) {
      if (rest_[at] == '\\' && at + 1 < rest_.size()) ++at;
      text += rest_[at];
    }
    rest_.remove_prefix(std::min(at + 1, rest_.size()));
    return text;
  }
  // [[...]] or [==[...]==]; false when none begins here.
  bool skip_long() {
    if (!rest_.starts_with('[')) return false;
    std::size_t level = 1;
    while (level < rest_.size() && rest_[level] == '=') ++level;
    if (level >= rest_.size() || rest_[level] != '[') return false;
    const std::string end = "]" + std::string(level - 1, '=') + "]";
    const std::size_t at = rest_.find(end);
    rest_.remove_prefix(at == std::string_view::npos ? rest_.size() : at + end.size());
    return true;
  }

  std::string_view rest_;
};

std::string in_pattern(std::string_view pattern, std::string_view name) {
  std::string path;
  for (const char c : pattern) {
    if (c == '?') {
      path += name;
    } else {
      path += c;
    }
  }
  return path;
}

}  // namespace

void Code::read_folder(const std::string& folder) {
  folders_.push_back(folder);
  std::error_code error;
  using Options = fs::directory_options;
  for (fs::recursive_directory_iterator at(folder, Options::skip_permission_denied, error), end;
       !error && at != end; at.increment(error)) {
    const std::string path = at->path().string();
    if (path.ends_with(".lua")) static_cast<void>(read_file_of(path));
  }
}

Result<> Code::read_file_of(const std::string& path) {
  auto read = read_file(path, kSourceBytesMax);
  if (!read) return tl::unexpected<Error>(read.error());
  const std::size_t hash = std::hash<std::string>()(read->text);
  std::lock_guard lock(mutex_);
  chunks_.try_emplace(path, Chunk{std::move(read->text), hash, nullptr});
  return {};
}

int Code::load(lua_State* L, const std::string& path) {
  for (bool again = false;; again = true) {
    std::shared_ptr<const std::string> bytecode;
    std::string source;
    bool known = false;
    {
      std::lock_guard lock(mutex_);
      const auto it = chunks_.find(path);
      known = it != chunks_.end();
      if (known) bytecode = it->second.bytecode;
      if (known && !bytecode) source = it->second.source;
    }
    if (bytecode) {
      return luaL_loadbufferx(L, bytecode->data(), bytecode->size(), path.c_str(), "b");
    }
    if (known) {
      auto compiled = std::make_shared<std::string>();
      const int status = compile(L, path, source, *compiled);
      std::lock_guard lock(mutex_);
      // What was half saved may be whole the next time.
      if (status != LUA_OK && again) chunks_.erase(path);
      if (status != LUA_OK) return status;
      Chunk& chunk = chunks_[path];
      chunk.bytecode = std::move(compiled);
      std::string().swap(chunk.source);
      return LUA_OK;
    }
    const Result<> read = again ? fail(Errc::kNotFound, path) : read_file_of(path);
    if (!read) {
      static_cast<void>(push_owned(L, "cannot open " + read.error().message));
      return LUA_ERRFILE;
    }
  }
}

bool Code::has(const std::string& path) const {
  {
    std::lock_guard lock(mutex_);
    if (chunks_.contains(path)) return true;
  }
  return ::access(path.c_str(), R_OK) == 0;
}

Code::Found Code::find(std::string_view patterns, std::string_view name) const {
  Found file;
  while (!patterns.empty()) {
    const std::size_t end = std::min(patterns.find(';'), patterns.size());
    file.pattern = patterns.substr(0, end);
    patterns.remove_prefix(std::min(end + 1, patterns.size()));
    if (file.pattern.empty()) continue;
    file.path = in_pattern(file.pattern, name);
    if (has(file.path)) return file;
    file.tried += (file.tried.empty() ? "no file '" : "\n\tno file '") + file.path + "'";
  }
  file.path.clear();
  return file;
}

Result<std::shared_ptr<Code>> Code::read_anew() const {
  auto fresh = std::make_shared<Code>();
  std::vector<std::pair<std::string, std::size_t>> known;
  std::vector<std::string> compiled;
  std::vector<std::string> folders;
  {
    std::lock_guard lock(mutex_);
    folders = folders_;
    for (const auto& [path, chunk] : chunks_) {
      known.emplace_back(path, chunk.source_hash);
      if (chunk.bytecode) compiled.push_back(path);
    }
  }
  for (const std::string& folder : folders) fresh->read_folder(folder);
  for (const std::string& path : compiled) {
    const auto read = fresh->read_file_of(path);
    if (!read && read.error().code != Errc::kNotFound) return tl::unexpected<Error>(read.error());
  }
  const bool same = known.size() == fresh->chunks_.size() &&
                    std::all_of(known.begin(), known.end(), [&fresh](const auto& was) {
                      const auto it = fresh->chunks_.find(was.first);
                      return it != fresh->chunks_.end() && it->second.source_hash == was.second;
                    });
  if (same) return std::shared_ptr<Code>();
  const Scratch scratch(luaL_newstate());
  if (!scratch) return fail(Errc::kFull, "no memory for a Lua state");
  for (const std::string& path : compiled) {
    const auto it = fresh->chunks_.find(path);
    if (it == fresh->chunks_.end()) continue;
    auto bytecode = compile_alone(scratch.get(), path, it->second.source);
    if (!bytecode) return tl::unexpected<Error>(bytecode.error());
    it->second.bytecode = std::make_shared<const std::string>(std::move(*bytecode));
    std::string().swap(it->second.source);
  }
  return fresh;
}

Result<> check_code(const std::string& path, std::string_view patterns) {
  const Scratch scratch(luaL_newstate());
  if (!scratch) return fail(Errc::kFull, "no memory for a Lua state");
  const Code files;
  std::vector<std::string> to_do = {path};
  for (std::size_t i = 0; i < to_do.size(); ++i) {
    const std::string file = to_do[i];
    const auto read = read_file(file, kSourceBytesMax);
    if (!read) return tl::unexpected<Error>(read.error());
    const auto compiled = compile_alone(scratch.get(), file, read->text);
    if (!compiled) return tl::unexpected<Error>(compiled.error());
    RequireReader required(code_of(read->text));
    while (auto name = required.next()) {
      std::replace(name->begin(), name->end(), '.', '/');
      const std::string found = files.find(patterns, *name).path;
      if (!found.empty() && std::find(to_do.begin(), to_do.end(), found) == to_do.end())
        to_do.push_back(found);
    }
  }
  return {};
}

}  // namespace gatehouse::script
