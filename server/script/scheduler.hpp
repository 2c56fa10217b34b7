// Runs the coroutines of a VM. A task is a coroutine at work for one service: a request, a
// fork or a timer function. The rules are skynet's (docs/skynet-rules.md 2.1, 2.2, 2.6): tasks
// switch only where they yield; woken tasks run when the current one yields, forks when the message
// is done.
//
// The hot path is C++: a request takes a pooled coroutine, unpacks onto its stack and resumes
// it; a call packs into a message and yields; the reply unpacks onto the caller's stack.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <lua.hpp>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "actor/message.hpp"
#include "actor/timer_wheel.hpp"
#include "base/assert.hpp"
#include "base/clock.hpp"
#include "base/ids.hpp"
#include "script/hook.hpp"
#include "script/interrupt.hpp"
#include "script/session_map.hpp"

namespace gatehouse::script {

class LuaService;
class Vm;

struct Task {
  enum class State : std::uint8_t {
    kNew,       // not started yet
    kRunning,   // on the C++ stack now
    kCalling,   // waits for a reply
    kSleeping,  // waits for its timer, or a wakeup
    kWaiting,   // waits for a wakeup
    kWoken,     // in the queue of woken tasks
    kParked,    // yielded without a reason; only its owner can resume it
  };
  lua_State* thread = nullptr;
  int anchor = LUA_NOREF;  // registry reference that keeps `thread`
  State state = State::kNew;
  bool has_request = false;  // serves a message: ret() makes sense
  bool answered = false;     // ret(), response() or ignoreret() was used
  bool has_token = false;    // an entry of the token table points here
  bool broken = false;       // woken before its time: sleep returns "BREAK"
  bool over = false;         // its script asked the service to end: it goes no further
  bool essential = false;    // may use the VM's reserve of memory, and what it forks
  bool vital = false;        // the service's start function: the service learns of its failure
  Hook hook = Hook::kNone;   // the game's function that it runs
  // By when that must be done; 0: no deadline, or the server makes it wait and has its own.
  MonotonicMs deadline_ms = 0;
  MonotonicMs left_ms = 0;  // of the time until the deadline, while the server makes it wait
  // What its service has to know of it: bytes that the scheduler does not look at, zero at first.
  alignas(8) std::array<std::byte, 32> tag{};

  // The tag as a T, whose state of zero bytes is a good one.
  template <class T>
  [[nodiscard]] T& tag_as() {
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= sizeof(tag) && alignof(T) <= 8);
    return *reinterpret_cast<T*>(tag.data());
  }
  template <class T>
  [[nodiscard]] const T& tag_as() const {
    return const_cast<Task*>(this)->tag_as<T>();
  }

  std::int32_t request_session = 0;
  std::int32_t session = 0;  // of the call or timer it waits for
  std::uint32_t request_size = 0;
  ServiceId request_source;
  ServiceId callee;  // of the call it waits for
  LuaService* service = nullptr;
  actor::Timer* timer = nullptr;  // of its sleep; owned by the task
  Task* previous = nullptr;       // list of the service's tasks
  Task* next = nullptr;
};

class Scheduler {
 public:
  explicit Scheduler(Vm& vm) : vm_(vm) {}
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;
  ~Scheduler();

  // --- Called by LuaService ---
  // Handles one message, then everything it woke or forked.
  void dispatch(LuaService& service, actor::MessagePtr message);
  // A task with an empty stack: push its function with lua_pushcfunction, or move it there with
  // its arguments; it runs with resume at once, or later with fork. nullptr: there is no memory
  // for a coroutine.
  [[nodiscard]] Task* create_task(LuaService& service);
  // Resumes a task with `arguments` values on its stack.
  void resume(Task& task, int arguments);
  // Runs woken and forked tasks until none is left, or until kTasksPerMessage have run: then the
  // rest is left to a message, so that others have their turn.
  void run_queues();
  // Ends all tasks of a service that exits: requesters get errors, callees learn that nobody
  // waits, `<close>` variables run. The running task ends when it yields.
  void end_service(LuaService& service);

  // --- Called by bindings, in the running task ---
  [[nodiscard]] LuaService* current() const { return current_; }
  [[nodiscard]] Task* running() const { return running_; }
  [[nodiscard]] const actor::Message* incoming() const { return incoming_; }
  // Sets the service on whose behalf code outside any task runs; returns the previous.
  LuaService* set_current(LuaService* service);

