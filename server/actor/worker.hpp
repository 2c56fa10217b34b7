// A worker: one thread with a run queue, an inbox, timers and the services born on it. An event
// loop (net::UvLoop in the server, CondvarLoop in tests) drives it turn by turn.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "actor/inbox.hpp"
#include "actor/service.hpp"
#include "actor/timer_wheel.hpp"
#include "base/assert.hpp"
#include "base/clock.hpp"
#include "base/executor.hpp"

namespace gatehouse::actor {

class System;
class Worker;

inline constexpr std::uint16_t kWorkersMax = 256;

// The event loop of one worker, running on the worker's thread.
class Loop {
 public:
  virtual ~Loop() = default;
  // Runs turns until worker.stopping(), and ends. Called once, on the worker's thread.
  virtual void run(Worker& worker) = 0;
  // In the place of run(), by who has one thread for many workers: one turn, and what has arrived
  // meanwhile, without waiting. False when there is nothing to do before something arrives or a
  // timer is due; once worker.stopping(), the loop ends.
  virtual bool step(Worker& worker);
  // Makes a sleeping run() return to worker.turn(). Any thread.
  virtual void wake() = 0;
};

// Told at the end of each turn, before the loop sleeps: connections flush their output here.
class TurnEndHook {
 public:
  virtual ~TurnEndHook() = default;
  virtual void on_turn_end() = 0;
};

// What the monitor sees of a worker: the piece of work that it is in.
struct Activity {
  std::uint64_t sequence = 0;  // grows with every piece of work; even: idle, odd: in a handler
  ServiceId source, destination;
  std::uint32_t break_ms = 0;  // how long it may take; 0: limits.endless_loop_break_ms
};

class Worker {
 public:
  Worker(System& system, std::uint16_t index, std::uint64_t mailbox_bytes_max);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // The worker that runs on this thread, or nullptr.
  [[nodiscard]] static Worker* current();

  [[nodiscard]] System& system() const { return system_; }
  [[nodiscard]] const Clock& clock() const { return clock_; }
  [[nodiscard]] std::uint16_t index() const { return index_; }
  // The loop that drives it; null before it begins.
  [[nodiscard]] Loop* loop() const { return loop_; }

  // --- Any thread ---
  // Runs `function` on the worker's thread, soon. After the worker stopped, never.
  void post(UniqueFunction<void()> function);
  // Delivers messages from another thread.
  void push(EnvelopeBatch batch);
  void request_stop();
  [[nodiscard]] bool stopping() const { return stopping_.load(std::memory_order_acquire); }
  [[nodiscard]] Activity activity() const;
  // Interrupts the piece of work with this number: its interrupt function is called on the
  // worker's thread in a signal handler, unless other work runs by then. A system call that blocks
  // there ends with EINTR. False when the worker's thread is not running.
  bool interrupt(std::uint64_t sequence);
  // Whether the monitor sees it in one piece of work for longer than limits.worker_stuck_ms. What
  // is placed on it now waits until that ends.
  [[nodiscard]] bool stuck() const { return stuck_since() != 0; }
  // When that work began; 0: it is not stuck.
  [[nodiscard]] MonotonicMs stuck_since() const {
    return stuck_since_.load(std::memory_order_relaxed);
  }
  // Whether its runner has ended, or never began.
  [[nodiscard]] bool ended();

  // --- Owner thread ---
  // One turn: inbox, due timers, ready services up to a budget, outgoing batches. Returns true
  // when work remains and the loop must not sleep.
  bool turn();
  // Whether a turn would find something to do now.
  [[nodiscard]] bool has_work() const {
    return !inbox_.empty() || ready_head_ != nullptr || next_timer_ms() == 0;
  }
  // Milliseconds until a timer is due; -1: none.
  [[nodiscard]] std::int64_t next_timer_ms() const;
  // Call before blocking; false: work arrived, do not sleep. After sleeping: awake(), before
  // anything reads now() or starts a timer; more than once does no harm.
  [[nodiscard]] bool prepare_sleep();
  // Whether other threads sent something that no turn has taken yet.
  [[nodiscard]] bool has_mail() const { return !inbox_.empty(); }
  void awake() {
    sleeping_.store(false, std::memory_order_relaxed);
    now_ = clock_.monotonic_ms();
  }

