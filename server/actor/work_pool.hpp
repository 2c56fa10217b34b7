// Threads for work that blocks or takes long: SQL, password hashing. Answers go back to the
// caller as messages; that is the work's own business.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "actor/work_queue.hpp"
#include "base/result.hpp"
#include "base/unique_function.hpp"
#include "base/world.hpp"

namespace gatehouse::actor {

struct WorkPoolOptions {
  std::string name = "pool";  // thread name, at most 12 bytes of it are shown
  std::size_t threads = 1;
  std::size_t queue_max = 1'024;         // works that wait, those that run not counted
  int nice = 0;                          // added to the process's; above 0 the threads give way
  std::size_t key_queue_max = SIZE_MAX;  // works of one key that wait
  // A thread takes up to so many waiting works at once and calls the two functions, with its
  // number, before the first and after the last of them; for 1 they may be left empty.
  std::size_t group_max = 1;
  UniqueFunction<void(std::size_t thread)> begin_group{};
  UniqueFunction<void(std::size_t thread)> end_group{};
  // Where a thread needs something for its work that may be out of order (a connection): ready()
  // says at once whether it has it, prepare() gets it, and may take long. Both are called with the
  // thread's number, on it, and hold no work up that another thread could do. May be left empty.
  UniqueFunction<bool(std::size_t thread)> ready{};
  UniqueFunction<bool(std::size_t thread)> prepare{};
  std::uint32_t prepare_pause_ms = 250;  // between two tries; doubles up to 5 s
};

// Any thread may submit. Destroying the pool is stop(Stop::kDiscard).
// Invariants: every work that submit() took is called exactly once, in the order of WorkQueue. A
// thread that is out of order takes a work only when all are, so that it fails at once instead of
// waiting for nobody.
class WorkPool {
 public:
  using Work = actor::Work;
  enum class Stop {
    kDrain,    // waiting works run
    kDiscard,  // waiting works are called with discarded set
  };

  // Starts the threads. They take no signals sent to the process.
  WorkPool(const World& world, WorkPoolOptions options);
  WorkPool(const WorkPool&) = delete;
  WorkPool& operator=(const WorkPool&) = delete;
  ~WorkPool();

  // kFull when queue_max works wait, or key_queue_max of this key, kClosed once the pool stops; the
  // work is then destroyed without being called. A work must not throw.
  [[nodiscard]] Result<> submit(Work work, WorkKey key = 0);
  // The same for work without a context; when the pool discards it, it is destroyed uncalled.
  [[nodiscard]] Result<> submit(UniqueFunction<void()> work);

  // Takes no more work, deals with what waits, waits for what runs, and joins the threads.
  // A kDrain under way becomes a kDiscard when another thread asks for that. Not from a thread
  // of the pool. May be called again.
  void stop(Stop how);

  [[nodiscard]] std::size_t queue_length() const;
  [[nodiscard]] std::size_t threads() const { return options_.threads; }

 private:
  struct Slot {
    bool fit = true;     // until prepare() failed: what it needs is thought to be there
    bool waits = false;  // for work
    std::atomic<bool> ready = false;  // as ready() said last
    std::uint32_t pause_ms = 0;
    std::vector<WorkQueue::Item> group;  // that the thread works on
  };
  using Lock = std::unique_lock<std::mutex>;

  class Run;
  void run(std::size_t index);
  [[nodiscard]] Runner::Step step(std::size_t index);
  // Takes a group and runs it; lets go of the lock meanwhile.
  void work(Lock& lock, std::size_t index);
  // Until there is work that this thread is to do; false: never again.
  [[nodiscard]] bool await_work(Lock& lock, std::size_t index);
  // Is this thread to work now? Lets go of the lock meanwhile.
  [[nodiscard]] bool prepare(Lock& lock, std::size_t index);
  void set_fit(std::size_t index, bool fit);
  void run_group(std::size_t index, std::vector<WorkQueue::Item>& group, bool discarded);
  void wake_all();

  const Clock& clock_;
  WorkPoolOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;        // of the threads that are fit, or of all when none is
  std::condition_variable unfit_wake_;  // of the others
  WorkQueue queue_;                     // under mutex_, like what follows
  std::vector<Slot> slots_;
  std::size_t fit_ = 0;
  bool stopping_ = false;
  bool discarding_ = false;
  std::mutex join_mutex_;
  std::vector<std::unique_ptr<Thread>> threads_;  // emptied under join_mutex_
};

}  // namespace gatehouse::actor
