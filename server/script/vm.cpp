#include "script/vm.hpp"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <utility>

#include "actor/system.hpp"
#include "base/assert.hpp"
#include "script/lua_service.hpp"
#include "script/runtime.hpp"

namespace gatehouse::script {
namespace {

// Pushes the loader of a module written in C++, and the data for it; false: there is none.
bool push_native_module(lua_State* L, std::string_view name) {
  const auto& modules = Vm::of(L).runtime().modules;
  const auto found = std::find_if(modules.begin(), modules.end(),
                                  [name](const NativeModule& each) { return each.name == name; });
  if (found == modules.end()) return false;
  if (found->context != nullptr) lua_pushlightuserdata(L, found->context);
  lua_pushcclosure(L, found->open, found->context == nullptr ? 0 : 1);
  lua_pushliteral(L, ":native:");
  return true;
}

// package.searchers[2]: finds a module of the program, then a Lua module along package.path in the
// VM's code.
int search_module(lua_State* L) {
  const char* name = luaL_checkstring(L, 1);
  lua_settop(L, 1);
  if (push_native_module(L, name)) return 2;
  lua_getglobal(L, "package");
  if (lua_getfield(L, -1, "path") != LUA_TSTRING)
    return luaL_error(L, "'package.path' must be a string");
  bool pushed = false, found = false;
  int status = LUA_OK;
  {
    std::string file_name(name);
    std::replace(file_name.begin(), file_name.end(), '.', '/');
    const Code::Found file = Vm::of(L).code()->find(lua_tostring(L, -1), file_name);
    found = !file.path.empty();
    pushed = push_owned(L, found ? file.path : file.tried);
    if (pushed && found) status = Vm::of(L).code()->load(L, file.path);
  }
  if (!pushed) return lua_error(L);
  if (!found) return 1;
  if (status != LUA_OK) {
    return luaL_error(L, "error loading module '%s' from file '%s':\n\t%s", name,
                      lua_tostring(L, -2), lua_tostring(L, -1));
  }
  lua_insert(L, -2);
  return 2;
}

// Nothing may come here: what raises runs in protected calls.
int panic(lua_State* L) {
  assert_failed(lua_tostring(L, -1), "lua state outside protected mode", 0);
}

}  // namespace

Vm::Vm(Runtime& runtime, std::shared_ptr<Code> code)
    : runtime_(runtime),
      code_(std::move(code)),
      faults_(runtime.allocation_faults),
      scheduler_(*this) {}

Result<std::shared_ptr<Vm>> Vm::create(Runtime& runtime, std::size_t memory_bytes_max,
                                       std::shared_ptr<Code> code) {
  static_cast<void>(find_hook_switch());
  std::shared_ptr<Vm> vm(new Vm(runtime, std::move(code)));
  vm->set_memory_bytes_max(memory_bytes_max);
  {
    const Protection protection(*vm);
    vm->main_ = lua_newstate(&Vm::allocate, vm.get());
  }
  if (vm->main_ == nullptr) return gatehouse::fail(Errc::kFull, "no memory for a Lua state");
  *static_cast<Vm**>(lua_getextraspace(vm->main_)) = vm.get();
  lua_atpanic(vm->main_, panic);
  const auto opened = vm->protect([](lua_State* L) { open(L); });
  if (!opened) return gatehouse::fail(Errc::kFull, "Lua state: " + opened.error().message);
  return vm;
}

actor::InterruptTarget Vm::interrupt_target() {
  const auto request = [](void* vm) { static_cast<Vm*>(vm)->scheduler_.interrupt().request(); };
  return {request, this};
}

const World& Vm::world() const {
  return runtime_.system.world();
}

Vm::~Vm() {
  GATEHOUSE_ASSERT(light_services_.empty() && owner_ == nullptr && protections_ == 0);
  if (main_ == nullptr) return;
  actor::Worker* worker = actor::Worker::current();
  actor::Activity outer;
  if (worker != nullptr) outer = worker->begin_activity(ServiceId{}, ServiceId{});
  const actor::InterruptTarget outer_target = actor::set_interrupt_target(interrupt_target());
  scheduler_.interrupt().enter();
  scheduler_.interrupt().set_thread(main_);
  use_reserve(true);
  {
    const Protection protection(*this);
    lua_close(main_);
  }
  actor::set_interrupt_target(outer_target);
  if (worker != nullptr) worker->end_activity(outer);
  GATEHOUSE_ASSERT(memory_bytes_ == 0);
}

Result<> Vm::run_protected(lua_CFunction body, void* work) {
  const Protection protection(*this);
  const int top = lua_gettop(main_);
  if (!lua_checkstack(main_, 2)) return gatehouse::fail(Errc::kFull, "not enough memory");
  lua_pushcfunction(main_, body);
  lua_pushlightuserdata(main_, work);
  Interrupt& interrupt = scheduler_.interrupt();
  const Interrupt::State outer = interrupt.enter();
  lua_State* const outer_thread = interrupt.thread();
  interrupt.set_thread(main_);
  const int status = lua_pcall(main_, 1, 0, 0);
  interrupt.leave(outer);
  interrupt.set_thread(outer_thread);
  GATEHOUSE_ASSERT(lua_gettop(main_) == top + (status == LUA_OK ? 0 : 1));
  if (status == LUA_OK) return {};
  auto failed = gatehouse::fail(Errc::kFull, error_text(main_, -1));
  lua_pop(main_, 1);
  return failed;
}

int Vm::resume(lua_State* thread, int arguments, int& results) {
  const Protection protection(*this);
  return lua_resume(thread, main_, arguments, &results);
}

void Vm::reset(lua_State* thread) {
  const Protection protection(*this);
  scheduler_.interrupt().close(thread);
  lua_settop(thread, 0);  // a failing to-be-closed variable leaves its error
}

void Vm::forget_token(lua_State* thread, const void* task) {
  lua_State* L = main_;
  lua_rawgetp(L, LUA_REGISTRYINDEX, this);
  const int table = lua_gettop(L);
  // The usual token is the coroutine itself.
  lua_pushthread(thread);
  lua_xmove(thread, L, 1);
  lua_pushvalue(L, -1);
  if (lua_rawget(L, table) == LUA_TLIGHTUSERDATA && lua_touserdata(L, -1) == task) {
    lua_pop(L, 1);
    lua_pushnil(L);
    lua_rawset(L, table);
  } else {
    for (lua_pushnil(L); lua_next(L, table) != 0; lua_pop(L, 1)) {
      if (lua_touserdata(L, -1) != task) continue;
      lua_pushvalue(L, -2);
      lua_pushnil(L);
      lua_rawset(L, table);
      break;
    }
  }
  lua_settop(L, table - 1);
}

void Vm::set_memory_bytes_max(std::size_t bytes) {
  memory_bytes_max_ = bytes;
  update_allowance();
}

void Vm::update_allowance() {
  const std::size_t reserve = runtime_.system.limits().vm_memory_reserve_bytes;
  const std::size_t extra = uses_reserve_ ? reserve : lends_reserve_ ? reserve / 2 : 0;
  memory_bytes_allowed_ = memory_bytes_max_ == 0 ? SIZE_MAX : memory_bytes_max_ + extra;
}

int Vm::open(lua_State* L) {
  const Runtime& runtime = of(L).runtime_;
  for (const auto open : runtime.openers) open(L);
  lua_newtable(L);  // token -> task, see Scheduler::await_token
  lua_rawsetp(L, LUA_REGISTRYINDEX, &of(L));
  lua_getglobal(L, "package");
  lua_pushfstring(L, "%s;%s", runtime.library_path.c_str(), runtime.lua_path.c_str());
  lua_setfield(L, -2, "path");
  lua_pushstring(L, runtime.lua_cpath.c_str());
  lua_setfield(L, -2, "cpath");
  lua_getfield(L, -1, "searchers");
  lua_pushcfunction(L, bind<search_module>);
  lua_rawseti(L, -2, 2);
  lua_pop(L, 2);
  return 0;
}

void* Vm::allocate(void* self, void* block, std::size_t old_size, std::size_t new_size) {
  Vm& vm = *static_cast<Vm*>(self);
  if (block == nullptr) old_size = 0;  // then old_size tells a type
  if (new_size == 0) {
    GATEHOUSE_ASSERT(vm.memory_bytes_ >= old_size);
    std::free(block);
    vm.memory_bytes_ -= old_size;
    return nullptr;
  }
  if (new_size > old_size) {
    if (vm.refuses(new_size - old_size)) return nullptr;
    vm.allocated_bytes_ += new_size - old_size;
  }
  void* moved = std::realloc(block, new_size);
  if (moved == nullptr) {
    vm.short_of_memory_ = true;
    return nullptr;
  }
  vm.memory_bytes_ = vm.memory_bytes_ + new_size - old_size;
  return moved;
}

inline bool Vm::refuses(std::size_t growth) {
  if (memory_bytes_ + growth > memory_bytes_allowed_) {
    short_of_memory_ = true;
    return true;
  }
  if (faults_ == nullptr) [[likely]]
    return false;
  // Outside a protected call a refusal would end the process.
  GATEHOUSE_ASSERT(protections_ != 0);
  if (!faults_->refuses()) return false;
  short_of_memory_ = true;
  return true;
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
  GATEHOUSE_ASSERT(memory_warn_at_ > 0);  // or doubling it would not end
  while (memory_warn_at_ < memory_bytes_) memory_warn_at_ *= 2;
  return true;
}

void Vm::end_light_services() {
  while (!light_services_.empty()) {
    LuaService& service = *light_services_.back();
    GATEHOUSE_ASSERT(!service.exiting());  // or it would stay here for ever
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
