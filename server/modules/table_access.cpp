#include "modules/table_access.hpp"

#include "modules/table_views.hpp"
#include "script/vm.hpp"

namespace gatehouse::modules {
namespace {

// The shared table behind the table at index 1; raises when it has none any more.
const tables::SharedTable& shared_of(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  if (view_at(L, lua_upvalueindex(kViewUpvalue)).current.tree == nullptr) {
    luaL_error(L, "the shared table was collected");  // another finalizer came too late
  }
  lua_rawgetp(L, 1, &kSharedKey);
  const auto* table = static_cast<const tables::SharedTable*>(lua_touserdata(L, -1));
  if (table == nullptr) {
    const char* path = lua_tostring(L, -1);
    luaL_error(L, "The key [%s] doesn't exist after update", path == nullptr ? "" : path);
  }
  lua_pop(L, 1);
  return *table;
}

// The value of the key at `index`. A float that is an integer is that integer, as everywhere in
// Lua.
tables::SharedValue find(lua_State* L, const tables::SharedTable& table, int index) {
  if (lua_type(L, index) == LUA_TSTRING) {
    std::size_t size = 0;
    const char* text = lua_tolstring(L, index, &size);
    return table.find(std::string_view(text, size));
  }
  int is_integer = 0;
  const lua_Integer key = lua_tointegerx(L, index, &is_integer);
  return is_integer ? table.find(std::int64_t{key}) : tables::SharedValue{};
}

std::uint32_t position(lua_State* L, const tables::SharedTable& table, int index) {
  if (lua_isnoneornil(L, index)) return 0;
  std::uint32_t found = 0;
  if (lua_type(L, index) == LUA_TSTRING) {
    std::size_t size = 0;
    const char* text = lua_tolstring(L, index, &size);
    found = table.position_of(std::string_view(text, size));
  } else {
    int is_integer = 0;
    const lua_Integer key = lua_tointegerx(L, index, &is_integer);
    if (is_integer) found = table.position_of(std::int64_t{key});
  }
  if (found == 0) luaL_error(L, "invalid key to 'next'");
  return found;
}

// --- Proxies ---

void push_value(lua_State* L, const tables::SharedValue& value) {
  if (value.kind == tables::SharedKind::kTable) {
    push_table(L, value.bits.table, lua_upvalueindex(kTablesUpvalue),
               lua_upvalueindex(kMetaUpvalue));
  } else if (value.kind == tables::SharedKind::kString) {
    view_at(L, lua_upvalueindex(kViewUpvalue))
        .owner->push_string(L, value.bits.string, lua_upvalueindex(kStringsUpvalue));
  } else {
    push_scalar(L, value);
  }
}

int proxy_index(lua_State* L) {
  push_value(L, find(L, shared_of(L), 2));
  return 1;
}

int proxy_length(lua_State* L) {
  lua_pushinteger(L, shared_of(L).array_size);
  return 1;
}

int proxy_next(lua_State* L) {
  const tables::SharedTable& table = shared_of(L);
  tables::SharedValue key, value;
  if (table.next(position(L, table, 2), key, value) == 0) {
    lua_pushnil(L);
    return 1;
  }
  push_value(L, key);
  push_value(L, value);
  return 2;
}

int proxy_pairs(lua_State* L) {
  shared_of(L);
  lua_rawgetp(L, lua_upvalueindex(kMetaUpvalue), &kNextKey);
  lua_pushvalue(L, 1);
  return 2;
}

int proxy_newindex(lua_State* L) {
  TableView& view = view_at(L, lua_upvalueindex(kViewUpvalue));
  const std::string_view path = view.owner->keep(shared_of(L).path());
  return luaL_error(L, "Error newindex, the key [%s]", path.data());
}

// --- Sheets ---

void push_filled(lua_State* L, const tables::SharedValue& value) {
  if (value.kind == tables::SharedKind::kTable) {
    push_value(L, value);
  } else {
    push_scalar(L, value);
  }
}

// Fills the table at index 1: plain from now on.
void fill_sheet(lua_State* L) {
  const tables::SharedTable& table = shared_of(L);
  for (std::uint32_t i = 0; i < table.array_size; ++i) {
    push_filled(L, {table.array_kinds[i], table.array[i]});
    lua_rawseti(L, 1, std::int64_t{i} + 1);
  }
  for (std::uint32_t i = 0; i < table.entry_count; ++i) {
    const tables::SharedTable::Entry& e = table.entries[i];
    push_scalar(L, {e.key_kind, e.key});
    push_filled(L, {e.value_kind, e.value});
    lua_rawset(L, 1);
  }
  lua_pushnil(L);  // last: when memory ran out on the way, the next access tries again
  lua_rawsetp(L, 1, &kSharedKey);
  const int filled = table.is_array ? kFilledArrayUpvalue : kFilledUpvalue;
  lua_pushvalue(L, lua_upvalueindex(filled));
  lua_setmetatable(L, 1);
}

int sheet_index(lua_State* L) {
  fill_sheet(L);
  lua_settop(L, 2);
  lua_rawget(L, 1);
  return 1;
}

int sheet_length(lua_State* L) {
  fill_sheet(L);
  lua_pushinteger(L, static_cast<lua_Integer>(lua_rawlen(L, 1)));
  return 1;
}

int plain_next(lua_State* L) {
  lua_settop(L, 2);
  if (lua_next(L, 1) != 0) return 2;
  lua_pushnil(L);
  return 1;
}

int sheet_next(lua_State* L) {
  fill_sheet(L);
  return plain_next(L);
}

int sheet_pairs(lua_State* L) {
  fill_sheet(L);
  lua_pushcfunction(L, plain_next);
  lua_pushvalue(L, 1);
  return 2;
}

int sheet_newindex(lua_State* L) {
  if (view_at(L, lua_upvalueindex(kViewUpvalue)).face == tables::SharedFace::kSharetable) {
    return luaL_error(L, "attempt to change a shared table");
  }
  fill_sheet(L);
  lua_settop(L, 3);
  lua_rawset(L, 1);
  return 0;
}

int shared_next(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 2);
  if (next_entry(L, 1) != 0) return 2;
  lua_pushnil(L);
  return 1;
}

}  // namespace

