// The functions of `table` whose time depends on numbers that a script gives or on what its
// `__len` says: concat, insert, move, remove and sort. They do what the stock ones do (Lua manual
// 6.6; ltablib.c, Copyright Lua.org, PUC-Rio, MIT licence), and can be interrupted.
#include <climits>

#include "script/interrupt.hpp"
#include "stdlib/standard_libraries.hpp"

namespace gatehouse::stdlib {
namespace {

constexpr unsigned kRead = 1;
constexpr unsigned kWrite = 2;
constexpr unsigned kLength = 4;

// Raises unless the argument is a table or has the metamethods to be used as one.
void check_table(lua_State* L, int index, unsigned uses) {
  if (lua_type(L, index) == LUA_TTABLE) return;
  const int top = lua_gettop(L);
  bool usable = lua_getmetatable(L, index) != 0;
  const auto need = [&](unsigned use, const char* field) {
    if (!usable || (uses & use) == 0) return;
    lua_pushstring(L, field);
    usable = lua_rawget(L, top + 1) != LUA_TNIL;
    lua_pop(L, 1);
  };
  need(kRead, "__index");
  need(kWrite, "__newindex");
  need(kLength, "__len");
  lua_settop(L, top);
  if (!usable) luaL_checktype(L, index, LUA_TTABLE);
}

lua_Integer length_of(lua_State* L, int index, unsigned uses) {
  check_table(L, index, uses | kLength);
  return luaL_len(L, index);
}

lua_Unsigned as_unsigned(lua_Integer n) {
  return static_cast<lua_Unsigned>(n);
}

int table_insert(lua_State* L) {
  const auto end = static_cast<lua_Integer>(as_unsigned(length_of(L, 1, kRead | kWrite)) + 1);
  lua_Integer position = end;
  switch (lua_gettop(L)) {
    case 2:
      break;
    case 3: {
      position = luaL_checkinteger(L, 2);
      luaL_argcheck(L, as_unsigned(position) - 1 < as_unsigned(end), 2, "position out of bounds");
      script::Steps steps(L);
      for (lua_Integer i = end; i > position; --i) {
        steps.count();
        lua_geti(L, 1, i - 1);
        lua_seti(L, 1, i);
      }
      break;
    }
    default:
      return luaL_error(L, "wrong number of arguments to 'insert'");
  }
  lua_seti(L, 1, position);
  return 0;
}

int table_remove(lua_State* L) {
  const lua_Integer size = length_of(L, 1, kRead | kWrite);
  lua_Integer position = luaL_optinteger(L, 2, size);
  if (position != size) {
    luaL_argcheck(L, as_unsigned(position) - 1 <= as_unsigned(size), 1, "position out of bounds");
  }
  lua_geti(L, 1, position);
  for (script::Steps steps(L); position < size; ++position) {
    steps.count();
    lua_geti(L, 1, position + 1);
    lua_seti(L, 1, position);
  }
  lua_pushnil(L);
  lua_seti(L, 1, position);
  return 1;
}

int table_move(lua_State* L) {
  const lua_Integer from = luaL_checkinteger(L, 2);
  const lua_Integer last = luaL_checkinteger(L, 3);
  const lua_Integer to = luaL_checkinteger(L, 4);
  const int target = lua_isnoneornil(L, 5) ? 1 : 5;
  check_table(L, 1, kRead);
  check_table(L, target, kWrite);
  if (last >= from) {
    luaL_argcheck(L, from > 0 || last < LUA_MAXINTEGER + from, 3, "too many elements to move");
    const lua_Integer count = last - from + 1;
    luaL_argcheck(L, to <= LUA_MAXINTEGER - count + 1, 4, "destination wrap around");
    const bool forward =
        to > last || to <= from || (target != 1 && lua_compare(L, 1, target, LUA_OPEQ) == 0);
    script::Steps steps(L);
    for (lua_Integer n = 0; n < count; ++n) {
      const lua_Integer i = forward ? n : count - 1 - n;
      steps.count();
      lua_geti(L, 1, from + i);
      lua_seti(L, target, to + i);
    }
  }
  lua_pushvalue(L, target);
  return 1;
}

void add_field(lua_State* L, luaL_Buffer* out, lua_Integer index) {
  lua_geti(L, 1, index);
  if (lua_isstring(L, -1) == 0) {
    luaL_error(L, "invalid value (%s) at index %I in table for 'concat'", luaL_typename(L, -1),
               static_cast<LUAI_UACINT>(index));
  }
  luaL_addvalue(out);
}

int table_concat(lua_State* L) {
  const lua_Integer length = length_of(L, 1, kRead);
  std::size_t separator_size = 0;
  const char* separator = luaL_optlstring(L, 2, "", &separator_size);
  lua_Integer i = luaL_optinteger(L, 3, 1);
  const lua_Integer last = luaL_optinteger(L, 4, length);
  luaL_Buffer out;
  luaL_buffinit(L, &out);
  script::Steps steps(L);
  for (; i < last; ++i) {
    steps.count();
    add_field(L, &out, i);
    luaL_addlstring(&out, separator, separator_size);
  }
  if (i == last) add_field(L, &out, i);
  luaL_pushresult(&out);
  return 1;
}

// Quicksort of the table at index 1 by the function at index 2, or by `<` when that is nil.
class Sorter {
 public:
  explicit Sorter(lua_State* L) : L_(L), steps_(L) {}

