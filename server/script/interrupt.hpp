// Ends a task that is over its time, whatever its code does. The interrupt is a flag and a hook:
// Lua code meets the hook before its next instruction, C functions that may take long look at the
// flag (check). Where the coroutine can yield it is suspended for good, which no pcall sees; else
// an error is raised, and again at each instruction until the task has come out.
//
// One a VM, on its worker's thread; request() alone runs in a signal handler on that thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <lua.hpp>

namespace gatehouse::script {

class Interrupt {
 public:
  static constexpr const char* kText = "endless loop broken by the monitor";

  // What belongs to one task: kept while a task inside it runs.
  struct State {
    bool requested = false;
    bool stopping = false;
    bool grace = false;  // for its `__close` has begun
    bool spent = false;  // and is over
  };

  Interrupt() = default;
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  // The task that runs is over its time. Async-signal-safe.
  void request();
  [[nodiscard]] bool requested() const { return requested_.load(std::memory_order_relaxed); }
  // The task was stopped: its coroutine is suspended where it was, or an error is on its way.
  [[nodiscard]] bool stopping() const { return stopping_; }
  // Stops the task that runs in L. What L's caller owns must have no destructor.
  int stop(lua_State* L);
  // For the loops of C functions: stops the task when it is over its time.
  void check(lua_State* L) {
    if (requested()) stop(L);
  }

  // The coroutine that runs now. After a request the hook follows it.
  void set_thread(lua_State* thread);
  [[nodiscard]] lua_State* thread() const { return thread_.load(std::memory_order_relaxed); }

  // A task begins: returns the state of the one around it, for leave().
  State enter();
  // It has ended: returns whether it was stopped.
  bool leave(State outer);

  // Closes the pending variables of a coroutine that does not run and returns what
  // lua_resetthread does. Those of a stopped task have limits.endless_loop_close_ms in all.
  int close(lua_State* thread);

 private:
  static void on_hook(lua_State* L, lua_Debug* event);
  void arm(lua_State* thread);

  std::atomic<lua_State*> thread_{nullptr};
  std::atomic<bool> requested_{false};
  bool stopping_ = false;
  bool grace_ = false;
  bool spent_ = false;
};

// The steps of a C function that may take long: looks at the interrupt every 16,384 of them. A step
// is some ten nanoseconds of work.
class Steps {
 public:
  explicit Steps(lua_State* L) : L_(L) {}
  void count(std::ptrdiff_t steps = 1) {
    if ((left_ -= steps) < 0) look();
  }

 private:
  static constexpr std::ptrdiff_t kBetweenLooks = 16'384;
  void look();

  lua_State* L_;
  std::ptrdiff_t left_ = kBetweenLooks;
};

// Lets hooks run in a state that holds them off, which Lua does in finalizers and in hooks. Async-
// signal-safe. find_hook_switch() must have been called in the process.
void allow_hooks(lua_State* L);
// Finds out where a lua_State keeps whether hooks may run, by watching one that does: a byte that
// is 1, 0 within a hook, and 1 again (lstate.h: allowhook). False when there is no such byte; then
// allow_hooks does nothing, and finalizers cannot be interrupted.
bool find_hook_switch();

}  // namespace gatehouse::script
