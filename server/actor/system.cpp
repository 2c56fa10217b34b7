#include "actor/system.hpp"

#include <algorithm>
#include <chrono>

#include "base/assert.hpp"
#include "base/log.hpp"

namespace gatehouse::actor {
namespace {

// What computes on a worker of its own gives way to the players' workers where cores are short.
constexpr int kExclusiveNice = 5;

}  // namespace

System::System(const World& world, const SystemOptions& options, MetricSet& metrics)
    : world_(world),
      options_(options),
      metrics_(metrics),
      unknown_destination_(metrics.counter("messages_refused", "reason=\"unknown\"",
                                           "Messages that were not queued")),
      mailbox_full_(
          metrics.counter("messages_refused", "reason=\"full\"", "Messages that were not queued")),
      endless_loops_(metrics.counter("endless_loops", "", "Handlers reported by the monitor")),
      workers_stuck_(metrics.gauge("workers_stuck", "",
                                   "Workers in one handler for longer than worker_stuck_ms")),
      start_ns_(world.clock.monotonic_ns()),
      start_time_s_(world.clock.wall_s()) {
  GATEHOUSE_ASSERT(options_.workers >= 1 && options_.workers < kWorkersMax);
  for (std::uint16_t i = 0; i < options_.workers; ++i) {
    workers_[i] = std::make_unique<Worker>(*this, i, options_.limits.mailbox_bytes_max);
  }
}

System::~System() {
  stop();
  GATEHOUSE_ASSERT(!running_ && threads_.empty());
}

void System::start(LoopFactory factory) {
  std::lock_guard lock(workers_mutex_);
  GATEHOUSE_ASSERT(!running_ && loops_.empty() && factory);
  running_ = true;
  loop_factory_ = std::move(factory);
  for (std::uint16_t i = 0; i < options_.workers; ++i) {
    loops_.push_back(loop_factory_(*workers_[i]));
    GATEHOUSE_ASSERT(loops_.back() != nullptr);
  }
  for (std::uint16_t i = 0; i < options_.workers; ++i) start_worker(i);
  monitor_ = world_.executor.start({.name = "monitor"}, [this] { monitor_main(); });
}

void System::start_worker(std::uint16_t index) {
  GATEHOUSE_ASSERT(index == workers_started_ && index < loops_.size());
  GATEHOUSE_ASSERT(threads_.size() == index && workers_[index] != nullptr);
  const bool exclusive = index >= options_.workers;
  threads_.push_back(
      world_.executor.start({.nice = exclusive ? kExclusiveNice : 0, .takes_signals = true},
                            workers_[index]->runner(*loops_[index])));
  workers_started_ = static_cast<std::uint16_t>(index + 1);
}

Result<std::uint16_t> System::add_exclusive_worker() {
  std::lock_guard lock(workers_mutex_);
  if (!running_) return fail(Errc::kUnavailable, "the system is not running");
  const std::uint16_t index = workers_started_;
  if (index >= kWorkersMax) return fail(Errc::kFull, "no more workers");
  GATEHOUSE_ASSERT(index >= options_.workers && workers_[index] == nullptr);
  workers_[index] = std::make_unique<Worker>(*this, index, options_.limits.mailbox_bytes_max);
  loops_.push_back(loop_factory_(*workers_[index]));
  start_worker(index);
  return index;
}

bool System::stop_until(MonotonicMs until) {
  GATEHOUSE_ASSERT(Worker::current() == nullptr);  // a worker would wait for itself
  std::uint16_t workers;
  {
    std::lock_guard lock(workers_mutex_);
    workers = workers_started_;
  }
  for (std::uint16_t i = 0; i < workers; ++i) workers_[i]->request_stop();
  const auto all_ended = [&] {
    for (std::uint16_t i = 0; i < workers; ++i) {
      if (!workers_[i]->ended()) return false;
    }
    return true;
  };
  while (!all_ended()) {
    if (world_.clock.monotonic_ms() >= until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

std::vector<System::StuckWorker> System::stuck_workers() {
  std::vector<StuckWorker> stuck;
  std::lock_guard lock(workers_mutex_);
  for (std::uint16_t i = 0; i < workers_started_; ++i) {
    const MonotonicMs since = workers_[i]->stuck_since();
    if (since != 0) stuck.push_back({i, workers_[i]->activity().destination, since});
  }
  return stuck;
}

void System::stop() {
  GATEHOUSE_ASSERT(Worker::current() == nullptr);  // who joins a worker is none
  {
    std::lock_guard lock(workers_mutex_);
    if (!running_) return;
    running_ = false;
  }
  GATEHOUSE_ASSERT(threads_.size() == workers_started_);
  for (std::uint16_t i = 0; i < workers_started_; ++i) workers_[i]->request_stop();
  for (const auto& thread : threads_) thread->join();
  threads_.clear();
  {
    std::lock_guard lock(monitor_mutex_);
    monitor_stop_ = true;
  }
  monitor_wake_.notify_all();
  monitor_->join();
  // The loops stay: a thread of a pool may be about to wake one.
}

SendResult System::send(MessagePtr message) {
  Registry::Slot* slot = registry_.find(message->destination);
  if (slot == nullptr || !slot->live.load(std::memory_order_acquire)) {
    unknown_destination_.add();
    return SendResult::kUnknown;
  }
  const std::uint16_t index = slot->worker.load(std::memory_order_relaxed);
  GATEHOUSE_ASSERT(index < kWorkersMax);
  Worker* here = Worker::current();
  if (here != nullptr && here->index() == index && &here->system() == this) {
    message->remote = false;
    if (slot->service != nullptr) {
      const SendResult result = here->deliver(*slot->service, std::move(message));
      if (result == SendResult::kFull) mailbox_full_.add();
      return result;
    }
    // Reserved by this thread, its object still waits in the inbox.
  }
  const auto cost = static_cast<std::int64_t>(message->cost());
  const std::int64_t before = slot->remote_bytes.fetch_add(cost, std::memory_order_relaxed);
  GATEHOUSE_ASSERT(before >= 0);
  const bool bounded =
      message->type != MessageType::kResponse && message->type != MessageType::kError;
  if (bounded && before + cost > static_cast<std::int64_t>(options_.limits.mailbox_bytes_max)) {
    slot->remote_bytes.fetch_sub(cost, std::memory_order_relaxed);
    mailbox_full_.add();
    return SendResult::kFull;
  }
  message->remote = true;
  if (here != nullptr && &here->system() == this && here->index() != index) {
    here->forward(index, std::move(message));
  } else {
    EnvelopeBatch batch;
    batch.add(message.release());
    workers_[index]->push(batch);
  }
  return SendResult::kQueued;
}

void System::reply_error(const Message& request) {
  if (request.session <= 0) return;
  if (request.type == MessageType::kResponse || request.type == MessageType::kError) return;
  send_error(request.source, request.destination, request.session);
}

void System::send_error(ServiceId to, ServiceId from, std::int32_t session) {
  MessagePtr error = make_message(std::size_t{0});
  error->type = MessageType::kError;
  error->session = session;
  error->source = from;
  error->destination = to;
  send(std::move(error));
}

Result<ServiceId> System::spawn(UniqueFunction<std::unique_ptr<Service>()> make,
                                std::uint16_t worker) {
  const std::uint16_t index = worker == kAnyWorker ? next_worker() : worker;
  GATEHOUSE_ASSERT(index < kWorkersMax && workers_[index] != nullptr && make);
  auto id = registry_.reserve(index);
  if (!id) return id;
  Worker& target = *workers_[index];
  target.post([&target, id = *id, make = std::move(make)]() mutable { target.attach(id, make()); });
  return id;
}

void System::kill(ServiceId id) {
  Registry::Slot* slot = registry_.find(id);
  if (slot == nullptr || !slot->live.load(std::memory_order_acquire)) return;
  Worker& target = *workers_[slot->worker.load(std::memory_order_relaxed)];
  if (Worker::current() == &target && slot->service != nullptr) {
    target.ask_to_end(*slot->service, false);
    return;
  }
  target.post([&target, id] {
    if (Service* service = target.find(id)) target.ask_to_end(*service, false);
  });
}

std::uint16_t System::next_worker() {
  std::uint16_t index = 0;
  for (std::uint16_t tries = 0; tries < options_.workers; ++tries) {
    index = static_cast<std::uint16_t>(next_worker_.fetch_add(1, std::memory_order_relaxed) %
                                       options_.workers);
    if (!workers_[index]->stuck()) break;
  }
  GATEHOUSE_ASSERT(index < options_.workers);
  return index;
}

std::int64_t System::now_cs() const {
  const std::int64_t ns = world_.clock.monotonic_ns() - start_ns_;
  GATEHOUSE_ASSERT(ns >= 0);
  return ns / 10'000'000;
}

std::optional<std::string> System::env(std::string_view key) const {
  std::lock_guard lock(env_mutex_);
  const auto it = env_.find(std::string(key));
  if (it == env_.end()) return std::nullopt;
  return it->second;
}

Result<> System::set_env(std::string_view key, std::string_view value) {
  std::lock_guard lock(env_mutex_);
  if (!env_.try_emplace(std::string(key), value).second) {
    return fail(Errc::kExists, fmt::format("Can't setenv exist key : {}", key));
  }
  env_changed_.notify_all();
  return {};
}

std::optional<std::string> System::wait_env(std::string_view key,
                                            std::chrono::milliseconds timeout) const {
  GATEHOUSE_ASSERT(Worker::current() == nullptr);
  std::unique_lock lock(env_mutex_);
  const std::string name(key);
  const bool set = env_changed_.wait_for(lock, timeout, [&] { return env_.contains(name); });
  return set ? std::optional(env_.at(name)) : std::nullopt;
}

void System::announce_exit(ServiceId id) {
  const ServiceId watcher{exit_watcher_.load(std::memory_order_relaxed)};
  if (watcher && watcher != id) send_error(watcher, id, 0);
}

void System::watch_exits(ServiceId watcher) {
  exit_watcher_.store(watcher.value);
}

bool System::interrupt(ServiceId id) {
  std::uint16_t workers;
  {
    std::lock_guard guard(workers_mutex_);
    workers = workers_started_;
  }
  for (std::uint16_t i = 0; i < workers; ++i) {
    const Activity a = workers_[i]->activity();
    if ((a.sequence & 1) != 0 && a.destination == id) return workers_[i]->interrupt(a.sequence);
  }
  return false;
}

bool System::take_endless(ServiceId id) {
  std::lock_guard lock(monitor_mutex_);
  return endless_.erase(id.value) > 0;
}

void System::on_abort(UniqueFunction<void(int exit_code)> function) {
  GATEHOUSE_ASSERT(function);
  {
    std::lock_guard lock(abort_mutex_);
    GATEHOUSE_ASSERT(!abort_function_);
    if (!abort_code_) {
      abort_function_ = std::move(function);
      return;
    }
  }
  function(*abort_code_);  // it is set once
}

void System::request_abort(int exit_code) {
  UniqueFunction<void(int)> function;
  {
    std::lock_guard lock(abort_mutex_);
    if (abort_code_) return;
    GATEHOUSE_ASSERT(!abort_.load());
    abort_code_ = exit_code;
    function = std::move(abort_function_);
  }
  abort_.store(true);
  if (function) function(exit_code);
}

// One piece of work of a worker, and what was done about it.
struct System::Watched {
  std::uint64_t sequence = 0;
  MonotonicMs since = 0;
  bool reported = false;
};

void System::set_stuck(std::uint16_t index, MonotonicMs since, ServiceId service) {
  GATEHOUSE_ASSERT(index < kWorkersMax && since >= 0);
  const MonotonicMs before = workers_[index]->stuck_since_.exchange(since);
  if ((before != 0) == (since != 0)) return;
  workers_stuck_.add(since != 0 ? 1 : -1);
  if (since != 0) {
    log::error({}, "worker {} is stuck in :{:08x}: the others take its connections", index,
               service.value);
  } else {
    log::warn({}, "worker {} goes on", index);
  }
  for (StuckHandler& handler : stuck_handlers_) handler(index, since != 0);
}

void System::watch_worker(std::uint16_t index, Watched& watched, MonotonicMs now) {
  const Limits& limits = options_.limits;
  const Activity a = workers_[index]->activity();
  GATEHOUSE_ASSERT(a.sequence >= watched.sequence);  // it only grows
  if (a.sequence != watched.sequence || (a.sequence & 1) == 0) {
    watched = Watched{a.sequence, now, false};
    set_stuck(index, 0, a.destination);
    return;
  }
  const MonotonicMs elapsed = now - watched.since;
  GATEHOUSE_ASSERT(elapsed >= 0);
  if (limits.worker_stuck_ms != 0 && elapsed >= limits.worker_stuck_ms) {
    set_stuck(index, watched.since, a.destination);
  }
  if (!watched.reported && elapsed >= limits.endless_loop_report_ms) {
    watched.reported = true;
    endless_loops_.add();
    log::error({},
               "A message from [ :{:08x} ] to [ :{:08x} ] maybe in an endless loop "
               "(version = {})",
               a.source.value, a.destination.value, a.sequence);
    std::lock_guard guard(monitor_mutex_);
    endless_[a.destination.value] = true;
  }
  std::uint32_t break_ms = a.break_ms != 0 ? a.break_ms : limits.endless_loop_break_ms;
  if (const std::uint32_t hurry_ms = hurry_ms_.load(); hurry_ms != 0) {
    break_ms = break_ms == 0 ? hurry_ms : std::min(break_ms, hurry_ms);
  }
  if (break_ms != 0 && elapsed >= break_ms) workers_[index]->interrupt(a.sequence);
}

void System::monitor_main() {
  std::vector<Watched> watched(kWorkersMax);
  const Limits& limits = options_.limits;
  std::uint32_t shortest_ms = std::max(limits.endless_loop_report_ms, 10u);
  for (const std::uint32_t ms : {limits.endless_loop_break_ms, limits.worker_stuck_ms}) {
    if (ms != 0) shortest_ms = std::min(shortest_ms, ms);
  }
  const auto period = std::chrono::milliseconds(std::clamp(shortest_ms / 5, 5u, 1000u));
  std::unique_lock lock(monitor_mutex_);
  while (!monitor_wake_.wait_for(lock, period, [this] { return monitor_stop_; })) {
    lock.unlock();
    std::uint16_t workers;
    {
      std::lock_guard guard(workers_mutex_);
      workers = workers_started_;
    }
    const MonotonicMs now = world_.clock.monotonic_ms();
    for (std::uint16_t i = 0; i < workers; ++i) watch_worker(i, watched[i], now);
    lock.lock();
  }
}

namespace {

class CondvarLoop final : public Loop {
 public:
  void run(Worker& worker) override {
    while (!worker.stopping()) {
      if (worker.turn()) continue;
      std::unique_lock lock(mutex_);
      if (!worker.prepare_sleep()) continue;
      const std::int64_t ms = worker.next_timer_ms();
      const auto woken = [this] { return woken_; };
      if (ms < 0) {
        wake_.wait(lock, woken);
      } else {
        wake_.wait_for(lock, std::chrono::milliseconds(ms), woken);
      }
      woken_ = false;
      worker.awake();
    }
  }
  void wake() override {
    {
      std::lock_guard lock(mutex_);
      woken_ = true;
    }
    wake_.notify_one();
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  bool woken_ = false;
};

}  // namespace

std::unique_ptr<Loop> make_condvar_loop() {
  return std::make_unique<CondvarLoop>();
}

}  // namespace gatehouse::actor
