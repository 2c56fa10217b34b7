#include "script/scheduler.hpp"

#include <algorithm>

#include "actor/system.hpp"
#include "base/assert.hpp"
#include "base/log.hpp"
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
  void fire() override { send(system_, service_, session_); }
  static void send(actor::System& system, ServiceId service, std::int32_t session) {
    MessagePtr message = actor::make_message(std::size_t{0});
    message->type = MessageType::kResponse;
    message->session = session;
    message->source = service;
    message->destination = service;
    system.send(std::move(message));
  }

 private:
  actor::System& system_;
  ServiceId service_;
  std::int32_t session_;
};

// pcall body: (std::string*, lua_State*) as light userdata -> text with traceback.
int make_traceback(lua_State* L) {
  const auto* text = static_cast<const std::string*>(lua_touserdata(L, 1));
  luaL_traceback(L, static_cast<lua_State*>(lua_touserdata(L, 2)), text->c_str(), 0);
  return 1;
}

}  // namespace

Scheduler::~Scheduler() {
  GATEHOUSE_ASSERT(running_ == nullptr);
  for (Task* task : pool_) delete task;
}

Task& Scheduler::create_task(LuaService& service) {
  Task* task = nullptr;
  if (pool_.empty()) {
    task = new Task();
    task->thread = lua_newthread(vm_.main());
    task->anchor = luaL_ref(vm_.main(), LUA_REGISTRYINDEX);
  } else {
    task = pool_.back();
    pool_.pop_back();
  }
  task->service = &service;
  task->next = service.tasks_;
  if (task->next != nullptr) task->next->previous = task;
  service.tasks_ = task;
  ++task_count_;
  return *task;
}

void Scheduler::resume(Task& task, int arguments) {
  LuaService& service = *task.service;
  actor::Worker& worker = service.worker();
  worker.pin(service);
  vm_.refresh_tables();
  Task* const outer = std::exchange(running_, &task);
  LuaService* const outer_service = std::exchange(current_, &service);
  lua_State* const outer_thread = std::exchange(running_thread_, task.thread);
  task.state = Task::State::kRunning;
  int results = 0;
  const int status = lua_resume(task.thread, vm_.main(), arguments, &results);
  running_ = outer;
  if (status == LUA_OK) {
    finish(task);
  } else if (status != LUA_YIELD) {
    fail(task);
  } else if (service.exiting()) {
    release(task, false);
  } else if (task.over) {
    lua_pop(task.thread, results);
    if (task.state == Task::State::kRunning) task.state = Task::State::kParked;
    kill(task);
  } else if (results > 0 && task.state == Task::State::kRunning) {
    // Not luaL_tolstring: nothing here would catch what a __tostring raises.
    const bool plain = lua_isstring(task.thread, -results) != 0;
    lua_pushfstring(task.thread, "Unknown command : %s",
                    plain ? lua_tostring(task.thread, -results)
                          : luaL_typename(task.thread, -results));
    fail(task);
  } else {
    lua_pop(task.thread, results);
    if (task.state == Task::State::kRunning) task.state = Task::State::kParked;
  }
  current_ = outer_service;
  running_thread_ = outer_thread;
  worker.unpin(service);
}

void Scheduler::run_queues() {
  while (!woken_.empty() || !forks_.empty()) run_next(woken_.empty() ? forks_ : woken_);
}

