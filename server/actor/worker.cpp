#include "actor/worker.hpp"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <utility>

#include "actor/system.hpp"
#include "base/assert.hpp"
#include "base/log.hpp"

namespace gatehouse::actor {
namespace {

// A turn handles this many messages, or this much time, before the loop looks at its sockets.
constexpr int kMessagesPerTurn = 1024;
constexpr int kMessagesPerService = 64;
constexpr std::int64_t kTurnNs = 250'000;
// Other workers neither wait longer than this for what was sent to them in a turn, nor is what
// they sent left lying longer, while other services run.
constexpr std::int64_t kExchangeNs = 50'000;
constexpr int kMessagesPerClock = 16;
thread_local Worker* current_worker = nullptr;

thread_local void (*volatile interrupt_function)(void*) = nullptr;
thread_local void* volatile interrupt_argument = nullptr;

constexpr int kInterruptSignal = SIGURG;  // ignored by default, so a late one harms nobody

// The signal's value is the number of the work that it is meant for.
void on_interrupt_signal(int, siginfo_t* info, void*) {
  if (interrupt_function == nullptr || info->si_code != SI_QUEUE) return;
  const auto meant = reinterpret_cast<std::uintptr_t>(info->si_value.sival_ptr);
  if (current_worker->activity().sequence != meant) return;
  const int error = errno;
  interrupt_function(interrupt_argument);
  errno = error;
}

}  // namespace

InterruptTarget set_interrupt_target(InterruptTarget target) {
  const InterruptTarget outer{interrupt_function, interrupt_argument};
  interrupt_function = nullptr;
  interrupt_argument = target.argument;
  interrupt_function = target.function;
  return outer;
}

bool Loop::step(Worker& worker) {
  return worker.turn();
}

Service::~Service() {
  GATEHOUSE_ASSERT(mailbox_head_ == nullptr && !running_);
}

Worker* Worker::current() {
  return current_worker;
}

Worker::Worker(System& system, std::uint16_t index, std::uint64_t mailbox_bytes_max)
    : system_(system),
      clock_(system.world().clock),
      index_(index),
      mailbox_bytes_max_(mailbox_bytes_max),
      timers_(clock_.monotonic_ms()),
      now_(clock_.monotonic_ms()),
      outgoing_(kWorkersMax) {
  GATEHOUSE_ASSERT(index < kWorkersMax);
}

Worker::~Worker() {
  GATEHOUSE_ASSERT(services_.empty());
  GATEHOUSE_ASSERT(outgoing_dirty_.empty());
  GATEHOUSE_ASSERT(current_worker != this && ended());
  for (Envelope* e = inbox_.take(); e != nullptr;) {
    Envelope* next = e->next;
    if (e->kind == Envelope::Kind::kJob) {
      delete static_cast<Job*>(e);
    } else {
      MessagePtr(static_cast<Message*>(e)).reset();
    }
    e = next;
  }
}

void Worker::post(UniqueFunction<void()> function) {
  EnvelopeBatch batch;
  batch.add(new Job(std::move(function)));
  push(batch);
}

void Worker::push(EnvelopeBatch batch) {
  inbox_.push(batch);
  // Pairs with prepare_sleep(): either it sees the inbox filled, or we see it asleep.
  if (sleeping_.load(std::memory_order_seq_cst) && sleeping_.exchange(false)) {
    if (Loop* loop = wakeable_loop_.load(std::memory_order_acquire)) loop->wake();
  }
}

void Worker::request_stop() {
  stopping_.store(true, std::memory_order_release);
  post([] {});
}

Activity Worker::activity() const {
  Activity a;
  a.sequence = sequence_.load(std::memory_order_acquire);
  a.source = ServiceId{current_source_.load(std::memory_order_relaxed)};
  a.destination = ServiceId{current_destination_.load(std::memory_order_relaxed)};
  a.break_ms = current_break_ms_.load(std::memory_order_relaxed);
  return a;
}

bool Worker::interrupt(std::uint64_t sequence) {
  static_assert(sizeof(void*) == sizeof sequence);
  sigval value{};
  value.sival_ptr = reinterpret_cast<void*>(sequence);
  const std::lock_guard lock(thread_mutex_);
  return thread_ != 0 && pthread_sigqueue(thread_, kInterruptSignal, value) == 0;
}

bool Worker::ended() {
  const std::lock_guard lock(thread_mutex_);
  return thread_ == 0;
}

bool Worker::turn() {
  GATEHOUSE_ASSERT(current_worker == this && !sleeping_.load(std::memory_order_relaxed));
  now_ = clock_.monotonic_ms();
  drain_inbox();
  timers_.advance(now_);
  run_ready();
  flush_outgoing();
  for (TurnEndHook* hook : hooks_) hook->on_turn_end();
  flush_outgoing();  // what the hooks sent must not wait for the next turn
  GATEHOUSE_ASSERT((sequence_.load(std::memory_order_relaxed) & 1) == 0);  // nothing is at work
  return ready_head_ != nullptr || !inbox_.empty();
}

std::int64_t Worker::next_timer_ms() const {
  return timers_.next_in_ms(clock_.monotonic_ms());
}

bool Worker::prepare_sleep() {
  GATEHOUSE_ASSERT(current_worker == this && outgoing_dirty_.empty());
  sleeping_.store(true, std::memory_order_seq_cst);
  if (inbox_.empty() && ready_head_ == nullptr && !stopping()) return true;
  sleeping_.store(false, std::memory_order_relaxed);
  return false;
}

void Worker::drain_inbox() {
  for (Envelope* e = inbox_.take(); e != nullptr;) {
    Envelope* next = e->next;
    if (e->kind == Envelope::Kind::kJob) {
      std::unique_ptr<Job> job(static_cast<Job*>(e));
      GATEHOUSE_ASSERT(job->function);
      job->function();
    } else {
      MessagePtr message(static_cast<Message*>(e));
      GATEHOUSE_ASSERT(message->remote);
      if (Service* service = find(message->destination)) {
        deliver(*service, std::move(message));
      } else {
        refuse(std::move(message));
      }
    }
    e = next;
  }
}

// The receiver ended while the message was on its way.
void Worker::refuse(MessagePtr message) {
  GATEHOUSE_ASSERT(message->remote);  // who sends from here is told by the result
  take_remote_bytes(*message);
  system_.reply_error(*message);
}

// A message that another thread sent has arrived where it went.
void Worker::take_remote_bytes(const Message& message) {
  Registry::Slot* slot = system_.registry().find(message.destination);
  GATEHOUSE_ASSERT(slot != nullptr);
  const auto cost = static_cast<std::int64_t>(message.cost());
  const std::int64_t before = slot->remote_bytes.fetch_sub(cost, std::memory_order_relaxed);
  GATEHOUSE_ASSERT(before >= cost);
}

SendResult Worker::deliver(Service& service, MessagePtr message) {
  GATEHOUSE_ASSERT(service.worker_ == this && message->destination == service.id_);
  if (service.exiting_) return SendResult::kUnknown;
  if (!message->remote) {
    // Replies are never refused: their number is bounded by the requests made.
    const bool bounded =
        message->type != MessageType::kResponse && message->type != MessageType::kError;
    if (bounded && service.mailbox_bytes_ + message->cost() > mailbox_bytes_max_) {
      return SendResult::kFull;
    }
    service.mailbox_bytes_ += message->cost();
  }
  Message* m = message.release();
  m->next = nullptr;
  GATEHOUSE_ASSERT((service.mailbox_tail_ == nullptr) == (service.mailbox_length_ == 0));
  if (service.mailbox_tail_ == nullptr) {
    service.mailbox_head_ = m;
  } else {
    service.mailbox_tail_->next = m;
  }
  service.mailbox_tail_ = m;
  ++service.mailbox_length_;
  make_ready(service);
  return SendResult::kQueued;
}

void Worker::forward(std::uint16_t worker, MessagePtr message) {
  GATEHOUSE_ASSERT(current_worker == this && worker != index_ && worker < kWorkersMax);
  GATEHOUSE_ASSERT(message->remote);
  EnvelopeBatch& batch = outgoing_[worker];
  if (batch.newest == nullptr) outgoing_dirty_.push_back(worker);
  batch.add(message.release());
}

void Worker::flush_outgoing() {
  for (const std::uint16_t index : outgoing_dirty_) {
    EnvelopeBatch batch = std::exchange(outgoing_[index], EnvelopeBatch{});
    GATEHOUSE_ASSERT(batch.newest != nullptr);
    system_.worker(index).push(batch);
  }
  outgoing_dirty_.clear();
}

void Worker::make_ready(Service& service) {
  if (service.ready_ || service.running_) return;
  GATEHOUSE_ASSERT((ready_head_ == nullptr) == (ready_tail_ == nullptr));
  service.ready_ = true;
  service.next_ready_ = nullptr;
  if (ready_tail_ == nullptr) {
    ready_head_ = &service;
  } else {
    ready_tail_->next_ready_ = &service;
  }
  ready_tail_ = &service;
}

void Worker::run_ready() {
  if (ready_head_ == nullptr) return;
  int left = kMessagesPerTurn;
  int next_clock = left - kMessagesPerClock;
  const std::int64_t start = clock_.monotonic_ns();
  std::int64_t exchanged = start;
  while (ready_head_ != nullptr) {
    Service& service = *ready_head_;
    ready_head_ = service.next_ready_;
    if (ready_head_ == nullptr) ready_tail_ = nullptr;
    GATEHOUSE_ASSERT(service.ready_ && !service.running_);
    service.ready_ = false;
    service.running_ = true;
    int share = kMessagesPerService;
    while (share-- > 0 && service.mailbox_head_ != nullptr && !service.exiting_) {
      run_one(service);
      --left;
    }
    service.running_ = false;
    if (service.exiting_) {
      free_if_done(service);
    } else if (service.mailbox_head_ != nullptr) {
      make_ready(service);
    }
    if (left <= 0) return;
    if (left > next_clock) continue;
    next_clock = left - kMessagesPerClock;
    const std::int64_t now = clock_.monotonic_ns();
    if (now - start > kTurnNs) return;
    if (now - exchanged < kExchangeNs) continue;
    exchanged = now;
    flush_outgoing();
    drain_inbox();
  }
}

void Worker::run_one(Service& service) {
  Message* m = service.mailbox_head_;
  GATEHOUSE_ASSERT(m != nullptr && service.mailbox_length_ > 0);
  service.mailbox_head_ = static_cast<Message*>(m->next);
  --service.mailbox_length_;
  if (service.mailbox_head_ == nullptr) {
    GATEHOUSE_ASSERT(service.mailbox_length_ == 0 && service.mailbox_tail_ == m);
    service.mailbox_tail_ = nullptr;
  }
  ++service.message_count_;
  if (m->remote) {
    take_remote_bytes(*m);
  } else {
    GATEHOUSE_ASSERT(service.mailbox_bytes_ >= m->cost());
    service.mailbox_bytes_ -= m->cost();
  }
  if (service.mailbox_length_ > service.overload_warned_at_) {
    log::warn(service.id_, "May overload, message queue length = {}", service.mailbox_length_);
    while (service.overload_warned_at_ < service.mailbox_length_) service.overload_warned_at_ *= 2;
  } else if (service.mailbox_length_ == 0) {
    service.overload_warned_at_ = 1024;
  }
  const Activity outer = begin_activity(m->source, service.id_);
  if (system_.profiles()) {
    message_started_ns_ = clock_.monotonic_ns();
    service.on_message(MessagePtr(m));
    service.busy_ns_ += clock_.monotonic_ns() - message_started_ns_;
    message_started_ns_ = 0;
  } else {
    service.on_message(MessagePtr(m));
  }
  end_activity(outer);
}

void Worker::unpin(Service& service) {
  GATEHOUSE_ASSERT(service.pins_ > 0);
  --service.pins_;
  if (service.exiting_ && !service.running_) free_if_done(service);
}

void Worker::set_activity(const Activity& activity) {
  current_source_.store(activity.source.value, std::memory_order_relaxed);
  current_destination_.store(activity.destination.value, std::memory_order_relaxed);
  current_break_ms_.store(activity.break_ms, std::memory_order_relaxed);
  sequence_.store(activity.sequence, std::memory_order_release);
}

Activity Worker::begin_activity(ServiceId source, ServiceId destination) {
  const Activity outer = activity();
  set_activity({(outer.sequence + 1) | 1, source, destination, 0});
  return outer;
}

void Worker::end_activity(const Activity& outer) {
  const std::uint64_t idle = sequence_.load(std::memory_order_relaxed) + 1;
  GATEHOUSE_ASSERT((idle & 1) == 0 && outer.sequence < idle);  // one has begun, inside `outer`
  set_activity({idle + (outer.sequence & 1), outer.source, outer.destination, outer.break_ms});
}

void Worker::renew_activity(std::uint32_t break_ms) {
  const std::uint64_t sequence = sequence_.load(std::memory_order_relaxed);
  if ((sequence & 1) == 0) return;
  current_break_ms_.store(break_ms, std::memory_order_relaxed);
  sequence_.store(sequence + 2, std::memory_order_release);
}

Service& Worker::attach(ServiceId id, std::unique_ptr<Service> service) {
  GATEHOUSE_ASSERT(current_worker == this && service != nullptr && service->worker_ == nullptr);
  Service& s = *service;
  s.id_ = id;
  s.worker_ = this;
  Registry::Slot* slot = system_.registry().find(id);
  GATEHOUSE_ASSERT(slot != nullptr && slot->live.load() && slot->service == nullptr);
  GATEHOUSE_ASSERT(slot->worker.load(std::memory_order_relaxed) == index_);
  slot->service = &s;
  const bool fresh = services_.emplace(id.value, std::move(service)).second;
  GATEHOUSE_ASSERT(fresh);
  s.running_ = true;
  s.on_start();
  GATEHOUSE_ASSERT(s.running_ && !s.ready_);  // nothing has run it meanwhile
  s.running_ = false;
  if (s.exiting_) {
    free_if_done(s);
  } else if (s.mailbox_head_ != nullptr) {
    make_ready(s);
  }
  return s;
}

Service* Worker::find(ServiceId id) const {
  const Registry::Slot* slot = system_.registry().find(id);
  if (slot == nullptr || slot->worker.load(std::memory_order_relaxed) != index_) return nullptr;
  GATEHOUSE_ASSERT(current_worker == this);
  return slot->service;
}

void Worker::retire(Service& service) {
  GATEHOUSE_ASSERT(current_worker == this && service.worker_ == this);
  if (service.exiting_) return;
  service.exiting_ = true;
  service.on_exit();
  drop_mailbox(service);
  // In this order: whoever registers an entity and then finds its actor alive will see the
  // entry removed.
  system_.registry().release(service.id_);
  system_.entities().remove_all(service.id_);
  if (service.announces_exit()) system_.announce_exit(service.id_);
  if (system_.registry().count() == 0) system_.request_abort();
  if (!service.running_) free_if_done(service);
}

void Worker::ask_to_end(Service& service, bool itself) {
  if (!service.exiting_ && service.ends_when_asked(itself)) retire(service);
}

void Worker::drop_mailbox(Service& service) {
  GATEHOUSE_ASSERT(service.exiting_);  // or what an error reply brings would fill it again
  while (service.mailbox_head_ != nullptr) {
    MessagePtr message(service.mailbox_head_);
    service.mailbox_head_ = static_cast<Message*>(message->next);
    if (message->remote) {
      refuse(std::move(message));
    } else {
      system_.reply_error(*message);
    }
  }
  service.mailbox_tail_ = nullptr;
  service.mailbox_length_ = 0;
  service.mailbox_bytes_ = 0;
}

void Worker::free_if_done(Service& service) {
  GATEHOUSE_ASSERT(service.exiting_ && !service.running_);
  if (service.ready_ || service.pins_ != 0) return;  // run_ready or unpin() comes by
  const std::size_t erased = services_.erase(service.id_.value);
  GATEHOUSE_ASSERT(erased == 1);
}

void Worker::remove_turn_end_hook(TurnEndHook* hook) {
  const std::size_t removed = std::erase(hooks_, hook);
  GATEHOUSE_ASSERT(removed <= 1);
}

void Worker::set_thread(unsigned long thread) {
  const std::lock_guard lock(thread_mutex_);
  thread_ = thread;
}

// Sets the thread's worker for as long as it runs on it.
class Worker::Run final : public Runner {
 public:
  Run(Worker& worker, Loop& loop) : worker_(worker), loop_(loop) {}

