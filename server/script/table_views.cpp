#include "script/table_views.hpp"

#include <new>

#include "base/log.hpp"
#include "script/bind_util.hpp"

namespace gatehouse::script {
namespace {

// Raw keys (light userdata of their addresses).
const char kPlaceKey = 0;  // in a table: its SharedTable, or a string: the path it had
const char kNextKey = 0;   // in a metatable: next(table, key) of tables that are not plain

// Registry keys.
const char kRootsKey = 0;    // weak: "face:name" -> userdata of a view
const char kViewsKey = 0;    // weak: address of a TableView -> its userdata
const char kStringsKey = 0;  // strings that were read, by their place in TableViews::cached_
const char kWeakKey = 0;     // metatable of weak values
const char kGcKey = 0;       // metatable of the userdata

// User values of a view's userdata.
constexpr int kTables = 1;  // weak: address of a SharedTable -> its Lua table
constexpr int kMeta = 2;    // metatable of tables that are not filled
constexpr int kRoot = 3;    // keeps the root, whose name finds it
constexpr int kUserValues = 3;

// Upvalues of a view's functions.
constexpr int kViewUpvalue = 1, kTablesUpvalue = 2, kMetaUpvalue = 3, kFilledUpvalue = 4,
              kStringsUpvalue = 5, kUpvalues = 5;

TableView& view_at(lua_State* L, int index) {
  return *static_cast<TableView*>(lua_touserdata(L, index));
}

void set_weak(lua_State* L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &kWeakKey);
  lua_setmetatable(L, -2);
}

void push_root_key(lua_State* L, SharedFace face, std::string_view name) {
  lua_pushfstring(L, "%d:", static_cast<int>(face));
  lua_pushlstring(L, name.data(), name.size());
  lua_concat(L, 2);
}

// Pushes the Lua table of a SharedTable. `tables`, `meta`: where those of the view are.
void push_table(lua_State* L, const SharedTable* table, int tables, int meta) {
  if (lua_rawgetp(L, tables, table) == LUA_TTABLE) return;
  lua_pop(L, 1);
  lua_createtable(L, 0, 1);
  lua_pushlightuserdata(L, const_cast<SharedTable*>(table));
  lua_rawsetp(L, -2, &kPlaceKey);
  lua_pushvalue(L, meta);
  lua_setmetatable(L, -2);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, tables, table);
}

// The place of the table at index 1; raises when it has none any more.
const SharedTable& place_of(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  if (view_at(L, lua_upvalueindex(kViewUpvalue)).current.tree == nullptr) {
    luaL_error(L, "the shared table was collected");  // another finalizer came too late
  }
  lua_rawgetp(L, 1, &kPlaceKey);
  const auto* table = static_cast<const SharedTable*>(lua_touserdata(L, -1));
  if (table == nullptr) {
    const char* path = lua_tostring(L, -1);
    luaL_error(L, "The key [%s] doesn't exist after update", path == nullptr ? "" : path);
  }
  lua_pop(L, 1);
  return *table;
}

// The value of the key at `index`. A float that is an integer is that integer, as everywhere in
// Lua.
SharedValue find(lua_State* L, const SharedTable& table, int index) {
  if (lua_type(L, index) == LUA_TSTRING) {
    std::size_t size = 0;
    const char* text = lua_tolstring(L, index, &size);
    return table.find(std::string_view(text, size));
  }
  int is_integer = 0;
  const lua_Integer key = lua_tointegerx(L, index, &is_integer);
  return is_integer ? table.find(std::int64_t{key}) : SharedValue{};
}

std::uint32_t position(lua_State* L, const SharedTable& table, int index) {
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

}  // namespace

struct ViewFunctions {
  // --- Proxies ---

  static void push_value(lua_State* L, const SharedValue& value) {
    if (value.kind == SharedKind::kTable) {
      push_table(L, value.bits.table, lua_upvalueindex(kTablesUpvalue),
                 lua_upvalueindex(kMetaUpvalue));
    } else if (value.kind == SharedKind::kString) {
      view_at(L, lua_upvalueindex(kViewUpvalue))
          .owner->push_string(L, value.bits.string, lua_upvalueindex(kStringsUpvalue));
    } else {
      push_scalar(L, value);
    }
  }