const char kNextKey = 0;
const char kSharedKey = 0;

const TableAccess kTableAccess[kTableAccessFunctions] = {
    {"__index", script::bind<proxy_index>, script::bind<sheet_index>},
    {"__len", script::bind<proxy_length>, script::bind<sheet_length>},
    {"__pairs", script::bind<proxy_pairs>, script::bind<sheet_pairs>},
    {"__newindex", script::bind<proxy_newindex>, script::bind<sheet_newindex>},
    {nullptr, script::bind<proxy_next>, script::bind<sheet_next>},
};

TableView& view_at(lua_State* L, int index) {
  return *static_cast<TableView*>(lua_touserdata(L, index));
}

void push_table(lua_State* L, const tables::SharedTable* table, int tables, int meta) {
  if (lua_rawgetp(L, tables, table) == LUA_TTABLE) return;
  lua_pop(L, 1);
  lua_createtable(L, 0, 1);
  lua_pushlightuserdata(L, const_cast<tables::SharedTable*>(table));
  lua_rawsetp(L, -2, &kSharedKey);
  lua_pushvalue(L, meta);
  lua_setmetatable(L, -2);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, tables, table);
}

int refuse_change(lua_State* L) {
  return luaL_error(L, "attempt to change a shared table");
}

const tables::SharedTable* shared_table(lua_State* L) {
  if (lua_getmetatable(L, -1) == 0) return nullptr;
  const tables::SharedTable* table = nullptr;
  if (lua_rawgetp(L, -1, &kNextKey) == LUA_TFUNCTION) {
    lua_getupvalue(L, -1, kViewUpvalue);
    if (view_at(L, -1).current.tree != nullptr) {
      lua_rawgetp(L, -4, &kSharedKey);
      table = static_cast<const tables::SharedTable*>(lua_touserdata(L, -1));
      lua_pop(L, 1);
    }
    lua_pop(L, 1);
  }
  lua_pop(L, 2);
  return table;
}

int next_entry(lua_State* L, int index) {
  if (lua_getmetatable(L, index) == 0) return lua_next(L, index);
  if (lua_rawgetp(L, -1, &kNextKey) != LUA_TFUNCTION) {
    lua_pop(L, 2);
    return lua_next(L, index);
  }
  lua_remove(L, -2);
  lua_insert(L, -2);
  lua_pushvalue(L, index);
  lua_insert(L, -2);
  lua_call(L, 2, 2);
  if (!lua_isnil(L, -2)) return 1;
  lua_pop(L, 2);
  return 0;
}

void replace_next(lua_State* L) {
  lua_pushcfunction(L, shared_next);
  lua_setglobal(L, "next");
}

}  // namespace gatehouse::modules
