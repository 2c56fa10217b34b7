#include "script/scheduler.hpp"

#include <algorithm>
#include <memory>

#include "actor/system.hpp"
#include "base/assert.hpp"
#include "base/log.hpp"
#include "script/answer.hpp"
#include "script/lua_service.hpp"
#include "script/runtime.hpp"
#include "script/vm.hpp"

namespace gatehouse::script {

using actor::Message;
using actor::MessagePtr;
using actor::MessageType;

namespace {

// Delivers the end of a sleep as a message, so that it queues behind what came before.
class SessionTimer final : public actor::Timer {
 public:
  SessionTimer(actor::System& system, ServiceId service, std::int32_t session)
      : system_(system), service_(service), session_(session) {}
  void fire() override { answer(system_, service_, session_); }

 private:
  actor::System& system_;
  ServiceId service_;
  std::int32_t session_;
};

}  // namespace

Scheduler::~Scheduler() {
  GATEHOUSE_ASSERT(running_ == nullptr && incoming_ == nullptr);
  GATEHOUSE_ASSERT(task_count_ == 0 && woken_.empty() && forks_.empty());
  for (Task* task : pool_) delete task;
}

bool Scheduler::grow_pool() {
  GATEHOUSE_ASSERT(pool_.empty());
  auto task = std::make_unique<Task>();
  const bool outer_reserve = vm_.use_reserve(true);
  const auto made = vm_.protect([&task](lua_State* L) {
    task->thread = lua_newthread(L);
    task->anchor = luaL_ref(L, LUA_REGISTRYINDEX);
  });
  vm_.use_reserve(outer_reserve);
  if (made) pool_.push_back(task.release());
  return made.has_value();
}

Task* Scheduler::create_task(LuaService& service) {
  if (pool_.empty() && !grow_pool()) return nullptr;
  Task* task = pool_.back();
  pool_.pop_back();
  GATEHOUSE_ASSERT(&service.vm() == &vm_);
  GATEHOUSE_ASSERT(task->service == nullptr && task->state == Task::State::kNew);
  task->service = &service;
  task->essential = running_ != nullptr && running_->essential;
  task->next = service.tasks_;
  if (task->next != nullptr) task->next->previous = task;
  service.tasks_ = task;
  ++task_count_;
  return task;
}

void Scheduler::resume(Task& task, int arguments) {
  LuaService& service = *task.service;
  actor::Worker& worker = service.worker();
  GATEHOUSE_ASSERT(task.state != Task::State::kRunning && task.state != Task::State::kWaiting);
  GATEHOUSE_ASSERT(!task.has_token && task.timer == nullptr);
  GATEHOUSE_ASSERT(arguments >= 0);
  worker.pin(service);
  if (BeforeRun* hook = vm_.before_run()) hook->before_run();
  Task* const outer = std::exchange(running_, &task);
  LuaService* const outer_service = std::exchange(current_, &service);
  if (outer == nullptr) worker.renew_activity();
  const Interrupt::State outer_interrupt = interrupt_.enter();
  lua_State* const outer_thread = interrupt_.thread();
  const bool outer_reserve = vm_.use_reserve(task.essential);
  const std::uint64_t allocated_before = vm_.allocated_bytes();
  task.state = Task::State::kRunning;
  interrupt_.set_thread(task.thread);
  int results = 0;
  const int status = vm_.resume(task.thread, arguments, results);
  service.allocated_bytes_ += vm_.allocated_bytes() - allocated_before;
  GATEHOUSE_ASSERT(running_ == &task && current_ == &service);
  running_ = outer;
  if (status == LUA_ERRMEM) starved_ = true;
  if (status == LUA_OK) {
    finish(task);
  } else if (interrupt_.stopping()) {
    stop(task);
  } else if (status != LUA_YIELD) {
    fail(task, Vm::error_text(task.thread, -1));
  } else if (service.exiting()) {
    release(task, false);
  } else if (task.over) {
    lua_pop(task.thread, results);
    if (task.state == Task::State::kRunning) task.state = Task::State::kParked;
    kill(task);
  } else if (results > 0 && task.state == Task::State::kRunning) {
    // Not luaL_tolstring: nothing here would catch what a __tostring raises.
    const int first = lua_gettop(task.thread) - results + 1;
    const bool plain = lua_type(task.thread, first) == LUA_TSTRING;
    fail(task, "Unknown command : " + (plain ? Vm::error_text(task.thread, first)
                                             : luaL_typename(task.thread, first)));
  } else {
    lua_pop(task.thread, results);
    if (task.state == Task::State::kRunning) task.state = Task::State::kParked;
  }
  vm_.use_reserve(outer_reserve);
  interrupt_.leave(outer_interrupt);
  interrupt_.set_thread(outer_thread);
  if (outer == nullptr) worker.renew_activity();
  current_ = outer_service;
  worker.unpin(service);
}

void Scheduler::run_queues() {
  for (int left = kTasksPerMessage; !woken_.empty() || !forks_.empty(); --left) {
    std::deque<Task*>& queue = woken_.empty() ? forks_ : woken_;
    if (left > 0) {
      run_next(queue);
      continue;
    }
    actor::System& system = vm_.runtime().system;
    if (reminded_ && system.registry().live(reminded_)) return;
    reminded_ = queue.front()->service->id();
    answer(system, reminded_, 0);
    return;
  }
}

void Scheduler::run_next(std::deque<Task*>& queue) {
  Task* task = queue.front();
  queue.pop_front();
  GATEHOUSE_ASSERT(task->state == Task::State::kNew || task->state == Task::State::kWoken);
  resume(*task, task->state == Task::State::kNew ? lua_gettop(task->thread) - 1 : 0);
}

void Scheduler::finish(Task& task) {
  if (task.has_request && !task.answered && task.request_session > 0) {
    // Remember it: should the service end, the requester learns that no answer will come.
    task.service->owe_forgotten({task.request_session, task.request_source});
    log::warn(task.service->id(), "Maybe forgot response session {} from :{:08x}",
              task.request_session, task.request_source.value);
  }
  end_watched(task, true);
  release(task, true);
}

// Ends a task that was over its time, in whatever state its code has left it.
void Scheduler::stop(Task& task) {
  if (task.state != Task::State::kRunning && task.session != 0) {
    sessions_.take(task.service->id(), task.session);
  }
  task.state = Task::State::kRunning;
  std::erase(woken_, &task);
  fail(task, Interrupt::kText);
}

std::string Scheduler::with_traceback(Task& task, std::string_view text) {
  const std::string plain(text);
  std::string report = plain;
  const bool outer_reserve = vm_.use_reserve(true);
  // Out of memory leaves the plain text.
  static_cast<void>(vm_.protect([&task, &plain, &report](lua_State* L) {
    luaL_traceback(L, task.thread, plain.c_str(), 0);
    report = Vm::error_text(L, -1);
  }));
  vm_.use_reserve(outer_reserve);
  return report;
}

void Scheduler::fail(Task& task, const std::string& text) {
  report_error(task, text);
  if (task.has_request && !task.answered && task.request_session > 0) {
    vm_.runtime().system.send_error(task.request_source, task.service->id(), task.request_session);
  }
  end_watched(task, false);
  LuaService& service = *task.service;
  const bool vital = task.vital;
  release(task, false);
  if (vital) service.on_start_failed();
}

// Whoever waits for the task learns that it is over; it cannot be ended a second time meanwhile.
void Scheduler::end_watched(Task& task, bool ok) {
  task.state = Task::State::kRunning;
  task.deadline_ms = 0;
  if (task.hook != Hook::kNone) task.service->on_watched_task_end(task, ok);
}

void Scheduler::report_error(Task& task, const std::string& text) {
  const LuaService::ErrorReport report = task.service->error_report(task);
  if (!report.wanted) return;
  const std::size_t size = std::min(text.size(), report.bytes_max);
  std::string said = text.substr(0, size);
  if (size < text.size()) said += fmt::format(" ... ({} bytes more)", text.size() - size);
  said = with_traceback(task, said);
  const ServiceId id = task.service->id();
  if (task.has_request) {
    log::error(id, "{}lua call [{:x} to :{:x} : {} msgsz = {}] error : {}", report.whose,
               task.request_source.value, id.value, task.request_session, task.request_size, said);
  } else {
    log::error(id, "{}lua error : {}", report.whose, said);
  }
}

void Scheduler::release(Task& task, bool reusable) {
  if (task.has_token) drop_token(task);
  delete std::exchange(task.timer, nullptr);
  GATEHOUSE_ASSERT(task_count_ > 0 && &task != running_);
  GATEHOUSE_ASSERT(task.previous == nullptr ? task.service->tasks_ == &task
                                            : task.previous->next == &task);
  if (task.previous != nullptr) {
    task.previous->next = task.next;
  } else {
    task.service->tasks_ = task.next;
  }
  if (task.next != nullptr) task.next->previous = task.previous;
  --task_count_;
  if (reusable) {
    lua_settop(task.thread, 0);
  } else {
    const bool outer_reserve = vm_.use_reserve(true);
    vm_.reset(task.thread);
    vm_.use_reserve(outer_reserve);
  }
  if (!reusable || pool_.size() >= kPoolMax) {
    vm_.unref(task.anchor);
    delete &task;
    return;
  }
  // The interrupt may have come too late for the function it was meant for.
  if (lua_gethook(task.thread) != nullptr) lua_sethook(task.thread, nullptr, 0, 0);
  Task fresh;
  fresh.thread = task.thread;
  fresh.anchor = task.anchor;
  task = fresh;
  pool_.push_back(&task);
}

void Scheduler::end_service(LuaService& service) {
  actor::System& system = vm_.runtime().system;
  LuaService* const outer = std::exchange(current_, &service);
  for (Task* task = service.tasks_; task != nullptr; task = task->next) {
    if (task->has_request && !task->answered && task->request_session > 0) {
      system.send_error(task->request_source, service.id(), task->request_session);
      task->answered = true;
    }
  }
  // One after the other: a `<close>` handler may end tasks, or make more.
  for (;;) {
    Task* task = service.tasks_;
    while (task != nullptr && task->state == Task::State::kRunning) task = task->next;
    if (task == nullptr) break;
    kill(*task);
  }
  current_ = outer;
}

bool Scheduler::kill(Task& task) {
  if (task.state == Task::State::kRunning) return false;
  if (task.session != 0) sessions_.take(task.service->id(), task.session);
  task.session = 0;
  std::erase(woken_, &task);
  std::erase(forks_, &task);
  if (task.has_request && !task.answered && task.request_session > 0) {
    vm_.runtime().system.send_error(task.request_source, task.service->id(), task.request_session);
    task.answered = true;
  }
  if (!task.service->exiting()) end_watched(task, false);
  release(task, false);
  return true;
}

LuaService* Scheduler::set_current(LuaService* service) {
  return std::exchange(current_, service);
}

std::int32_t Scheduler::new_session(LuaService& service) {
  std::int32_t& last = service.last_session_;
  do {
    last = last == INT32_MAX ? 1 : last + 1;
  } while (sessions_.size() != 0 && sessions_.find(service.id(), last) != nullptr);
  return last;
}

void Scheduler::await_reply(std::int32_t session, ServiceId callee) {
  GATEHOUSE_ASSERT(running_ != nullptr && running_->service == current_ && session > 0);
  running_->state = Task::State::kCalling;
  running_->session = session;
  running_->callee = callee;
  sessions_.insert(current_->id(), session, running_);
}

void Scheduler::schedule(Task& task, std::int64_t centiseconds) {
  GATEHOUSE_ASSERT(task.timer == nullptr);
  LuaService& service = *task.service;
  task.session = new_session(service);
  sessions_.insert(service.id(), task.session, &task);
  actor::System& system = vm_.runtime().system;
  if (centiseconds <= 0) {
    answer(system, service.id(), task.session);
    return;
  }
  auto* timer = new SessionTimer(system, service.id(), task.session);
  task.timer = timer;
  const auto wait_ms = std::min<std::int64_t>(centiseconds, INT32_MAX) * 10;
  service.worker().timers().add(*timer, service.worker().clock().monotonic_ms() + wait_ms);
}

void Scheduler::start_after(Task& task, std::int64_t centiseconds) {
  GATEHOUSE_ASSERT(task.state == Task::State::kNew);
  schedule(task, centiseconds);
}

void Scheduler::await_timer(lua_State* L, std::int64_t centiseconds) {
  await_token(L);
  running_->state = Task::State::kSleeping;
  schedule(*running_, centiseconds);
}

void Scheduler::await_token(lua_State* L) {
  const int top = lua_gettop(L);
  GATEHOUSE_ASSERT(top > 0 && running_ != nullptr && !running_->has_token);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &vm_);  // token -> task
  lua_pushvalue(L, -2);
  if (lua_rawget(L, -2) != LUA_TNIL) luaL_error(L, "token duplicative");
  lua_pop(L, 1);
  lua_insert(L, -2);
  lua_pushlightuserdata(L, running_);
  lua_rawset(L, -3);
  lua_pop(L, 1);
  GATEHOUSE_ASSERT(lua_gettop(L) == top - 1);
  running_->has_token = true;
  running_->broken = false;
  running_->session = 0;
  running_->state = Task::State::kWaiting;
}

