// What bindings of pure functions share. Knows nothing of services, so that it also serves the
// modules that a plain Lua interpreter loads.
#pragma once

#include <exception>
#include <lua.hpp>
#include <string>
#include <string_view>
#include <type_traits>

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

// Runs work(L) in a protected call that leaves one value, for what is pushed while an owner of
// something lives on the C++ stack: where memory runs out, nothing is raised past it. False: the
// error is on top instead; lua_error once the owner is gone.
template <class Work>
[[nodiscard]] bool push_guarded(lua_State* L, Work&& work) {
  using Callable = std::remove_reference_t<Work>;
  const lua_CFunction body = [](lua_State* state) {
    (*static_cast<Callable*>(lua_touserdata(state, 1)))(state);
    return 1;
  };
  lua_pushcfunction(L, body);
  lua_pushlightuserdata(L, &work);
  return lua_pcall(L, 1, 1, 0) == LUA_OK;
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

// The same for a text that its owner holds. As a reason of failure the memory error serves too.
inline bool push_owned(lua_State* L, std::string_view text) {
  return push_guarded(L, [text](lua_State* state) { push_view(state, text); });
}

// Pushes what `compute` returns, a Result<std::string>, or raises its error with the caller's
// place.
template <class Compute>
int push_result(lua_State* L, Compute compute) {
  bool ok = false;
  {
    const Result<std::string> result = compute();
    ok = result.has_value();
    ok = push_owned(L, ok ? *result : result.error().message) && ok;
  }
  if (ok) return 1;
  luaL_where(L, 1);
  lua_insert(L, -2);
  lua_concat(L, 2);
  return lua_error(L);
}

}  // namespace gatehouse::script
