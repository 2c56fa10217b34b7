#include "actor/system.hpp"

#include <algorithm>
#include <chrono>

#include "base/assert.hpp"
#include "base/log.hpp"

namespace gatehouse::actor {

System::System(const SystemOptions& options, MetricSet& metrics)
    : options_(options),
      metrics_(metrics),
      unknown_destination_(metrics.counter("messages_refused", "reason=\"unknown\"",
                                           "Messages that were not queued")),
      mailbox_full_(metrics.counter("messages_refused", "reason=\"full\"",
                                    "Messages that were not queued")),
      endless_loops_(metrics.counter("endless_loops", "", "Handlers reported by the monitor")),
      start_ns_(monotonic_ns()),
      start_time_s_(wall_ms() / 1000) {
  GATEHOUSE_ASSERT(options_.workers >= 1 && options_.workers < kWorkersMax);
  for (std::uint16_t i = 0; i < options_.workers; ++i) {
    workers_[i] = std::make_unique<Worker>(*this, i, options_.limits.mailbox_bytes_max);
  }
}

System::~System() { stop(); }

void System::start(LoopFactory factory) {
  std::lock_guard lock(workers_mutex_);
  GATEHOUSE_ASSERT(!running_);
  running_ = true;
  loop_factory_ = std::move(factory);
  for (std::uint16_t i = 0; i < options_.workers; ++i) {
    loops_.push_back(loop_factory_(*workers_[i]));
  }
  for (std::uint16_t i = 0; i < options_.workers; ++i) start_worker(i);
  monitor_ = std::thread([this] { monitor_main(); });
}

void System::start_worker(std::uint16_t index) {
  threads_.emplace_back(
      [worker = workers_[index].get(), loop = loops_[index].get()] { worker->thread_main(*loop); });
  workers_started_ = static_cast<std::uint16_t>(index + 1);
}

Result<std::uint16_t> System::add_exclusive_worker() {
  std::lock_guard lock(workers_mutex_);
  if (!running_) return fail(Errc::kUnavailable, "the system is not running");
  const std::uint16_t index = workers_started_;
  if (index >= kWorkersMax) return fail(Errc::kFull, "no more workers");
  workers_[index] = std::make_unique<Worker>(*this, index, options_.limits.mailbox_bytes_max);
  loops_.push_back(loop_factory_(*workers_[index]));
  start_worker(index);
  return index;
}

void System::stop() {
  {
    std::lock_guard lock(workers_mutex_);
    if (!running_) return;
    running_ = false;
  }
  for (std::uint16_t i = 0; i < workers_started_; ++i) workers_[i]->request_stop();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  {
    std::lock_guard lock(monitor_mutex_);
    monitor_stop_ = true;
  }
  monitor_wake_.notify_all();
  monitor_.join();
  // The loops stay: a thread of a pool may be about to wake one.
}

SendResult System::send(MessagePtr message) {
  Registry::Slot* slot = registry_.find(message->destination);
  if (slot == nullptr || !slot->live.load(std::memory_order_acquire)) {
    unknown_destination_.add();
    return SendResult::kUnknown;
  }
  const std::uint16_t index = slot->worker.load(std::memory_order_relaxed);
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
  return static_cast<std::uint16_t>(next_worker_.fetch_add(1, std::memory_order_relaxed) %
                                    options_.workers);
}

std::int64_t System::now_cs() const { return (monotonic_ns() - start_ns_) / 10'000'000; }

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
  std::unique_lock lock(env_mutex_);
  const std::string name(key);
  const bool set = env_changed_.wait_for(lock, timeout, [&] { return env_.contains(name); });
  return set ? std::optional(env_.at(name)) : std::nullopt;
}

void System::announce_exit(ServiceId id) {
  const ServiceId watcher{exit_watcher_.load(std::memory_order_relaxed)};
  if (watcher && watcher != id) send_error(watcher, id, 0);
}

void System::watch_exits(ServiceId watcher) { exit_watcher_.store(watcher.value); }

bool System::interrupt(ServiceId id) {
  std::uint16_t workers;
  {
    std::lock_guard guard(workers_mutex_);
    workers = workers_started_;
  }
  for (std::uint16_t i = 0; i < workers; ++i) {
    const Activity a = workers_[i]->activity();
    if ((a.sequence & 1) != 0 && a.destination == id) return workers_[i]->interrupt(id);
  }
  return false;
}

bool System::take_endless(ServiceId id) {
  std::lock_guard lock(monitor_mutex_);
  return endless_.erase(id.value) > 0;
}

void System::on_abort(UniqueFunction<void(int exit_code)> function) {
  abort_function_ = std::move(function);
}

void System::request_abort(int exit_code) {
  if (!abort_.exchange(true) && abort_function_) abort_function_(exit_code);
}

void System::monitor_main() {
  struct Seen {
    std::uint64_t sequence = 0;
    MonotonicMs since = 0;
    bool reported = false;
  };
  std::vector<Seen> seen(kWorkersMax);
  const std::uint32_t report_ms = std::max(options_.limits.endless_loop_report_ms, 10u);
  const std::uint32_t break_ms = options_.limits.endless_loop_break_ms;
  const auto period = std::chrono::milliseconds(
      std::clamp<std::uint32_t>(std::min(report_ms, break_ms ? break_ms : report_ms) / 5, 5, 1000));
  std::unique_lock lock(monitor_mutex_);
  while (!monitor_wake_.wait_for(lock, period, [this] { return monitor_stop_; })) {
    lock.unlock();
    std::uint16_t workers;
    {
      std::lock_guard guard(workers_mutex_);
      workers = workers_started_;
    }
    const MonotonicMs now = monotonic_ms();
    for (std::uint16_t i = 0; i < workers; ++i) {
      const Activity a = workers_[i]->activity();
      Seen& s = seen[i];
      if (a.sequence != s.sequence || (a.sequence & 1) == 0) {
        s = Seen{a.sequence, now, false};
        continue;
      }
      if (!s.reported && now - s.since >= report_ms) {
        s.reported = true;
        endless_loops_.add();
        log::error({}, "A message from [ :{:08x} ] to [ :{:08x} ] maybe in an endless loop "
                   "(version = {})", a.source.value, a.destination.value, a.sequence);
        std::lock_guard guard(monitor_mutex_);
        endless_[a.destination.value] = true;
      }
      if (break_ms != 0 && now - s.since >= break_ms) workers_[i]->interrupt(a.destination);
    }
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

std::unique_ptr<Loop> make_condvar_loop() { return std::make_unique<CondvarLoop>(); }

}  // namespace gatehouse::actor