  static int proxy_index(lua_State* L) {
    push_value(L, find(L, place_of(L), 2));
    return 1;
  }

  static int proxy_length(lua_State* L) {
    lua_pushinteger(L, place_of(L).array_size);
    return 1;
  }

  static int proxy_next(lua_State* L) {
    const SharedTable& table = place_of(L);
    SharedValue key, value;
    if (table.next(position(L, table, 2), key, value) == 0) {
      lua_pushnil(L);
      return 1;
    }
    push_value(L, key);
    push_value(L, value);
    return 2;
  }

  static int proxy_pairs(lua_State* L) {
    place_of(L);
    lua_rawgetp(L, lua_upvalueindex(kMetaUpvalue), &kNextKey);
    lua_pushvalue(L, 1);
    return 2;
  }

  static int proxy_newindex(lua_State* L) {
    const std::string_view path = keep(L, place_of(L).path());
    return luaL_error(L, "Error newindex, the key [%s]", path.data());
  }

  // --- Sheets ---

  // Fills the table at index 1: plain from now on.
  static void fill(lua_State* L) {
    const SharedTable& table = place_of(L);
    for (std::uint32_t i = 0; i < table.array_size; ++i) {
      push_filled(L, {table.array_kinds[i], table.array[i]});
      lua_rawseti(L, 1, std::int64_t{i} + 1);
    }
    for (std::uint32_t i = 0; i < table.entry_count; ++i) {
      const SharedTable::Entry& e = table.entries[i];
      push_scalar(L, {e.key_kind, e.key});
      push_filled(L, {e.value_kind, e.value});
      lua_rawset(L, 1);
    }
    lua_pushnil(L);  // last: when memory ran out on the way, the next access tries again
    lua_rawsetp(L, 1, &kPlaceKey);
    lua_pushvalue(L, lua_upvalueindex(kFilledUpvalue));
    lua_setmetatable(L, 1);
  }

  static void push_filled(lua_State* L, const SharedValue& value) {
    if (value.kind == SharedKind::kTable) {
      push_value(L, value);
    } else {
      push_scalar(L, value);
    }
  }

  static int sheet_index(lua_State* L) {
    fill(L);
    lua_settop(L, 2);
    lua_rawget(L, 1);
    return 1;
  }

  static int sheet_length(lua_State* L) {
    fill(L);
    lua_pushinteger(L, static_cast<lua_Integer>(lua_rawlen(L, 1)));
    return 1;
  }

  static int plain_next(lua_State* L) {
    lua_settop(L, 2);
    if (lua_next(L, 1) != 0) return 2;
    lua_pushnil(L);
    return 1;
  }

  static int sheet_next(lua_State* L) {
    fill(L);
    return plain_next(L);
  }

  static int sheet_pairs(lua_State* L) {
    fill(L);
    lua_pushcfunction(L, plain_next);
    lua_pushvalue(L, 1);
    return 2;
  }

  static int sheet_newindex(lua_State* L) {
    if (view_at(L, lua_upvalueindex(kViewUpvalue)).face == SharedFace::kSharetable) {
      return luaL_error(L, "attempt to change a shared table");
    }
    fill(L);
    lua_settop(L, 3);
    lua_rawset(L, 1);
    return 0;
  }

  static int refuse_newindex(lua_State* L) {
    return luaL_error(L, "attempt to change a shared table");
  }

  static int collect(lua_State* L) {
    TableView& view = view_at(L, 1);
    view.owner->cached_.fill(nullptr);  // the addresses may be given out again
    view.~TableView();
    new (&view) TableView();
    return 0;
  }

  // A text that must outlive a raise.
  static std::string_view keep(lua_State* L, std::string text) {
    std::string& kept = Vm::of(L).tables().text_;
    kept = std::move(text);
    return kept;
  }

  static int refresh_protected(lua_State* L) {
    Vm::of(L).tables().refresh(L);
    return 0;
  }
};

