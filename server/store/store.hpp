// The store's asynchronous face: a pool of threads, each with a driver of its own.
//
// A caller composes as many driver calls as belong together in one job, so that a login costs
// one hop to the pool and one message back.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "base/metrics.hpp"
#include "base/result.hpp"
#include "base/unique_function.hpp"
#include "store/driver.hpp"
#include "store/open.hpp"
#include "store/work_pool.hpp"

namespace gatehouse::store {

struct StoreOptions {
  Options driver;
  std::size_t connections = 4;    // threads, each with one connection
  std::size_t queue_max = 4'096;  // jobs that wait
};

// Any thread may submit. Metrics: gauge `store_queue_length`, counters `store_errors` and
// `store_full`, each with label driver="sqlite|mysql".
class Store {
 public:
  using Job = UniqueFunction<void(Driver&)>;

  // kInvalid for options that can never work; a database that is away is no error.
  [[nodiscard]] static Result<std::unique_ptr<Store>> start(const StoreOptions& options,
                                                            MetricSet& metrics);
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  // stop(WorkPool::Stop::kDiscard).
  ~Store();

  // Runs job(driver) on a thread of the store. kFull when queue_max jobs wait, kClosed once the
  // store stops; the job is then destroyed uncalled. A job that was taken is called exactly
  // once: when the store is stopped first, with a driver whose every call fails with kClosed,
  // so that whoever waits for the answer is told by the job's own error path.
  [[nodiscard]] Result<> submit(Job job);

  // Waits for the jobs that run; kDrain runs those that wait, kDiscard tells them. Not from a
  // job. May be called again.
  void stop(WorkPool::Stop how);

  [[nodiscard]] std::size_t queue_length() const { return pool_.queue_length(); }

 private:
  Store(const StoreOptions& options, std::vector<std::unique_ptr<Driver>> drivers,
        MetricSet& metrics);
  void run(const WorkContext& context, Job& job);

  Metric& queue_length_metric_;
  Metric& full_metric_;
  std::vector<std::unique_ptr<Driver>> drivers_;  // one a thread, touched by that thread only
  std::unique_ptr<Driver> closed_driver_;
  WorkPool pool_;  // last: its threads use the members above
};

}  // namespace gatehouse::store
