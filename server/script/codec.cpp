#include "script/codec.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <utility>

#include "base/assert.hpp"
#include "script/answer.hpp"
#include "script/array_mark.hpp"
#include "script/vm.hpp"

namespace gatehouse::script {

static_assert(std::endian::native == std::endian::little, "the wire form is little-endian");

namespace {

enum Type : std::uint8_t {
  kNil = 0,
  kBoolean = 1,
  kNumber = 2,
  kUserdata = 3,
  kShortString = 4,
  kLongString = 5,
  kTable = 6,
};
// Cookies of kNumber.
constexpr int kZero = 0, kByte = 1, kWord = 2, kDword = 4, kQword = 6, kReal = 8;
constexpr int kCookieMax = 32;
// Cookie of the kNil that ends a table which is marked as an array. skynet's reader looks at no
// cookie of a nil: there it is a plain table.
constexpr int kArrayEnd = 1;
// Entries of a table without array part that are read before it is made, in the right size.
constexpr int kEntriesAhead = 16;

constexpr char tag(Type type, int cookie) {
  return static_cast<char>(static_cast<int>(type) | cookie << 3);
}

template <class T>
void put(PackBuffer& out, char tag_byte, T value) {
  char* p = out.extend(1 + sizeof(T));
  p[0] = tag_byte;
  std::memcpy(p + 1, &value, sizeof(T));
}

void put_integer(PackBuffer& out, lua_Integer v) {
  if (v == 0) {
    *out.extend(1) = tag(kNumber, kZero);
  } else if (v != static_cast<std::int32_t>(v)) {
    put(out, tag(kNumber, kQword), static_cast<std::int64_t>(v));
  } else if (v < 0) {
    put(out, tag(kNumber, kDword), static_cast<std::int32_t>(v));
  } else if (v < 0x100) {
    put(out, tag(kNumber, kByte), static_cast<std::uint8_t>(v));
  } else if (v < 0x10000) {
    put(out, tag(kNumber, kWord), static_cast<std::uint16_t>(v));
  } else {
    put(out, tag(kNumber, kDword), static_cast<std::uint32_t>(v));
  }
}

void put_string(PackBuffer& out, const char* text, std::size_t size) {
  if (size < kCookieMax) {
    char* p = out.extend(1 + size);
    p[0] = tag(kShortString, static_cast<int>(size));
    std::memcpy(p + 1, text, size);
    return;
  }
  if (size < 0x10000) {
    put(out, tag(kLongString, 2), static_cast<std::uint16_t>(size));
  } else {
    put(out, tag(kLongString, 4), static_cast<std::uint32_t>(size));
  }
  std::memcpy(out.extend(size), text, size);
}

void pack_value(lua_State* L, int index, PackBuffer& out, int depth);

// Entries of a table that __pairs presents: all of them as hash entries, up to the end.
void pack_by_pairs(lua_State* L, int index, PackBuffer& out, int depth) {
  *out.extend(1) = tag(kTable, 0);
  lua_pushvalue(L, index);
  lua_call(L, 1, 3);  // __pairs(t) -> next, state, first key
  for (Interrupt& interrupt = Vm::of(L).scheduler().interrupt();;) {
    interrupt.check(L);  // the iterator may be a C function that never ends
    lua_pushvalue(L, -3);
    lua_pushvalue(L, -3);
    lua_pushvalue(L, -3);
    lua_call(L, 2, 2);  // stack: next, state, old key, key, value
    if (lua_isnil(L, -2)) {
      lua_pop(L, 5);
      break;
    }
    pack_value(L, lua_gettop(L) - 1, out, depth + 1);
    pack_value(L, lua_gettop(L), out, depth + 1);
    lua_pop(L, 1);
    lua_replace(L, -2);
  }
  GATEHOUSE_ASSERT(lua_gettop(L) >= index);
}

void pack_table(lua_State* L, int index, PackBuffer& out, int depth) {
  luaL_checkstack(L, 12, "serialize can't pack too depth table");
  // Tables that occur many times are packed each time: twice a level is 2^32 of them.
  Vm::of(L).scheduler().interrupt().check(L);
  char end = tag(kNil, 0);
  if (lua_getmetatable(L, index) != 0) {
    lua_pop(L, 1);
    if (is_marked_array(L, index)) end = tag(kNil, kArrayEnd);
    if (luaL_getmetafield(L, index, "__pairs") != LUA_TNIL) {
      pack_by_pairs(L, index, out, depth);
      *out.extend(1) = end;
      return;
    }
  }
  const auto length = static_cast<lua_Integer>(lua_rawlen(L, index));
  if (length >= kCookieMax - 1) {
    *out.extend(1) = tag(kTable, kCookieMax - 1);
    put_integer(out, length);
  } else {
    *out.extend(1) = tag(kTable, static_cast<int>(length));
  }
  const int top = lua_gettop(L);
  for (lua_Integer i = 1; i <= length; ++i) {
    lua_rawgeti(L, index, i);
    pack_value(L, top + 1, out, depth + 1);
    lua_settop(L, top);
  }
  lua_pushnil(L);
  while (lua_next(L, index) != 0) {
    const bool in_array = length > 0 && lua_isinteger(L, top + 1) &&
                          static_cast<lua_Unsigned>(lua_tointeger(L, top + 1)) - 1 <
                              static_cast<lua_Unsigned>(length);
    if (!in_array) {
      pack_value(L, top + 1, out, depth + 1);
      pack_value(L, top + 2, out, depth + 1);
    }
    lua_settop(L, top + 1);
  }
  GATEHOUSE_ASSERT(lua_gettop(L) == top);
  *out.extend(1) = end;
}

void pack_value(lua_State* L, int index, PackBuffer& out, int depth) {
  if (depth > kPackDepthMax) luaL_error(L, "serialize can't pack too depth table");
  switch (lua_type(L, index)) {
    case LUA_TNIL:
      *out.extend(1) = tag(kNil, 0);
      break;
    case LUA_TBOOLEAN:
      *out.extend(1) = tag(kBoolean, lua_toboolean(L, index));
      break;
    case LUA_TNUMBER:
      if (lua_isinteger(L, index)) {
        put_integer(out, lua_tointeger(L, index));
      } else {
        put(out, tag(kNumber, kReal), static_cast<double>(lua_tonumber(L, index)));
      }
      break;
    case LUA_TLIGHTUSERDATA:
      if (out.durable && lua_touserdata(L, index) != nullptr) {
        luaL_error(L, "a light userdata cannot be stored");
      }
      if (lua_touserdata(L, index) != nullptr) out.note_pointer(lua_touserdata(L, index));
      put(out, tag(kUserdata, 0), lua_touserdata(L, index));
      break;
    case LUA_TSTRING: {
      std::size_t size = 0;
      const char* text = lua_tolstring(L, index, &size);
      put_string(out, text, size);
      break;
    }
    case LUA_TTABLE:
      pack_table(L, index, out, depth);
      break;
    default:
      luaL_error(L, "Unsupport type %s to serialize", luaL_typename(L, index));
  }
}

struct PackReader {
  lua_State* L;
  const char* p;
  const char* end;
  PointersOf believed;
  lua_Integer promised = 0;  // items that the open arrays still lack, each a byte at least

