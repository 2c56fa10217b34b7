// "json": encode(value) and decode(text) between Lua values and JSON (RFC 8259), on nlohmann's
// parser and writer. null is json.null; integers stay integers; a table that decode made of an
// array, or json.array{}, is an array also when it is empty; keys are written in order.
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "modules/modules.hpp"
#include "modules/table_views.hpp"
#include "script/array_mark.hpp"
#include "script/bind_util.hpp"

namespace gatehouse::modules {
namespace {

using Json = nlohmann::json;

constexpr int kDepthMax = 128;

// --- encode. Nothing in here raises: it runs while C++ objects wait for their destructors, so
// an error is a text that is handed up.

const char* to_json(lua_State* L, int index, int depth, Json& out);

const char* array_to_json(lua_State* L, int index, int depth, Json& out) {
  const auto length = static_cast<lua_Integer>(lua_rawlen(L, index));
  lua_Integer count = 0;
  for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
    const bool in_sequence =
        lua_isinteger(L, -2) != 0 && lua_tointeger(L, -2) >= 1 && lua_tointeger(L, -2) <= length;
    if (!in_sequence) return "json: a table is neither an array without holes nor an object";
    ++count;
  }
  if (count != length) return "json: an array has holes";
  out = Json::array();
  auto& items = out.get_ref<Json::array_t&>();
  items.reserve(static_cast<std::size_t>(length));
  for (lua_Integer i = 1; i <= length; ++i) {
    lua_rawgeti(L, index, i);
    if (const char* error = to_json(L, lua_gettop(L), depth, items.emplace_back())) return error;
    lua_pop(L, 1);
  }
  return nullptr;
}

const char* object_to_json(lua_State* L, int index, int depth, Json& out) {
  out = Json::object();
  auto& members = out.get_ref<Json::object_t&>();
  for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING) {
      return "json: a table is neither an array without holes nor an object";
    }
    std::size_t size = 0;
    const char* key = lua_tolstring(L, -2, &size);
    Json& value = members[std::string(key, size)];
    if (const char* error = to_json(L, lua_gettop(L), depth, value)) return error;
  }
  return nullptr;
}

const char* table_to_json(lua_State* L, int index, int depth, Json& out) {
  if (depth >= kDepthMax) return "json: nested deeper than 128 levels, or a cycle";
  if (lua_checkstack(L, 8) == 0) return "json: no room on the stack";
  if (script::Vm::of(L).scheduler().interrupt().requested()) return script::Interrupt::kText;
  const int top = lua_gettop(L);
  lua_pushvalue(L, index);
  if (const tables::SharedTable* shared = shared_table(L)) {
    push_copy(L, *shared);  // raises for want of memory alone
    index = lua_gettop(L);
  }
  const bool is_array = lua_rawlen(L, index) > 0 || script::is_marked_array(L, index);
  const char* error =
      is_array ? array_to_json(L, index, depth + 1, out) : object_to_json(L, index, depth + 1, out);
  lua_settop(L, top);
  return error;
}

const char* to_json(lua_State* L, int index, int depth, Json& out) {
  switch (lua_type(L, index)) {
    case LUA_TNIL:
      return nullptr;  // `out` begins as null
    case LUA_TBOOLEAN:
      out = lua_toboolean(L, index) != 0;
      return nullptr;
    case LUA_TNUMBER: {
      if (lua_isinteger(L, index)) {
        out = static_cast<std::int64_t>(lua_tointeger(L, index));
        return nullptr;
      }
      const double number = lua_tonumber(L, index);
      if (!std::isfinite(number)) return "json: NaN and infinity cannot be encoded";
      out = number;
      return nullptr;
    }
    case LUA_TSTRING: {
      std::size_t size = 0;
      const char* text = lua_tolstring(L, index, &size);
      out = std::string(text, size);
      return nullptr;
    }
    case LUA_TTABLE:
      return table_to_json(L, index, depth, out);
    case LUA_TLIGHTUSERDATA:
      if (lua_touserdata(L, index) == nullptr) return nullptr;
      return "json: a light userdata cannot be encoded";
    case LUA_TFUNCTION:
      return "json: a function cannot be encoded";
    case LUA_TTHREAD:
      return "json: a thread cannot be encoded";
    default:
      return "json: a userdata cannot be encoded";
  }
}

int l_encode(lua_State* L) {
  luaL_checkany(L, 1);
  lua_settop(L, 1);
  const char* error = nullptr;
  {
    Json value;
    error = to_json(L, 1, 0, value);
    if (error == nullptr) {
      try {
        script::push_view(L, value.dump());
      } catch (const Json::type_error&) {
        error = "json: a string is not valid UTF-8";
      }
    }
  }
  if (error != nullptr) return luaL_error(L, "%s", error);
  return 1;
}

// --- decode

// Tells how far the parser has read.
struct CountingIterator {
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  const char* at;
  const char** read_up_to;

  reference operator*() const { return *at; }
  CountingIterator& operator++() {
    *read_up_to = ++at;
    return *this;
  }
  CountingIterator operator++(int) {
    const CountingIterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const CountingIterator& other) const { return at == other.at; }
  bool operator!=(const CountingIterator& other) const { return at != other.at; }
};

