// Lua tables to trees and back.
#include <fmt/format.h>

#include "modules/table_views.hpp"
#include "script/array_mark.hpp"
#include "script/vm.hpp"

namespace gatehouse::modules {
namespace {

std::string describe(const tables::SharedTable* parent, const tables::SharedValue& key) {
  tables::SharedTable value;
  value.parent = parent;
  value.parent_key = key;
  return parent == nullptr ? "the table" : "the value at " + value.path();
}

// Uses only functions of Lua that raise nothing, so that destructors run.
class TableReader {
 public:
  explicit TableReader(lua_State* L) : L_(L) {}

  Result<tables::SharedTreePtr> read(int index) {
    if (!lua_checkstack(L_, 2)) return fail(Errc::kFull, "the stack is full");
    lua_pushvalue(L_, index);
    const auto root = table(nullptr, {});
    lua_pop(L_, 1);
    if (!root) return tl::unexpected(root.error());
    return builder_.finish();
  }

 private:
  // The table on top of the stack, which stays there.
  Result<tables::SharedValue> table(const tables::SharedTable* parent,
                                    const tables::SharedValue& key) {
    if (!lua_checkstack(L_, 8)) return fail(Errc::kFull, "the stack is full");
    if (script::Vm::of(L_).scheduler().interrupt().requested()) {
      return fail(Errc::kFull, script::Interrupt::kText);
    }
    const tables::SharedTable* shared = shared_table(L_);
    tables::SharedTable* to =
        shared != nullptr ? builder_.copy(*shared, parent, key) : builder_.open(parent, key);
    if (builder_.too_large()) return fail(Errc::kFull, "the table is too large");
    if (builder_.too_deep()) {
      return fail(Errc::kInvalid,
                  fmt::format("{} is nested deeper than {} tables, or in a cycle",
                              describe(parent, key), tables::SharedTree::kDepthMax));
    }
    if (shared != nullptr) return tables::SharedTreeBuilder::table(to);
    to->is_array = script::is_marked_array(L_, -1);
    tables::SharedTreeBuilder::Contents contents;
    const std::size_t length = lua_rawlen(L_, -1);
    for (std::size_t i = 1; i <= length; ++i) {
      lua_rawgeti(L_, -1, static_cast<lua_Integer>(i));
      auto item = value(to, tables::SharedTreeBuilder::integer(static_cast<std::int64_t>(i)));
      lua_pop(L_, 1);
      if (!item) return item;
      contents.array.push_back(*item);
    }
    for (lua_pushnil(L_); lua_next(L_, -2) != 0; lua_pop(L_, 1)) {
      tables::SharedValue key;
      if (lua_isinteger(L_, -2)) {
        const lua_Integer number = lua_tointeger(L_, -2);
        if (static_cast<std::uint64_t>(number) - 1 < length) continue;
        key = tables::SharedTreeBuilder::integer(number);
      } else if (lua_type(L_, -2) == LUA_TSTRING) {
        key = builder_.string(text(-2));
      } else {
        return bad_key(to);
      }
      auto item = value(to, key);
      if (!item) {
        lua_pop(L_, 2);
        return item;
      }
      contents.add(key, *item);
    }
    builder_.close(*to, contents);
    return tables::SharedTreeBuilder::table(to);
  }

  // The value on top of the stack, which stays there.
  Result<tables::SharedValue> value(const tables::SharedTable* parent,
                                    const tables::SharedValue& key) {
    switch (lua_type(L_, -1)) {
      case LUA_TNIL:
        return tables::SharedValue{};
      case LUA_TBOOLEAN:
        return tables::SharedTreeBuilder::boolean(lua_toboolean(L_, -1) != 0);
      case LUA_TSTRING:
        return builder_.string(text(-1));
      case LUA_TTABLE:
        return table(parent, key);
      case LUA_TNUMBER:
        return lua_isinteger(L_, -1) ? tables::SharedTreeBuilder::integer(lua_tointeger(L_, -1))
                                     : tables::SharedTreeBuilder::number(lua_tonumber(L_, -1));
      case LUA_TLIGHTUSERDATA:
        if (lua_touserdata(L_, -1) == nullptr)
          return tables::SharedValue{tables::SharedKind::kNull, {}};
        [[fallthrough]];
      default:
        return fail(Errc::kInvalid, fmt::format("{} is a {}, which cannot be shared",
                                                describe(parent, key), luaL_typename(L_, -1)));
    }
  }

  // The key and value on top of the stack are popped.
  Result<tables::SharedValue> bad_key(const tables::SharedTable* parent) {
    std::string key = luaL_typename(L_, -2);
    if (lua_type(L_, -2) == LUA_TNUMBER) key = fmt::format("{}", lua_tonumber(L_, -2));
    lua_pop(L_, 2);
    const std::string path = parent->path();
    return fail(Errc::kInvalid, fmt::format("Invalid key {} in the table at {}: keys are strings "
                                            "or integers",
                                            key, path.empty() ? "." : path));
  }

  std::string_view text(int index) {
    std::size_t size = 0;
    const char* p = lua_tolstring(L_, index, &size);
    return {p, size};
  }

  lua_State* L_;
  tables::SharedTreeBuilder builder_;
};

void push_copy_of(lua_State* L, const tables::SharedValue& value) {
  if (value.kind == tables::SharedKind::kTable) {
    push_copy(L, *value.bits.table);
  } else {
    push_scalar(L, value);
  }
}

}  // namespace

Result<tables::SharedTreePtr> read_tree(lua_State* L, int index) {
  return TableReader(L).read(lua_absindex(L, index));
}

void push_scalar(lua_State* L, const tables::SharedValue& value) {
  switch (value.kind) {
    case tables::SharedKind::kFalse:
      lua_pushboolean(L, 0);
      return;
    case tables::SharedKind::kTrue:
      lua_pushboolean(L, 1);
      return;
    case tables::SharedKind::kInteger:
      lua_pushinteger(L, value.bits.integer);
      return;
    case tables::SharedKind::kNumber:
      lua_pushnumber(L, value.bits.number);
      return;
    case tables::SharedKind::kString: {
      const std::string_view text = value.bits.string->view();
      lua_pushlstring(L, text.data(), text.size());
      return;
    }
    case tables::SharedKind::kNull:
      lua_pushlightuserdata(L, nullptr);
      return;
    default:
      lua_pushnil(L);
  }
}

void push_copy(lua_State* L, const tables::SharedTable& table) {
  luaL_checkstack(L, 4, "too deep a table");
  lua_createtable(L, static_cast<int>(table.array_size), static_cast<int>(table.entry_count));
  for (std::uint32_t i = 0; i < table.array_size; ++i) {
    push_copy_of(L, {table.array_kinds[i], table.array[i]});
    lua_rawseti(L, -2, std::int64_t{i} + 1);
  }
  for (std::uint32_t i = 0; i < table.entry_count; ++i) {
    const tables::SharedTable::Entry& e = table.entries[i];
    push_scalar(L, {e.key_kind, e.key});
    push_copy_of(L, {e.value_kind, e.value});
    lua_rawset(L, -3);
  }
  if (!table.is_array) return;
  script::push_array_metatable(L);
  lua_setmetatable(L, -2);
}

}  // namespace gatehouse::modules
