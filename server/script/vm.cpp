#include "script/vm.hpp"

#include <cstdlib>

#include "actor/system.hpp"
#include "base/assert.hpp"
#include "script/bind.hpp"
#include "script/lua_service.hpp"
#include "script/runtime.hpp"
#include "script/standard_libraries.hpp"
#include "script/table_views.hpp"

namespace gatehouse::script {
namespace {

// package.searchers[2]: finds a Lua module along package.path, and takes its byte-code from the
// process-wide cache.
int search_lua_module(lua_State* L) {
  const char* name = luaL_checkstring(L, 1);
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "searchpath");
  lua_pushstring(L, name);
  lua_getfield(L, -3, "path");
  lua_call(L, 2, 2);  // file name, or nil and where it was looked for
  if (lua_isnil(L, -2)) return 1;
  lua_pop(L, 1);
  const char* file = lua_tostring(L, -1);
  if (Vm::of(L).runtime().bytecode.load(L, file) != LUA_OK) {
    return luaL_error(L, "error loading module '%s' from file '%s':\n\t%s", name, file,
                      lua_tostring(L, -1));
  }
  lua_pushstring(L, file);
  return 2;
}

int panic(lua_State* L) {
  assert_failed(lua_tostring(L, -1), "lua state outside protected mode", 0);
}

}  // namespace

Vm::Vm(Runtime& runtime) : runtime_(runtime), scheduler_(*this) {}

Result<std::shared_ptr<Vm>> Vm::create(Runtime& runtime, std::size_t memory_bytes_max) {
  std::shared_ptr<Vm> vm(new Vm(runtime));
  vm->memory_bytes_max_ = memory_bytes_max;
  vm->main_ = lua_newstate(&Vm::allocate, vm.get());
  if (vm->main_ == nullptr) return gatehouse::fail(Errc::kFull, "no memory for a Lua state");
  lua_State* L = vm->main_;
  *static_cast<Vm**>(lua_getextraspace(L)) = vm.get();
  lua_atpanic(L, panic);
  lua_pushcfunction(L, &Vm::open);
  if (lua_pcall(L, 0, 0, 0) != LUA_OK) {
    return gatehouse::fail(Errc::kFull, "Lua state: " + error_text(L, -1));
  }
  return vm;
}

Vm::~Vm() {
  if (main_ == nullptr) return;
  lua_close(main_);
  GATEHOUSE_ASSERT(memory_bytes_ == 0);
}

int Vm::open(lua_State* L) {
  const Runtime& runtime = of(L).runtime_;
  open_standard_libraries(L);
  lua_newtable(L);  // token -> task, see Scheduler::await_token
  lua_rawsetp(L, LUA_REGISTRYINDEX, &of(L));
  lua_getglobal(L, "package");
  lua_pushfstring(L, "%s;%s", runtime.library_path.c_str(), runtime.lua_path.c_str());
  lua_setfield(L, -2, "path");
  lua_pushstring(L, runtime.lua_cpath.c_str());
  lua_setfield(L, -2, "cpath");
  lua_getfield(L, -1, "searchers");
  lua_pushcfunction(L, bind<search_lua_module>);
  lua_rawseti(L, -2, 2);
  lua_pop(L, 2);
  register_modules(L);
  return 0;
}

void* Vm::allocate(void* self, void* block, std::size_t old_size, std::size_t new_size) {
  Vm& vm = *static_cast<Vm*>(self);
  if (block == nullptr) old_size = 0;  // then old_size tells a type
  if (new_size == 0) {
    std::free(block);
    vm.memory_bytes_ -= old_size;
    return nullptr;
  }
  if (new_size > old_size && vm.memory_bytes_max_ != 0 &&
      vm.memory_bytes_ + (new_size - old_size) > vm.memory_bytes_max_) {
    return nullptr;
  }
  void* moved = std::realloc(block, new_size);
  if (moved != nullptr) vm.memory_bytes_ = vm.memory_bytes_ + new_size - old_size;
  return moved;
}

TableViews& Vm::tables() {
  if (!tables_) tables_ = std::make_unique<TableViews>(*this, runtime_.tables);
  return *tables_;
}

void Vm::refresh_tables() {
  if (tables_ && tables_->stale()) tables_->refresh();
}

Vm::Protocol& Vm::edit_protocol(bool light, actor::MessageType type) {
  const auto number = static_cast<std::size_t>(type);
  if (number < kCommonTypes) return common_protocols_[light ? 1 : 0][number];
  if (!own_protocols_) own_protocols_ = std::make_unique<decltype(own_protocols_)::element_type>();
  return (*own_protocols_)[light ? 1 : 0][number];
}

void Vm::forward_type(actor::MessageType type, actor::MessageType as) {
  if (!forwards_) forwards_ = std::make_unique<decltype(forwards_)::element_type>();
  (*forwards_)[static_cast<std::size_t>(type)] = as;
}

bool Vm::take_memory_warning() {
  if (memory_bytes_ <= memory_warn_at_) return false;
  while (memory_warn_at_ < memory_bytes_) memory_warn_at_ *= 2;
  return true;
}

void Vm::end_light_services() {
  while (!light_services_.empty()) {
    LuaService& service = *light_services_.back();
    service.worker().retire(service);
  }
}

std::string Vm::error_text(lua_State* L, int index) {
  std::size_t size = 0;
  // lua_tolstring on a string or number does not raise once it is a string.
  if (lua_type(L, index) == LUA_TSTRING) {
    const char* text = lua_tolstring(L, index, &size);
    return {text, size};
  }
  return std::string("(error object is a ") + luaL_typename(L, index) + " value)";
}

}  // namespace gatehouse::script