// Builds the value on the Lua stack while the text is read: the open containers lie on it, each
// object below the key whose value comes next.
class StackBuilder {
 public:
  StackBuilder(lua_State* L, int array_metatable) : L_(L), array_metatable_(array_metatable) {}

  // The interface that nlohmann::json::sax_parse asks for.
  bool null() {
    lua_pushlightuserdata(L_, nullptr);
    return place();
  }
  bool boolean(bool value) {
    lua_pushboolean(L_, value);
    return place();
  }
  bool number_integer(std::int64_t value) {
    lua_pushinteger(L_, value);
    return place();
  }
  bool number_unsigned(std::uint64_t value) {
    if (value <= INT64_MAX) {
      lua_pushinteger(L_, static_cast<lua_Integer>(value));
    } else {
      lua_pushnumber(L_, static_cast<lua_Number>(value));
    }
    return place();
  }
  bool number_float(double value, const std::string&) {
    lua_pushnumber(L_, value);
    return place();
  }
  bool string(std::string& value) {
    script::push_view(L_, value);
    return place();
  }
  bool binary(Json::binary_t&) { return false; }
  bool start_object(std::size_t) { return open(kObject); }
  bool key(std::string& value) {
    script::push_view(L_, value);
    return true;
  }
  bool end_object() { return close(); }
  bool start_array(std::size_t) { return open(0); }
  bool end_array() {
    lua_pushvalue(L_, array_metatable_);
    lua_setmetatable(L_, -2);
    return close();
  }
  bool parse_error(std::size_t, const std::string&, const Json::exception& exception) {
    explain(exception.what());
    return false;
  }

  [[nodiscard]] const char* error() const { return error_.data(); }

 private:
  static constexpr lua_Integer kObject = -1;

  bool open(lua_Integer kind) {
    if (depth_ == kDepthMax || lua_checkstack(L_, 6) == 0) {
      explain("nested deeper than 128 levels");
      return false;
    }
    lua_newtable(L_);
    items_[static_cast<std::size_t>(depth_++)] = kind;
    return true;
  }
  bool close() {
    --depth_;
    return place();
  }
  // Puts the value on top of the stack where it belongs.
  bool place() {
    if (depth_ == 0) return true;
    lua_Integer& items = items_[static_cast<std::size_t>(depth_ - 1)];
    if (items == kObject) {
      lua_rawset(L_, -3);
    } else {
      lua_rawseti(L_, -2, ++items);
    }
    return true;
  }
  // Keeps the middle of "[json.exception...] parse error at line 1, column 2: what; last read:".
  void explain(std::string_view text) {
    if (const auto at = text.find("column "); at != std::string_view::npos) {
      if (const auto colon = text.find(": ", at); colon != std::string_view::npos) {
        text.remove_prefix(colon + 2);
      }
    } else if (const auto end = text.find("] "); end != std::string_view::npos) {
      text.remove_prefix(end + 2);
    }
    text = text.substr(0, text.find("; last read"));
    std::snprintf(error_.data(), error_.size(), "%.*s", static_cast<int>(text.size()), text.data());
  }

  lua_State* L_;
  const int array_metatable_;
  int depth_ = 0;
  std::array<lua_Integer, kDepthMax> items_{};  // of an array so far; kObject for an object
  std::array<char, 160> error_{};
};

// decode(text) -> value, or nil, "json: what at byte N", "invalid"
int l_decode(lua_State* L) {
  const std::string_view text = script::check_view(L, 1);
  lua_settop(L, 1);
  script::push_array_metatable(L);
  const char* read_up_to = text.data();
  StackBuilder builder(L, 2);
  const CountingIterator begin{text.data(), &read_up_to};
  const CountingIterator end{text.data() + text.size(), &read_up_to};
  const std::size_t nul = text.find('\0');
  const char* error = "a NUL";
  if (nul != std::string_view::npos) {
    read_up_to += nul;  // the reader would take it for the end
  } else if (Json::sax_parse(begin, end, &builder)) {
    return 1;
  } else {
    error = builder.error();
  }
  lua_settop(L, 1);
  lua_pushnil(L);
  lua_pushfstring(L, "json: %s at byte %I", error,
                  static_cast<lua_Integer>(read_up_to - text.data()));
  lua_pushliteral(L, "invalid");
  return 3;
}

// array(t) -> t, encoded as an array also when it is empty
int l_array(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  script::push_array_metatable(L);
  lua_setmetatable(L, 1);
  return 1;
}

const luaL_Reg kJsonFunctions[] = {
    {"encode", script::bind<l_encode>},
    {"decode", script::bind<l_decode>},
    {"array", script::bind<l_array>},
    {nullptr, nullptr},
};

}  // namespace

int open_json(lua_State* L) {
  luaL_newlib(L, kJsonFunctions);
  lua_pushlightuserdata(L, nullptr);
  lua_setfield(L, -2, "null");
  return 1;
}

}  // namespace gatehouse::modules