  void sort(unsigned low, unsigned high, unsigned random) {
    while (low < high) {
      order(low, high);
      if (high - low == 1) return;
      unsigned pivot = low + (high - low) / 2;
      if (high - low >= kRandomFrom && random != 0) {
        const unsigned quarter = (high - low) / 4;
        pivot = random % (quarter * 2) + low + quarter;
      }
      median(low, pivot, high);
      if (high - low == 2) return;
      lua_geti(L_, 1, pivot);
      lua_pushvalue(L_, -1);
      lua_geti(L_, 1, high - 1);
      set_two(pivot, high - 1);
      pivot = partition(low, high);
      unsigned smaller = 0;
      if (pivot - low < high - pivot) {
        sort(low, pivot - 1, random);
        smaller = pivot - low;
        low = pivot + 1;
      } else {
        sort(pivot + 1, high, random);
        smaller = high - pivot;
        high = pivot - 1;
      }
      // Badly balanced: another choice of pivots.
      if ((high - low) / 128 > smaller) random = random * 1'664'525u + high + 1'013'904'223u;
    }
  }

 private:
  static constexpr unsigned kRandomFrom = 100;  // elements

  // Whether the element at stack index a comes before that at b.
  bool less(int a, int b) {
    steps_.count();
    if (lua_isnil(L_, 2)) return lua_compare(L_, a, b, LUA_OPLT) != 0;
    lua_pushvalue(L_, 2);
    lua_pushvalue(L_, a - 1);
    lua_pushvalue(L_, b - 2);
    lua_call(L_, 2, 1);
    const bool result = lua_toboolean(L_, -1) != 0;
    lua_pop(L_, 1);
    return result;
  }
  void set_two(unsigned i, unsigned j) {
    lua_seti(L_, 1, i);
    lua_seti(L_, 1, j);
  }
  void order(unsigned low, unsigned high) {
    lua_geti(L_, 1, low);
    lua_geti(L_, 1, high);
    if (less(-1, -2)) {
      set_two(low, high);
    } else {
      lua_pop(L_, 2);
    }
  }
  void median(unsigned low, unsigned pivot, unsigned high) {
    lua_geti(L_, 1, pivot);
    lua_geti(L_, 1, low);
    if (less(-2, -1)) {
      set_two(pivot, low);
      return;
    }
    lua_pop(L_, 1);
    lua_geti(L_, 1, high);
    if (less(-1, -2)) {
      set_two(pivot, high);
    } else {
      lua_pop(L_, 2);
    }
  }
  // The pivot is on top of the stack and at high - 1.
  unsigned partition(unsigned low, unsigned high) {
    unsigned i = low;
    unsigned j = high - 1;
    for (;;) {
      while (lua_geti(L_, 1, ++i), less(-1, -2)) {
        if (i == high - 1) luaL_error(L_, "invalid order function for sorting");
        lua_pop(L_, 1);
      }
      while (lua_geti(L_, 1, --j), less(-3, -1)) {
        if (j < i) luaL_error(L_, "invalid order function for sorting");
        lua_pop(L_, 1);
      }
      if (j < i) {
        lua_pop(L_, 1);
        set_two(high - 1, i);
        return i;
      }
      set_two(i, j);
    }
  }

  lua_State* L_;
  script::Steps steps_;
};

int table_sort(lua_State* L) {
  const lua_Integer count = length_of(L, 1, kRead | kWrite);
  if (count <= 1) return 0;
  luaL_argcheck(L, count < INT_MAX, 1, "array too big");
  if (!lua_isnoneornil(L, 2)) luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_settop(L, 2);
  Sorter(L).sort(1, static_cast<unsigned>(count), 0);
  return 0;
}

}  // namespace

void replace_table_functions(lua_State* L) {
  static constexpr luaL_Reg functions[] = {
      {"concat", table_concat}, {"insert", table_insert}, {"move", table_move},
      {"remove", table_remove}, {"sort", table_sort},     {nullptr, nullptr},
  };
  lua_getglobal(L, LUA_TABLIBNAME);
  luaL_setfuncs(L, functions, 0);
  lua_pop(L, 1);
}

}  // namespace gatehouse::stdlib