bool Scheduler::wakeup(lua_State* L, int index) {
  index = lua_absindex(L, index);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &vm_);
  lua_pushvalue(L, index);
  lua_rawget(L, -2);
  auto* task = static_cast<Task*>(lua_touserdata(L, -1));
  lua_pop(L, 1);
  if (task == nullptr) {
    lua_pop(L, 1);
    return false;
  }
  lua_pushvalue(L, index);
  lua_pushnil(L);
  lua_rawset(L, -3);
  lua_pop(L, 1);
  GATEHOUSE_ASSERT(task->has_token);
  GATEHOUSE_ASSERT(task->state == Task::State::kSleeping || task->state == Task::State::kWaiting);
  task->has_token = false;
  if (task->state == Task::State::kSleeping) {
    const Task* const sleeper = sessions_.take(task->service->id(), task->session);
    GATEHOUSE_ASSERT(sleeper == task);
    task->session = 0;
    delete std::exchange(task->timer, nullptr);
    task->broken = true;
  }
  task->state = Task::State::kWoken;
  woken_.push_back(task);
  return true;
}

void Scheduler::drop_token(Task& task) {
  GATEHOUSE_ASSERT(task.has_token);
  task.has_token = false;
  vm_.forget_token(task.thread, &task);
}

Task* Scheduler::find_overdue(LuaService& service, MonotonicMs now, MonotonicMs& next_ms) const {
  next_ms = 0;
  for (Task* task = service.tasks_; task != nullptr; task = task->next) {
    if (task->deadline_ms == 0 || task->state == Task::State::kRunning) continue;
    if (task->deadline_ms <= now) return task;
    if (next_ms == 0 || task->deadline_ms < next_ms) next_ms = task->deadline_ms;
  }
  return nullptr;
}

void Scheduler::hurry(LuaService& service, MonotonicMs end_ms) {
  for (Task* task = service.tasks_; task != nullptr; task = task->next) {
    if (task->deadline_ms > end_ms) task->deadline_ms = end_ms;
  }
}

const Task* Scheduler::tasks() const {
  return current_ == nullptr ? nullptr : current_->tasks_;
}

Task* Scheduler::find_task(lua_State* thread) const {
  if (current_ == nullptr) return nullptr;
  for (Task* task = current_->tasks_; task != nullptr; task = task->next) {
    if (task->thread == thread) return task;
  }
  return nullptr;
}

}  // namespace gatehouse::script