  // The time of this turn, or of the waking since.
  [[nodiscard]] MonotonicMs now() const { return now_; }
  [[nodiscard]] TimerWheel& timers() { return timers_; }
  // Takes a service and gives it the reserved address.
  Service& attach(ServiceId id, std::unique_ptr<Service> service);
  // Ends a service: on_exit, errors to queued requesters, out of the registry; freed once its
  // handler returned. Retiring twice does nothing.
  void retire(Service& service);
  // The same, unless the service has things to do first (Service::ends_when_asked).
  void ask_to_end(Service& service, bool itself);
  // The living service at an address of this worker, or nullptr.
  [[nodiscard]] Service* find(ServiceId id) const;
  // Queues a message for a service of this worker.
  SendResult deliver(Service& service, MessagePtr message);
  // Queues a message for another worker; leaves with the turn's batch.
  void forward(std::uint16_t worker, MessagePtr message);
  // Hands over what forward() queued: whoever learns of this moment later cannot overtake it.
  void flush_outgoing();
  // Keeps a service's object alive across code that may retire it. Nests.
  void pin(Service& service) {
    ++service.pins_;
    GATEHOUSE_ASSERT(service.pins_ != 0);  // it did not wrap
  }
  void unpin(Service& service);
  // Brackets code that runs scripts outside a message (a request straight from a connection),
  // for the monitor. Nests: end_activity takes what begin_activity returned.
  Activity begin_activity(ServiceId source, ServiceId destination);
  void end_activity(const Activity& outer);
  // The next piece of work in the same handler begins, with a time of its own: `break_ms`, or 0
  // for the limit. Not outside a handler.
  void renew_activity(std::uint32_t break_ms = 0);
  // How long the message that is handled now has been, while System::profile is on; else 0.
  [[nodiscard]] std::int64_t message_ns() const {
    return message_started_ns_ == 0 ? 0 : clock_.monotonic_ns() - message_started_ns_;
  }
  void add_turn_end_hook(TurnEndHook* hook) {
    GATEHOUSE_ASSERT(hook != nullptr);
    hooks_.push_back(hook);
  }
  void remove_turn_end_hook(TurnEndHook* hook);
  [[nodiscard]] std::size_t service_count() const { return services_.size(); }
  // Visits the services in no order; `visit` must not retire any.
  template <class F>
  void each_service(F&& visit) {
    for (auto& [id, service] : services_) visit(*service);
  }

  // What an Executor runs: the loop, then the end of all services. Once; by System.
  [[nodiscard]] std::unique_ptr<Runner> runner(Loop& loop);

 private:
  class Run;
  void begin(Loop& loop);
  void end();
  void drain_inbox();
  void run_ready();
  void run_one(Service& service);
  void make_ready(Service& service);
  void set_activity(const Activity& activity);
  void drop_mailbox(Service& service);
  void free_if_done(Service& service);
  void refuse(MessagePtr message);
  void take_remote_bytes(const Message& message);
  void set_thread(unsigned long thread);

  System& system_;
  const Clock& clock_;
  const std::uint16_t index_;
  const std::uint64_t mailbox_bytes_max_;
  TimerWheel timers_;
  MonotonicMs now_ = 0;
  std::int64_t message_started_ns_ = 0;
  Service* ready_head_ = nullptr;
  Service* ready_tail_ = nullptr;
  std::unordered_map<std::uint32_t, std::unique_ptr<Service>> services_;
  std::vector<TurnEndHook*> hooks_;
  std::vector<EnvelopeBatch> outgoing_;        // by worker
  std::vector<std::uint16_t> outgoing_dirty_;  // workers with a batch
  Loop* loop_ = nullptr;

  Inbox inbox_;
  alignas(64) std::atomic<bool> sleeping_{false};
  std::atomic<bool> stopping_{false};
  std::atomic<Loop*> wakeable_loop_{nullptr};
  std::mutex thread_mutex_;   // held while a signal is sent, so that it goes to a living thread
  unsigned long thread_ = 0;  // pthread_t while its runner runs

  alignas(64) std::atomic<std::uint64_t> sequence_{0};
  std::atomic<std::uint32_t> current_source_{0};
  std::atomic<std::uint32_t> current_destination_{0};
  std::atomic<std::uint32_t> current_break_ms_{0};

  friend class System;  // the monitor
  std::atomic<MonotonicMs> stuck_since_{0};
};

// What interrupt() calls on a thread; must be async-signal-safe.
struct InterruptTarget {
  void (*function)(void*) = nullptr;
  void* argument = nullptr;
};

// Sets it for the current thread and returns the one before. Set by a service around code that
// can be interrupted, and set back after it.
InterruptTarget set_interrupt_target(InterruptTarget target);

}  // namespace gatehouse::actor
