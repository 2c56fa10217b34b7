#include "modules/table_views.hpp"

#include <new>

#include "base/assert.hpp"
#include "base/log.hpp"
#include "modules/table_access.hpp"
#include "script/array_mark.hpp"
#include "script/bind_util.hpp"

namespace gatehouse::modules {
namespace {

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

void set_weak(lua_State* L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &kWeakKey);
  lua_setmetatable(L, -2);
}

void push_root_key(lua_State* L, tables::SharedFace face, std::string_view name) {
  lua_pushfstring(L, "%d:", static_cast<int>(face));
  lua_pushlstring(L, name.data(), name.size());
  lua_concat(L, 2);
}

int collect(lua_State* L) {
  TableView& view = view_at(L, 1);
  view.owner->close(view);
  return 0;
}

// Whether the table on top of the stack stands for an array.
constexpr script::ArrayTest kStandsForArray = [](lua_State* L) {
  const tables::SharedTable* shared = shared_table(L);
  return shared != nullptr && shared->is_array;
};

}  // namespace

TableViews& TableViews::of(lua_State* L) {
  script::Vm& vm = script::Vm::of(L);
  if (vm.before_run() == nullptr)
    vm.set_before_run(std::make_unique<TableViews>(vm, vm.runtime().tables));
  return static_cast<TableViews&>(*vm.before_run());
}

TableViews::TableViews(script::Vm& vm, tables::SharedTables& store) : vm_(vm), store_(store) {
  seen_ = store_.epoch();
}

// A string that is read again costs no allocation, unless it makes room for another one.
void TableViews::push_string(lua_State* L, const tables::SharedString* string, int cache_index) {
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

std::string_view TableViews::keep(std::string text) {
  text_ = std::move(text);
  return text_;
}

void TableViews::close(TableView& view) {
  cached_.fill(nullptr);  // the addresses may be given out again
  GATEHOUSE_ASSERT(view.owner == this);
  view.~TableView();
  new (&view) TableView();
}

// Pushes the userdata of a new view of found_.
void TableViews::create(lua_State* L, tables::SharedFace face, std::string_view name) {
  luaL_checkstack(L, 16, nullptr);
  GATEHOUSE_ASSERT(found_.tree != nullptr);
  const int base = lua_gettop(L);
  auto* view = new (lua_newuserdatauv(L, sizeof(TableView), kUserValues)) TableView();
  view->owner = this;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &kGcKey);
  lua_setmetatable(L, -2);
  const int userdata = base + 1, tables = base + 2, meta = base + 3, filled = base + 4,
            filled_array = base + 5;
  view->face = face;
  view->name = name;
  view->current = std::exchange(found_, {});
  view->following = face != tables::SharedFace::kSharetable;
  lua_newtable(L);
  set_weak(L);
  for (int i = meta; i <= filled_array; ++i) lua_newtable(L);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &kStringsKey);
  for (const TableAccess& function : kTableAccess) {
    for (int i = userdata; i < userdata + kAccessUpvalues; ++i) lua_pushvalue(L, i);
    lua_pushcclosure(L, face == tables::SharedFace::kSharedata ? function.proxy : function.sheet,
                     kAccessUpvalues);
    if (function.name == nullptr) {
      lua_rawsetp(L, meta, &kNextKey);
    } else {
      lua_setfield(L, meta, function.name);
    }
  }
  for (const int m : {meta, filled, filled_array}) {
    lua_pushboolean(L, 0);
    lua_setfield(L, m, "__metatable");  // scripts see none, and cannot replace it
  }
  for (const int m : {filled, filled_array}) {
    lua_pushvalue(L, userdata);
    lua_rawseti(L, m, 1);  // a filled table keeps its view, to be found when it moves
    if (face != tables::SharedFace::kSharetable) continue;
    lua_pushcfunction(L, refuse_change);
    lua_setfield(L, m, "__newindex");
  }
  lua_pushboolean(L, 1);
  lua_rawsetp(L, filled_array, &script::kArrayMark);
  lua_pushlightuserdata(L, const_cast<script::ArrayTest*>(&kStandsForArray));
  lua_rawsetp(L, meta, &script::kArrayMark);
  push_table(L, &view->current.tree->root(), tables, meta);
  for (const auto& [value, slot] : {std::pair{tables, kTables}, {meta, kMeta}, {-1, kRoot}}) {
    lua_pushvalue(L, value);
    lua_setiuservalue(L, userdata, slot);
  }
  lua_rawgetp(L, LUA_REGISTRYINDEX, &kViewsKey);
  lua_pushvalue(L, userdata);
  lua_rawsetp(L, -2, view);
  lua_settop(L, userdata);
  GATEHOUSE_ASSERT(lua_type(L, userdata) == LUA_TUSERDATA);
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
  lua_pushcfunction(L, collect);
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

void TableViews::push(lua_State* L, tables::SharedFace face, std::string_view name) {
  luaL_checkstack(L, 8, nullptr);
  found_ = store_.find(face, name);
  if (found_.tree == nullptr) {
    lua_pushnil(L);
    return;
  }
  open(L);
  if (face != tables::SharedFace::kSharetable && !follows_) {
    store_.add_follower(std::shared_ptr<tables::Follower>(vm_.shared_from_this(), this),
                        script::current_service(L).worker());
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
  GATEHOUSE_ASSERT(lua_gettop(L) == roots + 3);
  lua_rawset(L, roots + 1);
  lua_settop(L, roots);
}

// Where a table of an older version is now, or null.
const tables::SharedTable* TableViews::resolve(const tables::SharedTable& old,
                                               const tables::SharedTable& root) {
  if (old.parent == nullptr) return &root;
  const auto [it, fresh] = resolved_.try_emplace(&old, nullptr);
  if (!fresh) return it->second;
  const tables::SharedTable* parent = resolve(*old.parent, root);
  if (parent == nullptr) return nullptr;
  const tables::SharedValue value = parent->find(old.parent_key);
  if (value.kind != tables::SharedKind::kTable) return nullptr;
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
  GATEHOUSE_ASSERT(found_.tree != nullptr && found_.tree != view.current.tree);
  view.retained.push_back(view.current.tree);  // until nothing points into it
  view.current = std::exchange(found_, {});
  const tables::SharedTable& root = view.current.tree->root();
  moves_.clear();
  resolved_.clear();
  for (lua_pushnil(L); lua_next(L, tables) != 0;) {
    const auto* old = static_cast<const tables::SharedTable*>(lua_touserdata(L, -2));
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
      lua_pushlightuserdata(L, const_cast<tables::SharedTable*>(to));
    } else {
      script::push_view(L, keep(from->path()));
    }
    lua_rawsetp(L, table, &kSharedKey);
    lua_pushvalue(L, meta);
    lua_setmetatable(L, table);
    GATEHOUSE_ASSERT(lua_gettop(L) == table);
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
  GATEHOUSE_ASSERT(lua_gettop(L) == list);
  lua_pop(L, 1);
}

void TableViews::refresh() {
  const bool outer_reserve = vm_.use_reserve(true);
  const auto refreshed = vm_.protect([this](lua_State* L) { refresh(L); });
  vm_.use_reserve(outer_reserve);
  if (refreshed) return;
  seen_ = kUnseen;  // what has not moved yet moves with the next handler
  if (reports_.admit(vm_.clock().monotonic_ms()))
    log::error({}, "shared tables were not updated: {}", refreshed.error().message);
}

void TableViews::renew(lua_State* L, tables::SharedFace face, std::string_view name) {
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

}  // namespace gatehouse::modules
