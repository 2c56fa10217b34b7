#include "store/work_pool.hpp"

#include <pthread.h>

#include <csignal>
#include <utility>

#include "base/assert.hpp"
#include "base/thread.hpp"

namespace gatehouse::store {
namespace {

void set_thread_up(const std::string& name, std::size_t index, int nice) {
  const std::string shown = name.substr(0, 12) + std::to_string(index % 1000);
  pthread_setname_np(pthread_self(), shown.substr(0, 15).c_str());
  if (nice > 0) lower_thread_priority(nice);
}

}  // namespace

WorkPool::WorkPool(WorkPoolOptions options) : options_(std::move(options)) {
  GATEHOUSE_ASSERT(options_.threads >= 1 && options_.queue_max >= 1 && options_.group_max >= 1);
  // The threads inherit the mask: signals are for the threads that expect them, but for those
  // that a thread brings upon itself.
  sigset_t blocked;
  sigset_t before;
  sigfillset(&blocked);
  for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS, SIGPROF})
    sigdelset(&blocked, own);
  pthread_sigmask(SIG_SETMASK, &blocked, &before);
  threads_.reserve(options_.threads);
  for (std::size_t i = 0; i < options_.threads; ++i)
    threads_.emplace_back([this, i] { run(i); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

WorkPool::~WorkPool() { stop(Stop::kDiscard); }

Result<> WorkPool::submit(Work work) {
  GATEHOUSE_ASSERT(static_cast<bool>(work));
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return fail(Errc::kClosed, options_.name + " is stopping");
    if (queue_.size() >= options_.queue_max)
      return fail(Errc::kFull, options_.name + ": queue is full");
    queue_.push_back(std::move(work));
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
  set_thread_up(options_.name, index, options_.nice);
  std::unique_lock lock(mutex_);
  std::vector<Work> group;
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    while (!queue_.empty() && group.size() < options_.group_max) {
      group.push_back(std::move(queue_.front()));
      queue_.pop_front();
    }
    const bool discarded = discarding_;
    lock.unlock();
    run_group(index, group, discarded);
    lock.lock();
  }
}

void WorkPool::run_group(std::size_t index, std::vector<Work>& group, bool discarded) {
  const WorkContext context{.thread = index, .discarded = discarded};
  if (options_.begin_group) options_.begin_group(index);
  for (Work& work : group) work(context);
  if (options_.end_group) options_.end_group(index);
  group.clear();  // what the works hold goes before the lock is taken again
}

void WorkPool::stop(Stop how) {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    discarding_ = discarding_ || how == Stop::kDiscard;
  }
  wake_.notify_all();
  std::lock_guard lock(join_mutex_);
  for (std::thread& thread : threads_) {
    GATEHOUSE_ASSERT(thread.get_id() != std::this_thread::get_id());
    thread.join();
  }
  threads_.clear();
}

std::size_t WorkPool::queue_length() const {
  std::lock_guard lock(mutex_);
  return queue_.size();
}

}  // namespace gatehouse::store