  void run() override {
    const Here here(worker_);
    worker_.begin(loop_);
    loop_.run(worker_);
    worker_.end();
  }

  Step step() override {
    const Here here(worker_);
    if (!std::exchange(begun_, true)) worker_.begin(loop_);
    const bool stopping = worker_.stopping();
    const bool had_work = worker_.has_work();
    const bool has_more = loop_.step(worker_);
    if (!stopping) return had_work || has_more ? Step::kWorked : Step::kIdle;
    worker_.end();
    return Step::kEnded;
  }

 private:
  class Here {
   public:
    explicit Here(Worker& worker) : outer_(std::exchange(current_worker, &worker)) {}
    ~Here() { current_worker = outer_; }
    Here(const Here&) = delete;
    Here& operator=(const Here&) = delete;

   private:
    Worker* const outer_;
  };

  Worker& worker_;
  Loop& loop_;
  bool begun_ = false;  // by step()
};

std::unique_ptr<Runner> Worker::runner(Loop& loop) {
  return std::make_unique<Run>(*this, loop);
}

void Worker::begin(Loop& loop) {
  struct sigaction action {};
  action.sa_sigaction = on_interrupt_signal;
  action.sa_flags = SA_SIGINFO;  // no SA_RESTART: a script that waits in a system call goes on
  sigaction(kInterruptSignal, &action, nullptr);
  GATEHOUSE_ASSERT(loop_ == nullptr && ended());  // once
  set_thread(pthread_self());
  loop_ = &loop;
  wakeable_loop_.store(&loop, std::memory_order_release);
}

// The services end on their own thread; what they send to others is dropped. A job that still
// waits in the inbox may give birth to one more.
void Worker::end() {
  GATEHOUSE_ASSERT(current_worker == this && loop_ != nullptr);
  do {
    while (!services_.empty()) {
      Service& service = *services_.begin()->second;
      GATEHOUSE_ASSERT(service.pins_ == 0);  // pins do not outlast the code that they protect
      ready_head_ = ready_tail_ = nullptr;
      service.ready_ = false;
      if (service.exiting_) {
        free_if_done(service);
      } else {
        retire(service);
      }
    }
    flush_outgoing();
    drain_inbox();
  } while (!services_.empty());
  flush_outgoing();
  GATEHOUSE_ASSERT(ready_head_ == nullptr);
  set_thread(0);
  wakeable_loop_.store(nullptr, std::memory_order_release);
}

}  // namespace gatehouse::actor