namespace {

struct MetaFunction {
  const char* name;
  lua_CFunction proxy, sheet;
};

constexpr MetaFunction kMetaFunctions[] = {
    {"__index", bind<ViewFunctions::proxy_index>, bind<ViewFunctions::sheet_index>},
    {"__len", bind<ViewFunctions::proxy_length>, bind<ViewFunctions::sheet_length>},
    {"__pairs", bind<ViewFunctions::proxy_pairs>, bind<ViewFunctions::sheet_pairs>},
    {"__newindex", bind<ViewFunctions::proxy_newindex>, bind<ViewFunctions::sheet_newindex>},
    {nullptr, bind<ViewFunctions::proxy_next>, bind<ViewFunctions::sheet_next>},
};

}  // namespace

TableViews::TableViews(Vm& vm, SharedTables& store) : vm_(vm), store_(store) {
  seen_ = store_.epoch();
}

// A string that is read again costs no allocation, unless it makes room for another one.
void TableViews::push_string(lua_State* L, const SharedString* string, int cache_index) {
  const std::size_t at = (reinterpret_cast<std::uintptr_t>(string) >> 3) % kStringsCached;
  if (cached_[at] == string) {
    lua_rawgeti(L, cache_index, static_cast<lua_Integer>(at + 1));
    return;
  }
  const std::string_view text = string->view();
  lua_pushlstring(L, text.data(), text.size());
  lua_pushvalue(L, -1);
  lua_rawseti(L, cache_index, static_cast<lua_Integer>(at + 1));
  cached_[at] = string;
}

// Pushes the userdata of a new view of found_.
void TableViews::create(lua_State* L, SharedFace face, std::string_view name) {
  luaL_checkstack(L, 16, nullptr);
  const int base = lua_gettop(L);
  auto* view = new (lua_newuserdatauv(L, sizeof(TableView), kUserValues)) TableView();
  view->owner = this;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &kGcKey);
  lua_setmetatable(L, -2);
  const int userdata = base + 1, tables = base + 2, meta = base + 3, filled = base + 4;
  view->face = face;
  view->name = name;
  view->current = std::exchange(found_, {});
  view->following = face != SharedFace::kSharetable;
  lua_newtable(L);
  set_weak(L);
  lua_newtable(L);
  lua_newtable(L);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &kStringsKey);
  for (const MetaFunction& function : kMetaFunctions) {
    for (int i = userdata; i < userdata + kUpvalues; ++i) lua_pushvalue(L, i);
    lua_pushcclosure(L, face == SharedFace::kSharedata ? function.proxy : function.sheet,
                     kUpvalues);
    if (function.name == nullptr) {
      lua_rawsetp(L, meta, &kNextKey);
    } else {
      lua_setfield(L, meta, function.name);
    }
  }
  for (const int m : {meta, filled}) {
    lua_pushboolean(L, 0);
    lua_setfield(L, m, "__metatable");  // scripts see none, and cannot replace it
  }
  lua_pushvalue(L, userdata);
  lua_rawseti(L, filled, 1);  // a filled table keeps its view, to be found when it moves
  if (face == SharedFace::kSharetable) {
    lua_pushcfunction(L, ViewFunctions::refuse_newindex);
    lua_setfield(L, filled, "__newindex");
  }
  push_table(L, &view->current.tree->root(), tables, meta);
  for (const auto& [value, slot] : {std::pair{tables, kTables}, {meta, kMeta}, {-1, kRoot}}) {
    lua_pushvalue(L, value);
    lua_setiuservalue(L, userdata, slot);
  }
  lua_rawgetp(L, LUA_REGISTRYINDEX, &kViewsKey);
  lua_pushvalue(L, userdata);
  lua_rawsetp(L, -2, view);
  lua_settop(L, userdata);
}

