#include "script/interrupt.hpp"

#include <array>
#include <cstddef>
#include <cstring>

#include "actor/system.hpp"
#include "base/assert.hpp"
#include "script/vm.hpp"

namespace gatehouse::script {
namespace {

constexpr std::size_t kStateHeadBytes = 16;  // of a lua_State, where its small fields are
using Head = std::array<unsigned char, kStateHeadBytes>;

std::atomic<int> hook_switch{-1};  // offset in a lua_State

Head head_of(lua_State* L) {
  Head head;
  std::memcpy(head.data(), L, head.size());
  return head;
}

Head head_in_hook;

int search_hook_switch() {
  lua_State* L = luaL_newstate();
  if (L == nullptr) return -1;
  lua_pushcfunction(L, [](lua_State*) { return 0; });
  const Head before = head_of(L);
  lua_sethook(
      L, [](lua_State* in, lua_Debug*) { head_in_hook = head_of(in); }, LUA_MASKCALL, 0);
  const bool ran = lua_pcall(L, 0, 0, 0) == LUA_OK;
  lua_sethook(L, nullptr, 0, 0);
  const Head after = head_of(L);
  lua_close(L);
  int found = -1;
  for (std::size_t i = 0; ran && i < kStateHeadBytes; ++i) {
    if (before[i] != 1 || head_in_hook[i] != 0 || after[i] != 1) continue;
    if (found >= 0) return -1;
    found = static_cast<int>(i);
  }
  return found;
}

}  // namespace

bool find_hook_switch() {
  static const int offset = search_hook_switch();
  hook_switch.store(offset, std::memory_order_relaxed);
  return offset >= 0;
}

void allow_hooks(lua_State* L) {
  const int offset = hook_switch.load(std::memory_order_relaxed);
  if (offset >= 0) reinterpret_cast<unsigned char*>(L)[offset] = 1;
}

// lua_sethook may be called in a signal handler (Lua manual, lua_sethook; lua.c).
void Interrupt::arm(lua_State* thread) {
  lua_sethook(thread, on_hook, LUA_MASKCOUNT, 1);
  allow_hooks(thread);
}

void Interrupt::request() {
  requested_.store(true, std::memory_order_relaxed);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  if (lua_State* L = thread()) arm(L);
}

void Interrupt::set_thread(lua_State* thread) {
  thread_.store(thread, std::memory_order_relaxed);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  if (thread != nullptr && requested()) arm(thread);
}

void Interrupt::on_hook(lua_State* L, lua_Debug*) {
  Interrupt& self = Vm::of(L).scheduler().interrupt();
  if (self.requested()) {
    self.stop(L);
  } else {
    lua_sethook(L, nullptr, 0, 0);  // meant for a task that is gone
  }
}

int Interrupt::stop(lua_State* L) {
  GATEHOUSE_ASSERT(requested());
  stopping_ = true;
  if (lua_isyieldable(L) != 0) return lua_yield(L, 0);
  allow_hooks(L);  // the error ends the hook that raises it, and with it what held hooks off
  return luaL_error(L, kText);
}

void Steps::look() {
  left_ = kBetweenLooks;
  Vm::of(L_).scheduler().interrupt().check(L_);
}

Interrupt::State Interrupt::enter() {
  const State outer{requested(), stopping_, grace_, spent_};
  requested_.store(false, std::memory_order_relaxed);
  stopping_ = grace_ = spent_ = false;
  return outer;
}

bool Interrupt::leave(State outer) {
  const bool stopped = stopping_;
  requested_.store(outer.requested, std::memory_order_relaxed);
  stopping_ = outer.stopping;
  grace_ = outer.grace;
  spent_ = outer.spent;
  return stopped;
}

int Interrupt::close(lua_State* thread) {
  GATEHOUSE_ASSERT(thread != nullptr);
  const bool stopped = stopping_;
  if (stopped && !grace_) {
    grace_ = true;
    if (actor::Worker* worker = actor::Worker::current()) {
      worker->renew_activity(worker->system().limits().endless_loop_close_ms);
    }
  }
  if (stopped && !spent_) requested_.store(false, std::memory_order_relaxed);
  lua_State* const outer = this->thread();
  set_thread(thread);
  const int status = lua_resetthread(thread);
  if (stopped) {
    spent_ |= requested();
    stopping_ = true;
    requested_.store(true, std::memory_order_relaxed);
  }
  set_thread(outer);
  return status;
}

}  // namespace gatehouse::script
