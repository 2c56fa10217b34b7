// The mark that tells an array from an object while it is empty (json.array, a decoded "[]"): its
// metatable. Whatever copies tables carries it along: the packed form (codec.hpp), shared trees
// (shared_tree.hpp) and their views.
#pragma once

#include <lua.hpp>

namespace gatehouse::script {

// Whether the table on top of the stack is an array. Raises nothing; has 4 places on the stack.
using ArrayTest = bool (*)(lua_State* L);

// Raw key (light userdata of its address) of a metatable whose tables are arrays: the value is
// true, or light userdata of an ArrayTest, which tells of each table.
extern const char kArrayMark;

// Pushes the metatable of plain arrays, one a VM.
void push_array_metatable(lua_State* L);

// Whether the table at `index` is marked, be it plain or a view of a shared table. Raises nothing;
// needs 6 places on the stack.
[[nodiscard]] bool is_marked_array(lua_State* L, int index);

}  // namespace gatehouse::script
