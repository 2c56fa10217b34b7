// What waits for a thread of a WorkPool, and in which order it goes.
//
// Works of one key (an account) go one after the other, in the order in which they came, and the
// keys take turns: however many works one has, and however long they take, it holds one thread.
// Keys whose last work held its thread for long (somebody has locked the row) are slow: together
// they hold at most half of the threads, so that the other half is there for everybody else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/unique_function.hpp"

namespace gatehouse::actor {

// What a work learns when it is called, always on a thread of the pool.
struct WorkContext {
  std::size_t thread = 0;  // 0 to threads - 1: index into the caller's state by thread
  bool discarded = false;  // the pool is stopping: do not work, only tell who waits
};

using Work = UniqueFunction<void(const WorkContext&)>;

// Whose a work is; 0: nobody's, such works are bound to no order but first come, first served.
using WorkKey = std::uint64_t;

struct WorkQueueOptions {
  std::size_t threads = 1;
  std::size_t works_max = 1'024;         // that wait
  std::size_t key_works_max = SIZE_MAX;  // of them, of one key
  std::uint32_t slow_ms = 500;  // a work that held its thread for so long makes its key slow
};

// Not thread-safe. Reads no clock.
class WorkQueue {
 public:
  struct Item {
    WorkKey key = 0;
    bool slow = false;
    Work work;
  };

  explicit WorkQueue(const WorkQueueOptions& options) : options_(options) {}

  // kFull when works_max wait, or key_works_max of this key; `work` is left alone then.
  [[nodiscard]] Result<> push(WorkKey key, Work&& work);
  // Some work may begin now.
  [[nodiscard]] bool runnable() const;
  // Takes what goes next. Only if runnable(). The caller calls done() for it.
  [[nodiscard]] Item pop();
  // A work of this key has ended that held its thread for held_ms.
  void done(const Item& item, MonotonicMs held_ms, MonotonicMs now_ms);
  // Works that wait, whether they may begin or not.
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  // A slow key is one until a work of it is quick again. Those without a work for so long make room
  // for others when there are too many, and what finds no room is not remembered.
  static constexpr MonotonicMs kSlowMemoryMs = 60'000;
  static constexpr std::size_t kSlowKeysMax = 4'096;

  [[nodiscard]] std::size_t slow_threads_max() const { return options_.threads / 2; }
  [[nodiscard]] bool is_slow(WorkKey key) const;
  [[nodiscard]] bool slow_goes_next() const;
  void remember(WorkKey key, bool slow, MonotonicMs now_ms);
  void make_ready(WorkKey key, Work&& work);
  // Lets the next work of a key go, or forgets the key.
  void go_on(WorkKey key);

  const WorkQueueOptions options_;
  std::size_t size_ = 0;
  std::size_t slow_running_ = 0;
  std::deque<Item> ready_;
  std::deque<Item> slow_ready_;
  // Of each key that has a work that is ready or runs: those behind it.
  std::unordered_map<WorkKey, std::vector<Work>> behind_;
  std::unordered_map<WorkKey, MonotonicMs> slow_until_ms_;
};

}  // namespace gatehouse::actor
