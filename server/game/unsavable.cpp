#include "game/unsavable.hpp"

#include <cctype>
#include <cstring>
#include <string_view>

#include "script/codec.hpp"

namespace gatehouse::game {
namespace {

// The tables around the value that is looked at, as indices of the stack.
struct TablesAround {
  int tables[script::kPackDepthMax + 1];
  int depth = 0;
};

const char* what_cannot_be_stored(lua_State* L, int index) {
  switch (lua_type(L, index)) {
    case LUA_TFUNCTION:
      return " is a function";
    case LUA_TTHREAD:
      return " is a coroutine";
    case LUA_TUSERDATA:
      return " is a userdata";
    case LUA_TLIGHTUSERDATA:
      return lua_touserdata(L, index) == nullptr ? nullptr : " is a light userdata";
    default:
      return nullptr;
  }
}

bool is_lua_name(std::string_view text) {
  if (text.empty() || text.size() > 64 || std::isdigit(static_cast<unsigned char>(text[0])))
    return false;
  for (const char c : text) {
    if (c != '_' && !std::isalnum(static_cast<unsigned char>(c))) return false;
  }
  return true;
}

// ".name", "[3]", "[\"two words\"]"
void push_key_text(lua_State* L, int key) {
  if (lua_isinteger(L, key)) {
    lua_pushfstring(L, "[%I]", static_cast<LUAI_UACINT>(lua_tointeger(L, key)));
  } else if (lua_type(L, key) == LUA_TNUMBER) {
    lua_pushfstring(L, "[%f]", static_cast<LUAI_UACNUMBER>(lua_tonumber(L, key)));
  } else if (lua_type(L, key) == LUA_TBOOLEAN) {
    lua_pushstring(L, lua_toboolean(L, key) != 0 ? "[true]" : "[false]");
  } else if (lua_type(L, key) != LUA_TSTRING) {
    lua_pushfstring(L, "[a %s]", luaL_typename(L, key));
  } else {
    std::size_t size = 0;
    const char* text = lua_tolstring(L, key, &size);
    lua_pushfstring(L, is_lua_name({text, size}) ? ".%s" : "[\"%s\"]", text);
  }
}

bool find_unsavable(lua_State* L, int index, TablesAround& path);

bool find_unsavable_in(lua_State* L, int index, TablesAround& path) {
  for (int i = 0; i < path.depth; ++i) {
    if (lua_rawequal(L, path.tables[i], index) == 0) continue;
    lua_pushliteral(L, " is a table that contains it: a cycle");
    return true;
  }
  if (path.depth > script::kPackDepthMax) {
    lua_pushfstring(L, " is nested deeper than %d tables", script::kPackDepthMax);
    return true;
  }
  path.tables[path.depth++] = index;
  lua_pushnil(L);
  while (lua_next(L, index) != 0) {
    const int value = lua_gettop(L), key = value - 1;
    if (find_unsavable(L, key, path)) {
      lua_pushliteral(L, " has a key that");
      lua_insert(L, -2);
      lua_concat(L, 2);
      return true;
    }
    if (find_unsavable(L, value, path)) {
      push_key_text(L, key);
      lua_insert(L, -2);
      lua_concat(L, 2);
      return true;
    }
    lua_pop(L, 1);
  }
  --path.depth;
  return false;
}

bool find_unsavable(lua_State* L, int index, TablesAround& path) {
  luaL_checkstack(L, 8, "too deep a table");
  if (lua_type(L, index) == LUA_TTABLE) return find_unsavable_in(L, index, path);
  const char* text = what_cannot_be_stored(L, index);
  if (text != nullptr) lua_pushstring(L, text);
  return text != nullptr;
}

}  // namespace

bool push_unsavable(lua_State* L, int index) {
  index = lua_absindex(L, index);
  const int top = lua_gettop(L);
  TablesAround path;
  if (!find_unsavable(L, index, path)) {
    lua_settop(L, top);
    return false;
  }
  const char* text = lua_tostring(L, -1);
  if (*text == '.') {
    lua_pushstring(L, text + 1);
  } else {
    lua_pushfstring(L, "%s%s", *text == '[' ? "data" : "what save() returns", text);
  }
  lua_replace(L, top + 1);
  lua_settop(L, top + 1);
  return true;
}

}  // namespace gatehouse::game
