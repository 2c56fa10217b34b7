// A Lua VM of the server without a service, for targets whose decoder is behind Lua. One a process.
#pragma once

#include <lua.hpp>
#include <string>
#include <string_view>

#include "fuzz.hpp"
#include "script/vm.hpp"

namespace gatehouse::fuzz {

// The VM, with the server's modules and the library in lua/. While Lua runs, libFuzzer sees the
// lines that it comes through as it sees those of C++.
[[nodiscard]] script::Vm& lua_vm();

// Runs work(L) in a protected call and returns the error's text; "" when nothing was raised.
template <class Work>
[[nodiscard]] std::string raised_by(Work&& work) {
  const auto done = lua_vm().protect(work);
  return done ? "" : done.error().message;
}

// Calls the function that the target's Lua file returns with the input. It asserts what has to
// hold: any error that comes out of it is a find.
void run_lua_target(const char* name, std::string_view input);

// A text of the value at `index` that tells apart what a codec may confuse, and does not depend on
// the order of a table's entries. Raises nothing.
[[nodiscard]] std::string show_value(lua_State* L, int index);

}  // namespace gatehouse::fuzz
