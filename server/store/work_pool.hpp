// Threads for work that blocks or takes long: SQL, password hashing. Answers go back to the
// caller as messages; that is the work's own business.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/result.hpp"
#include "base/unique_function.hpp"

namespace gatehouse::store {

struct WorkPoolOptions {
  std::string name = "pool";      // thread name, at most 12 bytes of it are shown
  std::size_t threads = 1;
  std::size_t queue_max = 1'024;  // works that wait, those that run not counted
  int nice = 0;                   // added to the process's; above 0 the threads give way
  // A thread takes up to so many waiting works at once and calls the two functions, with its
  // number, before the first and after the last of them; for 1 they may be left empty.
  std::size_t group_max = 1;
  UniqueFunction<void(std::size_t thread)> begin_group{};
  UniqueFunction<void(std::size_t thread)> end_group{};
};

// What a work learns when it is called, always on a thread of the pool.
struct WorkContext {
  std::size_t thread = 0;  // 0 to threads - 1: index into the caller's state by thread
  bool discarded = false;  // the pool is stopping: do not work, only tell who waits
};

// Any thread may submit. Destroying the pool is stop(Stop::kDiscard).
// Invariant: every work that submit() took is called exactly once, first come, first served.
class WorkPool {
 public:
  using Work = UniqueFunction<void(const WorkContext&)>;
  enum class Stop {
    kDrain,    // waiting works run
    kDiscard,  // waiting works are called with discarded set
  };

  // Starts the threads. They take no signals sent to the process.
  explicit WorkPool(WorkPoolOptions options);
  WorkPool(const WorkPool&) = delete;
  WorkPool& operator=(const WorkPool&) = delete;
  ~WorkPool();

  // kFull when queue_max works wait, kClosed once the pool stops; the work is then destroyed
  // without being called. A work must not throw.
  [[nodiscard]] Result<> submit(Work work);
  // The same for work without a context; when the pool discards it, it is destroyed uncalled.
  [[nodiscard]] Result<> submit(UniqueFunction<void()> work);

  // Takes no more work, deals with what waits, waits for what runs, and joins the threads.
  // A kDrain under way becomes a kDiscard when another thread asks for that. Not from a thread
  // of the pool. May be called again.
  void stop(Stop how);

  [[nodiscard]] std::size_t queue_length() const;
  [[nodiscard]] std::size_t threads() const { return options_.threads; }

 private:
  void run(std::size_t index);
  void run_group(std::size_t index, std::vector<Work>& group, bool discarded);

  WorkPoolOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Work> queue_;  // under mutex_, like the flags
  bool stopping_ = false;
  bool discarding_ = false;
  std::mutex join_mutex_;
  std::vector<std::thread> threads_;  // emptied under join_mutex_
};

}  // namespace gatehouse::store
