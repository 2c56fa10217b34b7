// What bindings of pure functions share. Knows nothing of services, so that it also serves the
// modules that a plain Lua interpreter loads.
#pragma once

#include <exception>
#include <lua.hpp>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace gatehouse::script {

// Wraps a binding so that a C++ exception becomes a Lua error with its text. Lua's own errors
// are longjmp: a binding must own nothing with a destructor where it calls what can raise.
template <lua_CFunction Function>
int bind(lua_State* L) {
  try {
    return Function(L);
  } catch (const std::exception& e) {
    lua_pushstring(L, e.what());
  }
  return lua_error(L);
}

// String argument without a copy.
[[nodiscard]] inline std::string_view check_view(lua_State* L, int index) {
  std::size_t size = 0;
  const char* text = luaL_checklstring(L, index, &size);
  return {text, size};
}

inline void push_view(lua_State* L, std::string_view text) {
  lua_pushlstring(L, text.data(), text.size());
}

// Pushes what `compute` returns, a Result<std::string>, or raises its error with the caller's
// place.
template <class Compute>
int push_result(lua_State* L, Compute compute) {
  bool ok = false;
  {
    const Result<std::string> result = compute();
    ok = result.has_value();
    push_view(L, ok ? *result : result.error().message);
  }
  if (ok) return 1;
  luaL_where(L, 1);
  lua_insert(L, -2);
  lua_concat(L, 2);
  return lua_error(L);
}

}  // namespace gatehouse::script