  [[noreturn]] void invalid(int type, int line) {
    luaL_error(L, "Invalid serialize stream %d (line:%d)", type, line);
    __builtin_unreachable();
  }
  template <class T>
  T take(int type) {
    if (static_cast<std::size_t>(end - p) < sizeof(T)) invalid(type, __LINE__);
    T value;
    std::memcpy(&value, p, sizeof(T));
    p += sizeof(T);
    return value;
  }
  lua_Integer integer(int type, int cookie) {
    switch (cookie) {
      case kZero:
        return 0;
      case kByte:
        return take<std::uint8_t>(type);
      case kWord:
        return take<std::uint16_t>(type);
      case kDword:
        return take<std::int32_t>(type);
      case kQword:
        return take<std::int64_t>(type);
      default:
        invalid(type, __LINE__);
    }
  }
  void string(int type, std::size_t size) {
    if (static_cast<std::size_t>(end - p) < size) invalid(type, __LINE__);
    lua_pushlstring(L, p, size);
    p += size;
  }
  void pointer(int type) {
    void* value = take<void*>(type);
    const bool known =
        value == nullptr || believed == PointersOf::kThisProcess ||
        (believed == PointersOf::kThisVm && Vm::of(L).pack_buffer().packed_pointers().knows(value));
    if (!known) invalid(type, __LINE__);
    lua_pushlightuserdata(L, value);
  }
  enum class End : std::uint8_t { kNo, kTable, kArray };
  End end_of_table();
  bool small_table(int depth);
  void table(int type, int cookie, int depth);
  void value(int depth);
};

// The end of a table's entries, when it comes next: a nil where a key would be.
PackReader::End PackReader::end_of_table() {
  if (p == end) return End::kNo;  // value() raises
  const auto head = static_cast<std::uint8_t>(*p);
  if ((head & 7) != kNil) return End::kNo;
  ++p;
  return head >> 3 == kArrayEnd ? End::kArray : End::kTable;
}

void mark_array(lua_State* L) {
  push_array_metatable(L);
  lua_setmetatable(L, -2);
}

// Makes a table of the first entries; true when they are all.
bool PackReader::small_table(int depth) {
  lua_pushnil(L);
  const int place = lua_gettop(L);
  int count = 0;
  End found = End::kNo;
  for (; count < kEntriesAhead; ++count) {
    found = end_of_table();
    if (found != End::kNo) break;
    value(depth + 1);
    value(depth + 1);
  }
  GATEHOUSE_ASSERT(lua_gettop(L) == place + 2 * count);
  lua_createtable(L, 0, found != End::kNo ? count : 2 * kEntriesAhead);
  lua_replace(L, place);
  for (; count > 0; --count) lua_rawset(L, place);
  if (found == End::kArray) mark_array(L);
  return found != End::kNo;
}

void PackReader::table(int type, int cookie, int depth) {
  if (depth > kPackDepthMax + 1) invalid(type, __LINE__);
  lua_Integer length = cookie;
  if (cookie == kCookieMax - 1) {
    const auto head = take<std::uint8_t>(type);
    if ((head & 7) != kNumber || (head >> 3) == kReal) invalid(head, __LINE__);
    length = integer(head, head >> 3);
  }
  // A forged length cannot reserve memory, nor can many that are nested.
  if (length < 0 || length > end - p - promised) invalid(type, __LINE__);
  promised += length;
  luaL_checkstack(L, 2 * kEntriesAhead + 8, "too deep table");
  if (length == 0) {
    if (small_table(depth)) return;
  } else {
    lua_createtable(L, static_cast<int>(length), 0);
  }
  for (lua_Integer i = 1; i <= length; ++i) {
    --promised;
    value(depth + 1);
    lua_rawseti(L, -2, i);
  }
  End found = end_of_table();
  for (; found == End::kNo; found = end_of_table()) {
    value(depth + 1);
    value(depth + 1);
    lua_rawset(L, -3);
  }
  if (found == End::kArray) mark_array(L);
}

void PackReader::value(int depth) {
  const auto head = take<std::uint8_t>(0);
  const int cookie = head >> 3;
  switch (head & 7) {
    case kNil:
      lua_pushnil(L);
      break;
    case kBoolean:
      lua_pushboolean(L, cookie);
      break;
    case kNumber:
      if (cookie == kReal) {
        lua_pushnumber(L, take<double>(head));
      } else {
        lua_pushinteger(L, integer(head, cookie));
      }
      break;
    case kUserdata:
      pointer(head);
      break;
    case kShortString:
      string(head, static_cast<std::size_t>(cookie));
      break;
    case kLongString:
      if (cookie == 2) {
        string(head, take<std::uint16_t>(head));
      } else if (cookie == 4) {
        string(head, take<std::uint32_t>(head));
      } else {
        invalid(head, __LINE__);
      }
      break;
    case kTable:
      table(head, cookie, depth);
      break;
    default:
      invalid(head, __LINE__);
  }
}

}  // namespace

void PackBuffer::reset() {
  used_ = 0;
  durable = false;
  pointers_ = false;
}

void PackBuffer::grow(std::size_t needed) {
  std::size_t capacity = capacity_ * 2;
  if (capacity_ == 0) capacity = std::clamp<std::size_t>(last_bytes_, 96, 4'096);
  GATEHOUSE_ASSERT(used_ <= capacity_ && (capacity_ == 0) == (block_ == nullptr));
  while (capacity < needed) capacity *= 2;
  block_ =
      block_ ? actor::grow_message(std::move(block_), capacity) : actor::make_message(capacity);
  capacity_ = capacity;
  GATEHOUSE_ASSERT(block_ != nullptr && capacity_ >= needed);
}

actor::MessagePtr PackBuffer::take() {
  if (block_ == nullptr) grow(0);
  actor::MessagePtr message = std::move(block_);
  if (capacity_ > 512 && used_ < capacity_ / 2) {
    message = actor::grow_message(std::move(message), used_);
  }
  GATEHOUSE_ASSERT(used_ <= capacity_);
  message->size = static_cast<std::uint32_t>(used_);
  message->pointers = std::exchange(pointers_, false);
  last_bytes_ = used_;
  used_ = 0;
  capacity_ = 0;
  return message;
}

void pack_boolean(PackBuffer& buffer, bool value) {
  *buffer.extend(1) = tag(kBoolean, value ? 1 : 0);
}

void pack_string(PackBuffer& buffer, std::string_view value) {
  put_string(buffer, value.data(), value.size());
}

void pack(lua_State* L, int from, PackBuffer& buffer) {
  buffer.reset();
  pack_more(L, from, buffer);
}

void pack_more(lua_State* L, int from, PackBuffer& buffer) {
  GATEHOUSE_ASSERT(from > 0);
  const int top = lua_gettop(L);
  for (int i = from; i <= top; ++i) pack_value(L, i, buffer, 0);
}

int unpack(lua_State* L, std::string_view packed, PointersOf believed) {
  const int base = lua_gettop(L);
  PackReader reader{L, packed.data(), packed.data() + packed.size(), believed};
  while (reader.p < reader.end) {
    luaL_checkstack(L, 8, "too many values");
    reader.value(0);
  }
  GATEHOUSE_ASSERT(reader.p == reader.end);
  return lua_gettop(L) - base;
}

int unpack(lua_State* L, const actor::Message& message) {
  const bool packed_here = message.pointers;
  return unpack(L, message.view(), packed_here ? PointersOf::kThisProcess : PointersOf::kNobody);
}

}  // namespace gatehouse::script
