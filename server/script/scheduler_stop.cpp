// Stopping a coroutine at a line, for the debugger.
#include "script/scheduler.hpp"

#include "script/vm.hpp"

namespace gatehouse::script {
namespace {

int stack_depth(lua_State* L) {
  lua_Debug frame;
  int depth = 0;
  while (lua_getstack(L, depth, &frame) != 0) ++depth;
  return depth;
}

// Line hook of a task that is to stop (Lua manual, lua_Hook: a line hook may yield no values).
// Leaves the line and the names of the locals in the token: once it has yielded, the state says
// what was one instruction before.
void on_line(lua_State* L, lua_Debug* frame) {
  Vm& vm = Vm::of(L);
  const int depth = stack_depth(L);
  if (depth < vm.stop_depth_min || depth > vm.stop_depth_max || !lua_isyieldable(L)) return;
  lua_sethook(L, nullptr, 0, 0);
  lua_rawgetp(L, LUA_REGISTRYINDEX, Scheduler::stop_token());
  lua_pushinteger(L, frame->currentline);
  lua_setfield(L, -2, "line");
  lua_newtable(L);
  int count = 0;
  while (const char* name = lua_getlocal(L, frame, ++count)) {
    lua_pop(L, 1);
    lua_pushstring(L, name);
    lua_rawseti(L, -2, count);
  }
  lua_setfield(L, -2, "locals");
  vm.scheduler().wakeup(L, -1);
  lua_pop(L, 1);
  lua_yield(L, 0);
}

}  // namespace

const void* Scheduler::stop_token() {
  static const char key = 0;
  return &key;
}

void Scheduler::stop_at_line(Task& task, int depth_max, bool inside) {
  vm_.stop_depth_min = inside ? stack_depth(task.thread) : 0;
  vm_.stop_depth_max = depth_max;
  lua_sethook(task.thread, on_line, LUA_MASKLINE, 0);
}

bool Scheduler::go_on(Task& task) {
  if (task.state != Task::State::kParked) return false;
  task.state = Task::State::kWoken;
  woken_.push_back(&task);
  return true;
}

}  // namespace gatehouse::script