void Scheduler::run_next(std::deque<Task*>& queue) {
  Task* task = queue.front();
  queue.pop_front();
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

std::string Scheduler::with_traceback(Task& task, std::string_view text) {
  lua_State* L = vm_.main();
  std::string report(text);
  if (!lua_checkstack(L, 4)) return report;
  const std::string plain = report;
  lua_pushcfunction(L, make_traceback);
  lua_pushlightuserdata(L, const_cast<std::string*>(&plain));
  lua_pushlightuserdata(L, task.thread);
  // Out of memory leaves the plain text.
  if (lua_pcall(L, 2, 1, 0) == LUA_OK) report = Vm::error_text(L, -1);
  lua_pop(L, 1);
  return report;
}

void Scheduler::fail(Task& task) {
  report_error(task, with_traceback(task, Vm::error_text(task.thread, -1)));
  if (task.has_request && !task.answered && task.request_session > 0) {
    vm_.runtime().system.send_error(task.request_source, task.service->id(),
                                    task.request_session);
  }
  end_watched(task, false);
  release(task, false);
}

// Whoever waits for the task learns that it is over; it cannot be ended a second time meanwhile.
void Scheduler::end_watched(Task& task, bool ok) {
  task.state = Task::State::kRunning;
  task.deadline_ms = 0;
  if (task.on_client || task.hook != Hook::kNone) task.service->on_watched_task_end(task, ok);
}

void Scheduler::report_error(Task& task, std::string_view text) {
  if (task.has_request) {
    log::error(task.service->id(), "lua call [{:x} to :{:x} : {} msgsz = {}] error : {}",
               task.request_source.value, task.service->id().value, task.request_session,
               task.request_size, text);
  } else {
    log::error(task.service->id(), "lua error : {}", text);
  }
}

void Scheduler::release(Task& task, bool reusable) {
  if (task.has_token) drop_token(task);
  delete std::exchange(task.timer, nullptr);
  if (task.previous != nullptr) {
    task.previous->next = task.next;
  } else {
    task.service->tasks_ = task.next;
  }
  if (task.next != nullptr) task.next->previous = task.previous;
  --task_count_;
  // Runs pending to-be-closed variables; a failing one leaves its error on the stack.
  if (!reusable) lua_resetthread(task.thread);
  lua_settop(task.thread, 0);
  // A thread that an error ended inside a hook (the monitor's) never runs hooks again, so that
  // it could not be interrupted a second time.
  if (!reusable || pool_.size() >= kPoolMax) {
    luaL_unref(vm_.main(), LUA_REGISTRYINDEX, task.anchor);
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
    vm_.runtime().system.send_error(task.request_source, task.service->id(),
                                    task.request_session);
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
  running_->state = Task::State::kCalling;
  running_->session = session;
  running_->callee = callee;
  sessions_.insert(current_->id(), session, running_);
}

void Scheduler::schedule(Task& task, std::int64_t centiseconds) {
  LuaService& service = *task.service;
  task.session = new_session(service);
  sessions_.insert(service.id(), task.session, &task);
  actor::System& system = vm_.runtime().system;
  if (centiseconds <= 0) {
    SessionTimer::send(system, service.id(), task.session);
    return;
  }
  auto* timer = new SessionTimer(system, service.id(), task.session);
  task.timer = timer;
  const auto wait_ms = std::min<std::int64_t>(centiseconds, INT32_MAX) * 10;
  service.worker().timers().add(*timer, monotonic_ms() + wait_ms);
}

void Scheduler::start_after(Task& task, std::int64_t centiseconds) {
  schedule(task, centiseconds);
}

void Scheduler::await_timer(lua_State* L, std::int64_t centiseconds) {
  await_token(L);
  running_->state = Task::State::kSleeping;
  schedule(*running_, centiseconds);
}

void Scheduler::await_token(lua_State* L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &vm_);  // token -> task
  lua_pushvalue(L, -2);
  if (lua_rawget(L, -2) != LUA_TNIL) luaL_error(L, "token duplicative");
  lua_pop(L, 1);
  lua_insert(L, -2);
  lua_pushlightuserdata(L, running_);
  lua_rawset(L, -3);
  lua_pop(L, 1);
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
  task->has_token = false;
  if (task->state == Task::State::kSleeping) {
    sessions_.take(task->service->id(), task->session);
    task->session = 0;
    delete std::exchange(task->timer, nullptr);
    task->broken = true;
  }
  task->state = Task::State::kWoken;
  woken_.push_back(task);
  return true;
}

void Scheduler::drop_token(Task& task) {
  task.has_token = false;
  lua_State* L = vm_.main();
  lua_rawgetp(L, LUA_REGISTRYINDEX, &vm_);
  const int table = lua_gettop(L);
  // The usual token is the coroutine itself.
  lua_pushthread(task.thread);
  lua_xmove(task.thread, L, 1);
  lua_pushvalue(L, -1);
  if (lua_rawget(L, table) == LUA_TLIGHTUSERDATA && lua_touserdata(L, -1) == &task) {
    lua_pop(L, 1);
    lua_pushnil(L);
    lua_rawset(L, table);
  } else {
    for (lua_pushnil(L); lua_next(L, table) != 0; lua_pop(L, 1)) {
      if (lua_touserdata(L, -1) != &task) continue;
      lua_pushvalue(L, -2);
      lua_pushnil(L);
      lua_rawset(L, table);
      lua_settop(L, table);
      break;
    }
  }
  lua_settop(L, table - 1);
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

const Task* Scheduler::tasks() const { return current_ == nullptr ? nullptr : current_->tasks_; }

Task* Scheduler::find_task(lua_State* thread) const {
  if (current_ == nullptr) return nullptr;
  for (Task* task = current_->tasks_; task != nullptr; task = task->next) {
    if (task->thread == thread) return task;
  }
  return nullptr;
}

}  // namespace gatehouse::script
