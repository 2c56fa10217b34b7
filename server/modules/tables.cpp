// "gatehouse.tables": the shared tables, for lua/lib/skynet/sharedata.lua, sharetable.lua and
// datasheet.lua. Nothing here yields.
#include "modules/modules.hpp"
#include "modules/table_views.hpp"
#include "script/bind_util.hpp"

namespace gatehouse::modules {
namespace {

tables::SharedFace check_face(lua_State* L, int index) {
  static const char* const names[] = {"sharedata", "sharetable", "datasheet", nullptr};
  return static_cast<tables::SharedFace>(luaL_checkoption(L, index, nullptr, names));
}

// publish(face, name, table, mode) -> true, or nil, message, code. mode: "new", the name must not
// exist; "replace", it must; "set".
int l_publish(lua_State* L) {
  static const char* const modes[] = {"new", "replace", "set", nullptr};
  const tables::SharedFace face = check_face(L, 1);
  const std::string_view name = script::check_view(L, 2);
  luaL_checktype(L, 3, LUA_TTABLE);
  const auto mode = static_cast<tables::SharedTables::Mode>(luaL_checkoption(L, 4, nullptr, modes));
  tables::SharedTables& tables = script::Vm::of(L).runtime().tables;
  {
    auto tree = read_tree(L, 3);
    Result<> done;
    if (tree) {
      done = tables.publish(face, name, std::move(*tree), mode);
    } else {
      done = tl::unexpected(tree.error());
    }
    if (!done) {
      lua_pushnil(L);
      script::push_owned(L, done.error().message);
      script::push_owned(L, gatehouse::name(done.error().code));
      return 3;
    }
  }
  lua_pushboolean(L, 1);
  return 1;
}

// remove(face, name) -> whether there was one
int l_remove(lua_State* L) {
  const tables::SharedFace face = check_face(L, 1);
  const std::string_view name = script::check_view(L, 2);
  lua_pushboolean(L, script::Vm::of(L).runtime().tables.remove(face, name));
  return 1;
}

// view(face, name) -> the table of the newest version, or nil
int l_view(lua_State* L) {
  const tables::SharedFace face = check_face(L, 1);
  TableViews::of(L).push(L, face, script::check_view(L, 2));
  return 1;
}

// Pushes a plain copy of the value at argument 3 and what follows, at most one value. False: an
// error is on top.
bool push_copy_of(lua_State* L, tables::SharedFace face, std::string_view name) {
  const int top = lua_gettop(L);
  const tables::SharedTables::Current current = script::Vm::of(L).runtime().tables.find(face, name);
  lua_pushboolean(L, current.tree != nullptr);
  if (current.tree == nullptr) return true;
  tables::SharedValue value = tables::SharedTreeBuilder::table(&current.tree->root());
  for (int i = 3; i <= top; ++i) {
    if (value.kind != tables::SharedKind::kTable) return true;
    if (lua_type(L, i) == LUA_TSTRING) {
      value = value.bits.table->find(script::check_view(L, i));
    } else {
      int is_integer = 0;
      const lua_Integer key = lua_tointegerx(L, i, &is_integer);
      value = is_integer ? value.bits.table->find(std::int64_t{key}) : tables::SharedValue{};
    }
  }
  return script::push_guarded(L, [&value](lua_State* state) {
    if (value.kind == tables::SharedKind::kTable) {
      push_copy(state, *value.bits.table);
    } else {
      push_scalar(state, value);
    }
  });
}

// copy(face, name, key, ...) -> whether the name exists, a plain copy of the value there or nil
int l_copy(lua_State* L) {
  const tables::SharedFace face = check_face(L, 1);
  const std::string_view name = script::check_view(L, 2);
  const int top = lua_gettop(L);
  luaL_checkstack(L, 8, nullptr);
  return push_copy_of(L, face, name) ? lua_gettop(L) - top : lua_error(L);
}

// names(face) -> list
int l_names(lua_State* L) {
  const tables::SharedFace face = check_face(L, 1);
  bool pushed = false;
  {
    const std::vector<std::string> names = script::Vm::of(L).runtime().tables.names(face);
    pushed = script::push_guarded(L, [&names](lua_State* state) {
      lua_newtable(state);
      lua_Integer count = 0;
      for (const std::string& name : names) {
        script::push_view(state, name);
        lua_rawseti(state, -2, ++count);
      }
    });
  }
  return pushed ? 1 : lua_error(L);
}

// refresh(): what follows shows the newest versions now, not only after the next yield.
int l_refresh(lua_State* L) {
  TableViews::of(L).refresh(L);
  return 0;
}

// renew(face, name): the tables of older versions become those of the newest, in place.
int l_renew(lua_State* L) {
  const tables::SharedFace face = check_face(L, 1);
  TableViews::of(L).renew(L, face, script::check_view(L, 2));
  return 0;
}

const luaL_Reg kTableFunctions[] = {
    {"publish", script::bind<l_publish>}, {"remove", script::bind<l_remove>},
    {"view", script::bind<l_view>},       {"copy", script::bind<l_copy>},
    {"names", script::bind<l_names>},     {"refresh", script::bind<l_refresh>},
    {"renew", script::bind<l_renew>},     {nullptr, nullptr},
};

}  // namespace

int open_tables(lua_State* L) {
  luaL_newlib(L, kTableFunctions);
  return 1;
}

}  // namespace gatehouse::modules
