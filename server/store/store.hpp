// The store's asynchronous face: a pool of threads, each with a driver of its own.
//
// A caller composes as many driver calls as belong together in one job, so that a login costs
// one hop to the pool and one message back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "actor/work_pool.hpp"
#include "base/clock.hpp"
#include "base/log_limit.hpp"
#include "base/metrics.hpp"
#include "base/result.hpp"
#include "base/unique_function.hpp"
#include "base/world.hpp"
#include "store/driver.hpp"
#include "store/options.hpp"

namespace gatehouse::store {

// The label of the store's metrics: driver="sqlite|mysql".
[[nodiscard]] std::string label(Options::Kind kind);

// What a store works with.
struct Drivers {
  std::vector<std::unique_ptr<Driver>> open;  // one a thread
  std::unique_ptr<Driver> closed;             // every call of it fails with kClosed
  // What keeps the database from being used, as far as is known; may be left empty. Any thread.
  std::function<std::string()> complaint;
};

// Any thread may submit. Metrics, each with label driver="sqlite|mysql": gauge
// `store_queue_length`, counters `store_full`, `store_jobs_total`, `store_job_wait_us_total` and
// `store_job_run_us_total` (their growth divided by that of the jobs is the mean time), and those
// of its drivers.
class Store {
 public:
  // Tells whoever waits what became of a job; called with an error when its writes were undone.
  using Reply = UniqueFunction<void(const Result<>& durable)>;
  using Job = UniqueFunction<Reply(Driver&)>;

  // kInvalid for options that can never work; a database that is away is no error.
  [[nodiscard]] static Result<std::unique_ptr<Store>> start(const World& world,
                                                            const StoreOptions& options,
                                                            Drivers drivers, MetricSet& metrics);
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  // stop(WorkPool::Stop::kDiscard).
  ~Store();

  // Whose a job is. An account's jobs run one after the other, so that it holds one connection
  // whatever it asks for and however long that takes (WorkQueue); jobs of nobody are not bound.
  struct Owner {
    actor::WorkKey key = 0;
    static Owner nobody() { return {}; }
    // By the account's name, which a login knows before the store has been asked.
    static Owner account(std::string_view name);
  };

  // Runs job(driver) on a thread of the store, and what it returns once its writes are durable:
  // jobs that wait are grouped, where that makes writing cheaper (Driver::begin_group). A job
  // that nobody waits for returns nothing. kFull when queue_max jobs wait or account_queue_max of
  // this account, kClosed once the store stops; the job is then destroyed uncalled. A job that
  // was taken is called exactly once: when the store is stopped first, with a driver whose every
  // call fails with kClosed, so that whoever waits for the answer is told by the job's own error
  // path.
  template <class F>
  [[nodiscard]] Result<> submit(F&& job) {
    return submit(Owner::nobody(), std::forward<F>(job));
  }
  template <class F>
  [[nodiscard]] Result<> submit(Owner owner, F&& job) {
    if constexpr (std::is_void_v<std::invoke_result_t<F&, Driver&>>) {
      return submit_job(owner, [job = std::forward<F>(job)](Driver& driver) mutable {
        job(driver);
        return Reply();
      });
    } else {
      return submit_job(owner, std::forward<F>(job));
    }
  }

  // Waits for the jobs that run; kDrain runs those that wait, kDiscard tells them. Not from a
  // job. May be called again.
  void stop(actor::WorkPool::Stop how);

  // What keeps the store from being used, as far as it knows; empty: nothing. Any thread.
  [[nodiscard]] std::string complaint() const;
  [[nodiscard]] std::size_t queue_length() const { return pool_.queue_length(); }

 private:
  Store(const World& world, const StoreOptions& options, Drivers drivers, MetricSet& metrics);
  [[nodiscard]] Result<> submit_job(Owner owner, Job job);
  // Connects a thread's driver, and says now and then that it cannot.
  [[nodiscard]] bool connect(std::size_t thread);
  void run(const actor::WorkContext& context, Job& job, std::int64_t submitted_ns);
  void end_group(std::size_t thread);

  const Clock& clock_;
  const std::function<std::string()> complaint_;
  Metric& queue_length_metric_;
  Metric& full_metric_;
  Metric& jobs_metric_;
  Metric& wait_us_metric_;
  Metric& run_us_metric_;
  std::vector<std::unique_ptr<Driver>> drivers_;  // one a thread, touched by that thread only
  std::unique_ptr<Driver> closed_driver_;
  std::vector<std::vector<Reply>> replies_;  // of a thread's group, touched by that thread only
  LogLimit lines_{1, 60'000};                // about connections that are not made
  actor::WorkPool pool_;                     // last: its threads use the members above
};

}  // namespace gatehouse::store
