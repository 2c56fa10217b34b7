// The deadlines of a service's hooks. One timer a service, armed only while a task has a deadline,
// so that a handler which does not wait costs next to nothing.
#pragma once

#include "actor/timer_wheel.hpp"
#include "base/clock.hpp"
#include "script/lua_service.hpp"

namespace gatehouse::script {

// On the service's worker.
class HookWatch final : private actor::Timer {
 public:
  // What the service does with a task past its deadline: afterwards it is ended.
  using Overdue = void (*)(LuaService& service, Task& task);

  HookWatch(LuaService& service, Overdue overdue) : service_(service), overdue_(overdue) {}

  // The task runs this hook, and has `ms` for it from now on; 0: no deadline. A task that has a
  // deadline and ends before anybody looks costs no more than this: see look().
  void limit(Task& task, Hook hook, std::uint32_t ms);
  // Looks at the task's deadline when it comes. After limit() once the task waits.
  void look(const Task& task) { look_at(task.deadline_ms); }
  void look_in(std::uint32_t ms);
  // The server makes the task wait for what has a deadline of its own.
  void pause(Task& task);
  void go_on(Task& task);
  // All deadlines end within `ms`.
  void hurry(std::uint32_t ms);
  void cancel();

 private:
  void look_at(MonotonicMs when);
  void fire() override;

  LuaService& service_;
  const Overdue overdue_;
  MonotonicMs armed_ms_ = 0;  // 0: not armed
};

}  // namespace gatehouse::script