  // A fresh session of a service: 1..2^31-1, skipping those still waited for.
  std::int32_t new_session(LuaService& service);
  // The running task waits for the reply to (service, session); yield next.
  void await_reply(std::int32_t session, ServiceId callee);
  // The running task got a pointer to the reply that it waited for. With forward_type of replies
  // the payload is its own from now on.
  void lend_reply() { reply_lent_ = true; }
  // The running task sleeps; yield next. A token for wakeup is on top of L's stack and popped.
  void await_timer(lua_State* L, std::int64_t centiseconds);
  // Waits for wakeup(token); raises "token duplicative".
  void await_token(lua_State* L);
  // Wakes who waits on the token at `index`; false when nobody does.
  bool wakeup(lua_State* L, int index);
  // Queues a new task for after this message.
  void fork(Task& task) {
    GATEHOUSE_ASSERT(task.state == Task::State::kNew && lua_gettop(task.thread) > 0);
    forks_.push_back(&task);
  }
  // Queues a new task to start when its timer message arrives.
  void start_after(Task& task, std::int64_t centiseconds);
  // The task stops before its next line that is no deeper in the stack than `depth_max`, and with
  // `inside` deeper than now, as if it had yielded without a reason, and wakes who waits on the
  // token, a table in the registry at stop_token(). One task of a VM at a time.
  void stop_at_line(Task& task, int depth_max, bool inside);
  static const void* stop_token();
  // Goes on with a task that stopped there; false when it has not.
  bool go_on(Task& task);
  // Ends a suspended task; false when it is running or unknown.
  bool kill(Task& task);
  // A waiting task of the service whose deadline has passed, or nullptr: then `next_ms` is the
  // earliest deadline ahead, 0 without one.
  [[nodiscard]] Task* find_overdue(LuaService& service, MonotonicMs now,
                                   MonotonicMs& next_ms) const;
  // No deadline of the service's tasks is later than `end_ms`.
  void hurry(LuaService& service, MonotonicMs end_ms);
  // `text`, and where the task waits.
  [[nodiscard]] std::string with_traceback(Task& task, std::string_view text);
  [[nodiscard]] Task* find_task(lua_State* thread) const;
  // The first task of the current service, the head of a list; nullptr when there is none.
  [[nodiscard]] const Task* tasks() const;
  [[nodiscard]] const SessionMap& sessions() const { return sessions_; }

  // Ends the task that is over its time; knows the coroutine that runs.
  [[nodiscard]] Interrupt& interrupt() { return interrupt_; }

 private:
  friend class Vm;
  [[nodiscard]] bool grow_pool();
  void on_reply(LuaService& service, actor::MessagePtr message);
  void on_peer_death(LuaService& service, ServiceId peer);
  void on_request(LuaService& service, actor::MessagePtr message);
  void run_request(LuaService& service, const actor::Message& message, lua_CFunction main);
  bool load_debug(LuaService& service, actor::MessageType type);
  void refuse_request(LuaService& service, const actor::Message& message);
  void refuse_reply(LuaService& service, actor::MessagePtr message);
  void run_next(std::deque<Task*>& queue);
  void finish(Task& task);
  void stop(Task& task);
  void fail(Task& task, const std::string& text);
  void end_watched(Task& task, bool ok);
  void report_error(Task& task, const std::string& text);
  void release(Task& task, bool reusable);
  void drop_token(Task& task);
  void schedule(Task& task, std::int64_t centiseconds);

  static constexpr std::size_t kPoolMax = 256;
  // Tasks that one message may wake and fork; those after them wait for the next one.
  static constexpr int kTasksPerMessage = 10'000;

  Vm& vm_;
  LuaService* current_ = nullptr;
  Task* running_ = nullptr;
  Interrupt interrupt_;
  ServiceId reminded_;  // has a message on its way that runs the queues
  const actor::Message* incoming_ = nullptr;
  bool reply_lent_ = false;
  bool starved_ = false;  // the message that is dispatched was not handled for want of memory
  SessionMap sessions_;
  std::deque<Task*> woken_;
  std::deque<Task*> forks_;
  std::vector<Task*> pool_;
  std::size_t task_count_ = 0;
};

}  // namespace gatehouse::script
