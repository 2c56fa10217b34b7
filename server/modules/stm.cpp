// "skynet.stm": a value that one service writes and others read without a message
// (docs/skynet-rules.md 1.5, 2.13). What a userdata owns is in its destructor, which __gc runs.
#include <new>

#include "modules/modules.hpp"
#include "script/bind_util.hpp"
#include "tables/shared_cells.hpp"

namespace gatehouse::modules {
namespace {

constexpr const char* kWriter = "gatehouse.stm.writer";
constexpr const char* kReader = "gatehouse.stm.reader";
constexpr const char* kContent = "gatehouse.stm.content";

struct Writer {
  tables::SharedCells* cells = nullptr;
  tables::SharedCellPtr cell;
  ~Writer() {
    if (!cell) return;
    cells->drop(cell);
    cell->write(nullptr);
  }
};

struct StmReader {
  tables::SharedCellPtr cell;
  std::uint64_t seen = 0;
};

// What a reader's function is looking at, until it is collected.
struct Held {
  tables::SharedCell::Content content;
};

template <class T>
int destroy(lua_State* L) {
  auto* object = static_cast<T*>(lua_touserdata(L, 1));
  object->~T();
  new (object) T();
  return 0;
}

template <class T>
T& push_object(lua_State* L, const char* metatable) {
  auto* object = new (lua_newuserdatauv(L, sizeof(T), 0)) T();
  luaL_setmetatable(L, metatable);
  return *object;
}

// Argument 1; raises when its finalizer has run already.
template <class T>
T& check(lua_State* L, const char* metatable) {
  auto* object = static_cast<T*>(luaL_checkudata(L, 1, metatable));
  luaL_argcheck(L, object->cell != nullptr, 1, "was collected");
  return *object;
}

void write(lua_State* L, tables::SharedCell& cell, int index) {
  static_cast<void>(script::view_payload(L, index));  // raises before anything is owned
  cell.write(tables::SharedCell::Content(script::take_payload(L, index).release(),
                                         actor::MessageDeleter()));
}

// new(message[, size]) -> writer
int l_new(lua_State* L) {
  static_cast<void>(script::view_payload(L, 1));
  Writer& writer = push_object<Writer>(L, kWriter);
  writer.cells = &script::Vm::of(L).runtime().cells;
  writer.cell = std::make_shared<tables::SharedCell>();
  write(L, *writer.cell, 1);
  return 1;
}

// writer(message[, size])
int l_stm_write(lua_State* L) {
  write(L, *check<Writer>(L, kWriter).cell, 2);
  return 0;
}

// copy(writer) -> light userdata for one newcopy(), in any service
int l_stm_copy(lua_State* L) {
  const Writer& writer = check<Writer>(L, kWriter);
  const std::uint64_t id = writer.cells->send(writer.cell);
  lua_pushlightuserdata(L, reinterpret_cast<void*>(static_cast<std::uintptr_t>(id)));
  return 1;
}

// newcopy(copy) -> reader
int l_newcopy(lua_State* L) {
  luaL_checktype(L, 1, LUA_TLIGHTUSERDATA);
  StmReader& reader = push_object<StmReader>(L, kReader);
  const auto id = reinterpret_cast<std::uintptr_t>(lua_touserdata(L, 1));
  reader.cell = script::Vm::of(L).runtime().cells.take(id);
  if (reader.cell == nullptr) return luaL_error(L, "the copy was taken, or its writer is gone");
  return 1;
}

int read_done(lua_State* L, int, lua_KContext) {
  return lua_gettop(L) - 1;
}

// reader(f[, value]) -> false, or when the content is new: true, f(pointer, size, value)
int l_stm_read(lua_State* L) {
  StmReader& reader = check<StmReader>(L, kReader);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_settop(L, 3);
  Held& held = push_object<Held>(L, kContent);
  held.content = reader.cell->read(reader.seen);
  if (held.content == nullptr) {
    lua_pushboolean(L, 0);
    return 1;
  }
  lua_replace(L, 1);  // stack: content, f, value
  lua_pushboolean(L, 1);
  lua_insert(L, 2);
  lua_insert(L, 3);  // content, true, value, f
  lua_pushlightuserdata(L, const_cast<char*>(held.content->data()));
  lua_pushinteger(L, held.content->size);
  lua_rotate(L, 3, -1);  // the value goes behind them
  lua_callk(L, 3, LUA_MULTRET, 0, read_done);
  return read_done(L, LUA_OK, 0);
}

template <class T>
void make_metatable(lua_State* L, const char* name, lua_CFunction call) {
  luaL_newmetatable(L, name);
  lua_pushcfunction(L, script::bind<destroy<T>>);
  lua_setfield(L, -2, "__gc");
  if (call != nullptr) {
    lua_pushcfunction(L, call);
    lua_setfield(L, -2, "__call");
  }
  lua_pop(L, 1);
}

const luaL_Reg kStmFunctions[] = {
    {"new", script::bind<l_new>},
    {"copy", script::bind<l_stm_copy>},
    {"newcopy", script::bind<l_newcopy>},
    {nullptr, nullptr},
};

}  // namespace

int open_stm(lua_State* L) {
  make_metatable<Writer>(L, kWriter, script::bind<l_stm_write>);
  make_metatable<StmReader>(L, kReader, script::bind<l_stm_read>);
  make_metatable<Held>(L, kContent, nullptr);
  luaL_newlib(L, kStmFunctions);
  return 1;
}

}  // namespace gatehouse::modules
