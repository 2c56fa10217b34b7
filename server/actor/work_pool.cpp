#include "actor/work_pool.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/assert.hpp"

namespace gatehouse::actor {
namespace {

constexpr std::uint32_t kPreparePauseMsMax = 5'000;

}  // namespace

// One thread of the pool.
class WorkPool::Run final : public Runner {
 public:
  Run(WorkPool& pool, std::size_t index) : pool_(pool), index_(index) {}
  void run() override { pool_.run(index_); }
  Step step() override { return pool_.step(index_); }

 private:
  WorkPool& pool_;
  const std::size_t index_;
};

WorkPool::WorkPool(const World& world, WorkPoolOptions options)
    : clock_(world.clock),
      options_(std::move(options)),
      queue_({.threads = options_.threads,
              .works_max = options_.queue_max,
              .key_works_max = options_.key_queue_max}),
      slots_(options_.threads),
      fit_(options_.threads) {
  GATEHOUSE_ASSERT(options_.threads >= 1 && options_.queue_max >= 1 && options_.group_max >= 1);
  GATEHOUSE_ASSERT(options_.key_queue_max >= 1);
  GATEHOUSE_ASSERT(static_cast<bool>(options_.begin_group) ==
                   static_cast<bool>(options_.end_group));
  GATEHOUSE_ASSERT(static_cast<bool>(options_.ready) == static_cast<bool>(options_.prepare));
  threads_.reserve(options_.threads);
  for (std::size_t i = 0; i < options_.threads; ++i) {
    threads_.push_back(world.executor.start(
        {.name = options_.name.substr(0, 12) + std::to_string(i % 1000), .nice = options_.nice},
        std::make_unique<Run>(*this, i)));
  }
}

WorkPool::~WorkPool() {
  stop(Stop::kDiscard);
}

Result<> WorkPool::submit(Work work, WorkKey key) {
  GATEHOUSE_ASSERT(static_cast<bool>(work));
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return fail(Errc::kClosed, options_.name + " is stopping");
    if (auto taken = queue_.push(key, std::move(work)); !taken)
      return fail(taken.error().code, options_.name + ": " + taken.error().message);
    if (!queue_.runnable()) return {};
  }
  wake_.notify_one();
  return {};
}

Result<> WorkPool::submit(UniqueFunction<void()> work) {
  GATEHOUSE_ASSERT(static_cast<bool>(work));
  return submit(Work([work = std::move(work)](const WorkContext& context) mutable {
    if (!context.discarded) work();
  }));
}

void WorkPool::run(std::size_t index) {
  Lock lock(mutex_);
  while (await_work(lock, index)) work(lock, index);
}

Runner::Step WorkPool::step(std::size_t index) {
  Lock lock(mutex_);
  if (!queue_.runnable())
    return stopping_ && queue_.size() == 0 ? Runner::Step::kEnded : Runner::Step::kIdle;
  if (!prepare(lock, index) || !queue_.runnable()) return Runner::Step::kIdle;
  work(lock, index);
  return Runner::Step::kWorked;
}

void WorkPool::work(Lock& lock, std::size_t index) {
  std::vector<WorkQueue::Item>& group = slots_[index].group;
  GATEHOUSE_ASSERT(lock.owns_lock() && group.empty());  // a thread works on one at a time
  while (queue_.runnable() && group.size() < options_.group_max) group.push_back(queue_.pop());
  const bool discarded = discarding_;
  if (queue_.runnable()) wake_.notify_one();
  lock.unlock();
  const MonotonicMs start_ms = clock_.monotonic_ms();
  GATEHOUSE_ASSERT(!group.empty());
  run_group(index, group, discarded);
  const MonotonicMs now_ms = clock_.monotonic_ms();
  lock.lock();
  for (const WorkQueue::Item& item : group) queue_.done(item, now_ms - start_ms, now_ms);
  group.clear();
  if (stopping_) wake_all();
}

bool WorkPool::await_work(Lock& lock, std::size_t index) {
  GATEHOUSE_ASSERT(lock.owns_lock() && index < slots_.size());
  bool tried = false;
  while (true) {
    if (queue_.runnable() && !tried) {
      tried = !prepare(lock, index);
      if (!tried && queue_.runnable()) return true;
      continue;
    }
    if (stopping_ && queue_.size() == 0) return false;
    if (slots_[index].fit || fit_ == 0) {
      slots_[index].waits = true;
      if (!tried) wake_.wait(lock);
      slots_[index].waits = false;
    } else {
      unfit_wake_.wait_for(lock, std::chrono::milliseconds(slots_[index].pause_ms));
    }
    tried = false;
  }
}

bool WorkPool::prepare(Lock& lock, std::size_t index) {
  if (!options_.ready || discarding_) return true;
  Slot& slot = slots_[index];
  lock.unlock();
  slot.ready = options_.ready(index);
  if (!slot.ready) {
    lock.lock();
    // Who has what it needs begins meanwhile.
    const auto could_begin = [](const Slot& other) { return other.waits && other.ready; };
    if (std::ranges::any_of(slots_, could_begin)) wake_.notify_one();
    lock.unlock();
    slot.ready = options_.prepare(index);
  }
  lock.lock();
  set_fit(index, slot.ready);
  if (slot.ready || fit_ == 0) return true;
  wake_.notify_one();
  return false;
}

void WorkPool::set_fit(std::size_t index, bool fit) {
  Slot& slot = slots_[index];
  slot.pause_ms = fit ? 0
                      : std::clamp(slot.pause_ms * 2, options_.prepare_pause_ms,
                                   std::max(options_.prepare_pause_ms, kPreparePauseMsMax));
  if (slot.fit == fit) return;
  slot.fit = fit;
  GATEHOUSE_ASSERT(fit ? fit_ < slots_.size() : fit_ > 0);
  fit_ = fit ? fit_ + 1 : fit_ - 1;
  if (fit_ == 0) unfit_wake_.notify_all();
}

void WorkPool::run_group(std::size_t index, std::vector<WorkQueue::Item>& group, bool discarded) {
  const WorkContext context{.thread = index, .discarded = discarded};
  if (options_.begin_group) options_.begin_group(index);
  for (WorkQueue::Item& item : group) item.work(context);
  if (options_.end_group) options_.end_group(index);
  // What the works hold goes before the lock is taken again.
  for (WorkQueue::Item& item : group) item.work = {};
}

void WorkPool::wake_all() {
  wake_.notify_all();
  unfit_wake_.notify_all();
}

void WorkPool::stop(Stop how) {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    discarding_ = discarding_ || how == Stop::kDiscard;
  }
  wake_all();
  std::lock_guard lock(join_mutex_);
  for (const auto& thread : threads_) thread->join();
  threads_.clear();
  GATEHOUSE_ASSERT(queue_length() == 0);  // each was called
}

std::size_t WorkPool::queue_length() const {
  std::lock_guard lock(mutex_);
  return queue_.size();
}

}  // namespace gatehouse::actor
