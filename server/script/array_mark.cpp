#include "script/array_mark.hpp"

#include "script/table_views.hpp"

namespace gatehouse::script {

const char kArrayMark = 0;

void push_array_metatable(lua_State* L) {
  if (luaL_newmetatable(L, "gatehouse.json.array") == 0) return;
  lua_pushboolean(L, 1);
  lua_rawsetp(L, -2, &kArrayMark);
}

bool is_marked_array(lua_State* L, int index) {
  if (lua_getmetatable(L, index) == 0) return false;
  const bool marked = lua_rawgetp(L, -1, &kArrayMark) == LUA_TBOOLEAN;
  lua_pop(L, 2);
  if (marked) return true;
  lua_pushvalue(L, index);
  const SharedTable* shared = shared_table(L);
  lua_pop(L, 1);
  return shared != nullptr && shared->is_array;
}

}  // namespace gatehouse::script
