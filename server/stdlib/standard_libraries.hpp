// The standard libraries of a Lua state.
#pragma once

#include <lua.hpp>

namespace gatehouse::stdlib {

// As luaL_openlibs, but math, io, os, utf8 and debug are empty tables that fill themselves at
// the first access: a service that uses none of them saves a third of its memory.
// What may take long in string and table is replaced by functions that can be interrupted.
void open_standard_libraries(lua_State* L);

// Its parts.
void replace_base_functions(lua_State* L);
void replace_string_functions(lua_State* L);
void replace_table_functions(lua_State* L);

}  // namespace gatehouse::stdlib
