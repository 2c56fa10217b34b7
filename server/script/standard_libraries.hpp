// The standard libraries of a Lua state.
#pragma once

#include <lua.hpp>

namespace gatehouse::script {

// As luaL_openlibs, but math, io, os, utf8 and debug are empty tables that fill themselves at
// the first access: a service that uses none of them saves a third of its memory.
void open_standard_libraries(lua_State* L);

}  // namespace gatehouse::script
