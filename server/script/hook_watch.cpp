#include "script/hook_watch.hpp"

#include <algorithm>
#include <utility>

#include "actor/worker.hpp"
#include "base/assert.hpp"

namespace gatehouse::script {

void HookWatch::limit(Task& task, Hook hook, std::uint32_t ms) {
  GATEHOUSE_ASSERT(task.service == &service_ && hook != Hook::kNone);
  task.hook = hook;
  task.left_ms = 0;
  task.deadline_ms = ms == 0 ? 0 : service_.worker().now() + ms;
}

void HookWatch::look_in(std::uint32_t ms) {
  look_at(service_.worker().now() + ms);
}

void HookWatch::pause(Task& task) {
  if (task.deadline_ms == 0) return;
  GATEHOUSE_ASSERT(task.service == &service_ && task.left_ms == 0);
  task.left_ms = std::max<MonotonicMs>(task.deadline_ms - service_.worker().now(), 1);
  task.deadline_ms = 0;
}

void HookWatch::go_on(Task& task) {
  if (task.left_ms == 0) return;
  GATEHOUSE_ASSERT(task.service == &service_ && task.deadline_ms == 0);
  task.deadline_ms = service_.worker().now() + std::exchange(task.left_ms, 0);
  look(task);
}

void HookWatch::hurry(std::uint32_t ms) {
  const MonotonicMs end = service_.worker().now() + ms;
  service_.vm().scheduler().hurry(service_, end);
  look_at(end);
}

void HookWatch::cancel() {
  armed_ms_ = 0;
  actor::Timer::cancel();
}

void HookWatch::look_at(MonotonicMs when) {
  if (when == 0 || (armed_ms_ != 0 && armed_ms_ <= when)) return;
  armed_ms_ = when;
  service_.worker().timers().add(*this, when);
}

void HookWatch::fire() {
  GATEHOUSE_ASSERT(armed_ms_ != 0);  // cancel() would have stopped this
  armed_ms_ = 0;
  actor::Worker& worker = service_.worker();
  worker.pin(service_);
  MonotonicMs next_ms = 0;
  service_.enter(ServiceId{}, [this, &worker, &next_ms] {
    while (!service_.exiting()) {
      Task* task = service_.vm().scheduler().find_overdue(service_, worker.now(), next_ms);
      if (task == nullptr) return;
      GATEHOUSE_ASSERT(task->service == &service_);
      task->deadline_ms = 0;
      overdue_(service_, *task);
    }
  });
  if (!service_.exiting()) look_at(next_ms);
  worker.unpin(service_);  // last: this may be gone
}

}  // namespace gatehouse::script
