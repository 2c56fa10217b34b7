#include "script/array_mark.hpp"

namespace gatehouse::script {

const char kArrayMark = 0;

void push_array_metatable(lua_State* L) {
  if (luaL_newmetatable(L, "gatehouse.json.array") == 0) return;
  lua_pushboolean(L, 1);
  lua_rawsetp(L, -2, &kArrayMark);
}

bool is_marked_array(lua_State* L, int index) {
  if (lua_getmetatable(L, index) == 0) return false;
  const int type = lua_rawgetp(L, -1, &kArrayMark);
  const auto* test = static_cast<const ArrayTest*>(lua_touserdata(L, -1));
  lua_pop(L, 2);
  if (test == nullptr) return type == LUA_TBOOLEAN;
  lua_pushvalue(L, index);
  const bool is_array = (*test)(L);
  lua_pop(L, 1);
  return is_array;
}

}  // namespace gatehouse::script
