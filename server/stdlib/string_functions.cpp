// The functions of `string` whose time depends on more than the bytes that they get: find, match,
// gmatch, gsub and rep. They do what the stock ones do (Lua manual 6.4), and can be interrupted.
#include <algorithm>
#include <cctype>
#include <cstring>
#include <new>

#include "script/interrupt.hpp"
#include "stdlib/pattern.hpp"
#include "stdlib/standard_libraries.hpp"

namespace gatehouse::stdlib {
namespace {

constexpr std::size_t kSizeMax = static_cast<std::size_t>(LUA_MAXINTEGER);
constexpr std::size_t kCopyBytes = 1 << 20;  // between two looks at the interrupt

struct Text {
  const char* data;
  std::size_t size;
};

Text check_text(lua_State* L, int index) {
  Text text{};
  text.data = luaL_checklstring(L, index, &text.size);
  return text;
}

// An optional start position as an offset: from 1, or from the end when negative.
std::size_t start_offset(lua_State* L, int index, std::size_t size) {
  const lua_Integer position = luaL_optinteger(L, index, 1);
  if (position > 0) return static_cast<std::size_t>(position) - 1;
  if (position == 0 || position < -static_cast<lua_Integer>(size)) return 0;
  return size - static_cast<std::size_t>(-position);
}

bool has_specials(const Text& pattern) {
  return std::any_of(pattern.data, pattern.data + pattern.size,
                     [](char c) { return c != '\0' && std::strchr("^$*+?.([%-", c) != nullptr; });
}

// Takes the anchor off the pattern.
bool take_anchor(Text& pattern) {
  if (*pattern.data != '^') return false;
  ++pattern.data;
  --pattern.size;
  return true;
}

// memmem, but where the first byte is rare the faster memchr finds it.
const void* search_bytes(const char* in, std::size_t size, const char* wanted,
                         std::size_t wanted_size) {
  constexpr int kCandidates = 16;
  if (wanted_size == 0) return in;
  for (int i = 0; i < kCandidates && wanted_size <= size; ++i) {
    const auto* at = static_cast<const char*>(std::memchr(in, *wanted, size - wanted_size + 1));
    if (at == nullptr || std::memcmp(at, wanted, wanted_size) == 0) return at;
    size -= static_cast<std::size_t>(at + 1 - in);
    in = at + 1;
  }
  return memmem(in, size, wanted, wanted_size);
}

int find_plain(lua_State* L, const Text& subject, std::size_t start, const Text& wanted) {
  const void* found =
      search_bytes(subject.data + start, subject.size - start, wanted.data, wanted.size);
  if (found == nullptr) {
    luaL_pushfail(L);
    return 1;
  }
  const std::ptrdiff_t offset = static_cast<const char*>(found) - subject.data;
  lua_pushinteger(L, offset + 1);
  lua_pushinteger(L, offset + static_cast<std::ptrdiff_t>(wanted.size));
  return 2;
}

int search(lua_State* L, bool find) {
  const Text subject = check_text(L, 1);
  Text pattern = check_text(L, 2);
  const std::size_t start = start_offset(L, 3, subject.size);
  if (start > subject.size) {
    luaL_pushfail(L);
    return 1;
  }
  if (find && (lua_toboolean(L, 4) != 0 || !has_specials(pattern))) {
    return find_plain(L, subject, start, pattern);
  }
  const bool anchored = take_anchor(pattern);
  PatternMatch match(L, subject.data, subject.size, pattern.data, pattern.size);
  for (const char* at = subject.data + start; at <= match.subject_end(); ++at) {
    if (const char* end = match.match_at(at)) {
      if (!find) return match.push_captures(at, end);
      lua_pushinteger(L, at - subject.data + 1);
      lua_pushinteger(L, end - subject.data);
      return 2 + match.push_captures(nullptr, nullptr);
    }
    if (anchored) break;
  }
  luaL_pushfail(L);
  return 1;
}

int string_find(lua_State* L) {
  return search(L, true);
}
int string_match(lua_State* L) {
  return search(L, false);
}

// State of gmatch's iterator; its upvalues keep the strings.
struct GmatchState {
  PatternMatch match;
  const char* at;
  const char* last_end;
};

int next_match(lua_State* L) {
  auto& state = *static_cast<GmatchState*>(lua_touserdata(L, lua_upvalueindex(3)));
  state.match.set_state(L);
  for (const char* at = state.at; at <= state.match.subject_end(); ++at) {
    const char* end = state.match.match_at(at);
    if (end == nullptr || end == state.last_end) continue;
    state.at = state.last_end = end;
    return state.match.push_captures(at, end);
  }
  return 0;
}

int string_gmatch(lua_State* L) {
  const Text subject = check_text(L, 1);
  const Text pattern = check_text(L, 2);
  const std::size_t start = std::min(start_offset(L, 3, subject.size), subject.size + 1);
  lua_settop(L, 2);
  void* memory = lua_newuserdatauv(L, sizeof(GmatchState), 0);
  new (memory) GmatchState{
      {L, subject.data, subject.size, pattern.data, pattern.size}, subject.data + start, nullptr};
  lua_pushcclosure(L, next_match, 3);
  return 1;
}

// Adds the replacement string at index 3, with its %0 to %9.
void add_string(lua_State* L, luaL_Buffer* out, PatternMatch& match, const char* begin,
                const char* end) {
  std::size_t left = 0;
  const char* text = lua_tolstring(L, 3, &left);
  while (const auto* p = static_cast<const char*>(std::memchr(text, '%', left))) {
    luaL_addlstring(out, text, static_cast<std::size_t>(p - text));
    ++p;
    if (*p == '%') {
      luaL_addchar(out, '%');
    } else if (*p == '0') {
      luaL_addlstring(out, begin, static_cast<std::size_t>(end - begin));
    } else if (std::isdigit(static_cast<unsigned char>(*p)) != 0) {
      const char* capture = nullptr;
      const std::ptrdiff_t size = match.capture(*p - '1', begin, end, &capture);
      if (size == PatternMatch::kPosition) {
        luaL_addvalue(out);
      } else {
        luaL_addlstring(out, capture, static_cast<std::size_t>(size));
      }
    } else {
      luaL_error(L, "invalid use of '%c' in replacement string", '%');
    }
    left -= static_cast<std::size_t>(p + 1 - text);
    text = p + 1;
  }
  luaL_addlstring(out, text, left);
}

// Adds what stands for the match begin..end; false when that is the match itself.
bool add_replacement(lua_State* L, luaL_Buffer* out, PatternMatch& match, const char* begin,
                     const char* end, int type) {
  if (type == LUA_TFUNCTION) {
    lua_pushvalue(L, 3);
    const int count = match.push_captures(begin, end);
    lua_call(L, count, 1);
  } else if (type == LUA_TTABLE) {
    match.push_capture(0, begin, end);
    lua_gettable(L, 3);
  } else {
    add_string(L, out, match, begin, end);
    return true;
  }
  if (lua_toboolean(L, -1) == 0) {
    lua_pop(L, 1);
    luaL_addlstring(out, begin, static_cast<std::size_t>(end - begin));
    return false;
  }
  if (lua_isstring(L, -1) == 0) {
    luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
  }
  luaL_addvalue(out);
  return true;
}

int string_gsub(lua_State* L) {
  const Text subject = check_text(L, 1);
  Text pattern = check_text(L, 2);
  const int type = lua_type(L, 3);
  const lua_Integer count_max = luaL_optinteger(L, 4, static_cast<lua_Integer>(subject.size) + 1);
  const bool anchored = take_anchor(pattern);
  luaL_argexpected(
      L, type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TFUNCTION || type == LUA_TTABLE,
      3, "string/function/table");
  luaL_Buffer out;
  luaL_buffinit(L, &out);
  PatternMatch match(L, subject.data, subject.size, pattern.data, pattern.size);
  const char* at = subject.data;
  const char* last_end = nullptr;
  lua_Integer count = 0;
  bool changed = false;
  while (count < count_max) {
    const char* end = match.match_at(at);
    if (end != nullptr && end != last_end) {
      ++count;
      changed |= add_replacement(L, &out, match, at, end, type);
      at = last_end = end;
    } else if (at < match.subject_end()) {
      luaL_addchar(&out, *at++);
    } else {
      break;
    }
    if (anchored) break;
  }
  if (!changed) {
    lua_pushvalue(L, 1);
  } else {
    luaL_addlstring(&out, at, static_cast<std::size_t>(match.subject_end() - at));
    luaL_pushresult(&out);
  }
  lua_pushinteger(L, count);
  return 2;
}

int string_rep(lua_State* L) {
  const Text text = check_text(L, 1);
  const lua_Integer count = luaL_checkinteger(L, 2);
  Text separator{};
  separator.data = luaL_optlstring(L, 3, "", &separator.size);
  const std::size_t unit = text.size + separator.size;
  if (count <= 0 || unit == 0) {
    lua_pushliteral(L, "");
    return 1;
  }
  if (unit < text.size || unit > kSizeMax / static_cast<std::size_t>(count)) {
    return luaL_error(L, "resulting string too large");
  }
  const std::size_t total = static_cast<std::size_t>(count) * unit - separator.size;
  luaL_Buffer out;
  char* data = luaL_buffinitsize(L, &out, total);
  std::size_t filled = std::min(unit, total);
  std::memcpy(data, text.data, text.size);
  std::memcpy(data + text.size, separator.data, filled - text.size);
  // Each copy doubles what is there, up to the size between two looks.
  for (script::Steps steps(L); filled < total;) {
    const std::size_t whole = std::min(filled, std::max(kCopyBytes / unit, std::size_t{1}) * unit);
    const std::size_t size = std::min(whole, total - filled);
    std::memcpy(data + filled, data, size);
    filled += size;
    steps.count(static_cast<std::ptrdiff_t>(size / 64));
  }
  luaL_pushresultsize(&out, total);
  return 1;
}

}  // namespace

void replace_string_functions(lua_State* L) {
  static constexpr luaL_Reg functions[] = {
      {"find", string_find}, {"match", string_match}, {"gmatch", string_gmatch},
      {"gsub", string_gsub}, {"rep", string_rep},     {nullptr, nullptr},
  };
  lua_getglobal(L, LUA_STRLIBNAME);
  luaL_setfuncs(L, functions, 0);
  lua_pop(L, 1);
}

}  // namespace gatehouse::stdlib