// Makes the registry's tables, once.
void TableViews::open(lua_State* L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &kViewsKey) != LUA_TNIL) {
    lua_pop(L, 1);
    return;
  }
  lua_pop(L, 1);
  lua_newtable(L);
  lua_pushliteral(L, "v");
  lua_setfield(L, -2, "__mode");
  lua_rawsetp(L, LUA_REGISTRYINDEX, &kWeakKey);
  lua_newtable(L);
  lua_pushcfunction(L, ViewFunctions::collect);
  lua_setfield(L, -2, "__gc");
  lua_rawsetp(L, LUA_REGISTRYINDEX, &kGcKey);
  lua_createtable(L, kStringsCached, 0);
  for (std::size_t i = 1; i <= kStringsCached; ++i) {
    lua_pushboolean(L, 0);
    lua_rawseti(L, -2, static_cast<lua_Integer>(i));
  }
  lua_rawsetp(L, LUA_REGISTRYINDEX, &kStringsKey);
  for (const char* key : {&kRootsKey, &kViewsKey}) {
    lua_newtable(L);
    set_weak(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, key);
  }
}

void TableViews::push(lua_State* L, SharedFace face, std::string_view name) {
  luaL_checkstack(L, 8, nullptr);
  found_ = store_.find(face, name);
  if (found_.tree == nullptr) {
    lua_pushnil(L);
    return;
  }
  open(L);
  if (face != SharedFace::kSharetable && !follows_) {
    store_.add_follower(vm_.weak_from_this(), current_service(L).worker());
    follows_ = true;
  }
  const int roots = lua_gettop(L) + 1;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &kRootsKey);
  push_root_key(L, face, name);
  lua_pushvalue(L, -1);
  if (lua_rawget(L, roots) == LUA_TUSERDATA) {
    const TableView& view = view_at(L, -1);
    // What follows shows the version before until it moves.
    if (view.current.lineage == found_.lineage &&
        (view.following || view.current.tree == found_.tree)) {
      lua_getiuservalue(L, -1, kRoot);
      lua_replace(L, roots);
      lua_settop(L, roots);
      return;
    }
  }
  lua_settop(L, roots + 1);
  create(L, face, name);
  lua_getiuservalue(L, -1, kRoot);
  lua_insert(L, roots);
  lua_rawset(L, roots + 1);
  lua_settop(L, roots);
}

// Where a table of an older version is now, or null.
const SharedTable* TableViews::resolve(const SharedTable& old, const SharedTable& root) {
  if (old.parent == nullptr) return &root;
  const auto [it, fresh] = resolved_.try_emplace(&old, nullptr);
  if (!fresh) return it->second;
  const SharedTable* parent = resolve(*old.parent, root);
  if (parent == nullptr) return nullptr;
  const SharedValue value = parent->find(old.place);
  if (value.kind != SharedKind::kTable) return nullptr;
  resolved_[&old] = value.bits.table;
  return value.bits.table;
}

// Moves the tables of the view at `index` to found_.
void TableViews::move(lua_State* L, int index) {
  TableView& view = view_at(L, index);
  luaL_checkstack(L, 12, nullptr);
  const int base = lua_gettop(L), tables = base + 1, meta = base + 2, list = base + 3;
  lua_getiuservalue(L, index, kTables);
  lua_getiuservalue(L, index, kMeta);
  lua_newtable(L);
  view.retained.push_back(view.current.tree);  // until nothing points into it
  view.current = std::exchange(found_, {});
  const SharedTable& root = view.current.tree->root();
  moves_.clear();
  resolved_.clear();
  for (lua_pushnil(L); lua_next(L, tables) != 0;) {
    const auto* old = static_cast<const SharedTable*>(lua_touserdata(L, -2));
    moves_.emplace_back(old, resolve(*old, root));
    lua_rawseti(L, list, static_cast<lua_Integer>(moves_.size()));
  }
  for (lua_pushnil(L); lua_next(L, tables) != 0;) {
    lua_pop(L, 1);
    lua_pushvalue(L, -1);
    lua_pushnil(L);
    lua_rawset(L, tables);
  }
  for (std::size_t i = 0; i < moves_.size(); ++i) {
    const auto [from, to] = moves_[i];
    lua_rawgeti(L, list, static_cast<lua_Integer>(i + 1));
    const int table = lua_gettop(L);
    for (lua_pushnil(L); lua_next(L, table) != 0;) {
      lua_pop(L, 1);
      lua_pushvalue(L, -1);
      lua_pushnil(L);
      lua_rawset(L, table);
    }
    if (to != nullptr) {
      lua_pushvalue(L, table);
      lua_rawsetp(L, tables, to);
      lua_pushlightuserdata(L, const_cast<SharedTable*>(to));
    } else {
      push_view(L, ViewFunctions::keep(L, from->path()));
    }
    lua_rawsetp(L, table, &kPlaceKey);
    lua_pushvalue(L, meta);
    lua_setmetatable(L, table);
    lua_settop(L, list);
  }
  lua_settop(L, base);
  cached_.fill(nullptr);
  view.retained.clear();
}

