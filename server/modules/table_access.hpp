// How scripts reach into shared tables: the metamethods of the tables of table_views.hpp.
#pragma once

#include <cstddef>
#include <lua.hpp>

#include "tables/shared_tree.hpp"

namespace gatehouse::modules {

struct TableView;

// Raw keys (light userdata of their addresses).
extern const char kSharedKey;  // in a table: its SharedTable, or a string: the path that it had
extern const char kNextKey;    // in a metatable: next(table, key) of tables that are not plain

// Upvalues of the metamethods: the view's userdata; address of a SharedTable -> its Lua table;
// the metatable; those of filled tables and filled arrays; the VM's cache of strings.
inline constexpr int kViewUpvalue = 1, kTablesUpvalue = 2, kMetaUpvalue = 3, kFilledUpvalue = 4,
                     kFilledArrayUpvalue = 5, kStringsUpvalue = 6, kAccessUpvalues = 6;

// The metamethods; the one without a name belongs to kNextKey.
struct TableAccess {
  const char* name;
  lua_CFunction proxy, sheet;
};
inline constexpr std::size_t kTableAccessFunctions = 5;
extern const TableAccess kTableAccess[kTableAccessFunctions];
// __newindex of filled tables that must not change.
int refuse_change(lua_State* L);

// The view of a userdata.
[[nodiscard]] TableView& view_at(lua_State* L, int index);
// Pushes the Lua table of a SharedTable. `tables`, `meta`: where those of the view are.
void push_table(lua_State* L, const tables::SharedTable* table, int tables, int meta);

}  // namespace gatehouse::modules