// Pushes a list of the userdata of all views; they cannot be collected meanwhile.
lua_Integer TableViews::push_views(lua_State* L) {
  luaL_checkstack(L, 8, nullptr);
  lua_Integer count = 0;
  lua_newtable(L);
  const int list = lua_gettop(L);
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &kViewsKey) == LUA_TTABLE) {
    for (lua_pushnil(L); lua_next(L, list + 1) != 0;) lua_rawseti(L, list, ++count);
  }
  lua_settop(L, list);
  return count;
}

void TableViews::refresh(lua_State* L) {
  seen_ = store_.epoch();
  const lua_Integer count = push_views(L);
  const int list = lua_gettop(L);
  for (lua_Integer i = 1; i <= count; ++i) {
    lua_rawgeti(L, list, i);
    TableView& view = view_at(L, -1);
    if (view.following) {
      found_ = store_.find(view.face, view.name);
      if (found_.lineage != view.current.lineage) {
        view.following = false;  // removed: it stays as it is
      } else if (found_.tree != view.current.tree) {
        move(L, list + 1);
      }
    }
    lua_settop(L, list);
  }
  found_ = {};
  lua_pop(L, 1);
}

void TableViews::refresh() {
  lua_State* L = vm_.main();
  if (!lua_checkstack(L, 2)) return;
  lua_pushcfunction(L, bind<ViewFunctions::refresh_protected>);
  if (lua_pcall(L, 0, 0, 0) == LUA_OK) return;
  log::error({}, "shared tables were not updated: {}", Vm::error_text(L, -1));
  lua_pop(L, 1);
}

void TableViews::renew(lua_State* L, SharedFace face, std::string_view name) {
  const lua_Integer count = push_views(L);
  const int list = lua_gettop(L);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &kRootsKey);
  for (lua_Integer i = 1; i <= count; ++i) {
    lua_rawgeti(L, list, i);
    const TableView& view = view_at(L, -1);
    if (view.face == face && view.name == name) {
      found_ = store_.find(face, name);
      if (found_.tree != nullptr && found_.tree != view.current.tree) {
        move(L, list + 2);
        push_root_key(L, face, name);  // who asks for the name again gets this one
        lua_pushvalue(L, list + 2);
        lua_rawset(L, list + 1);
      }
    }
    lua_settop(L, list + 1);
  }
  found_ = {};
  lua_settop(L, list - 1);
}

const SharedTable* shared_table(lua_State* L) {
  if (lua_getmetatable(L, -1) == 0) return nullptr;
  const SharedTable* table = nullptr;
  if (lua_rawgetp(L, -1, &kNextKey) == LUA_TFUNCTION) {
    lua_getupvalue(L, -1, kViewUpvalue);
    if (view_at(L, -1).current.tree != nullptr) {
      lua_rawgetp(L, -4, &kPlaceKey);
      table = static_cast<const SharedTable*>(lua_touserdata(L, -1));
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

namespace {

int shared_next(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 2);
  if (next_entry(L, 1) != 0) return 2;
  lua_pushnil(L);
  return 1;
}

}  // namespace

void replace_next(lua_State* L) {
  lua_pushcfunction(L, shared_next);
  lua_setglobal(L, "next");
}

}  // namespace gatehouse::script
