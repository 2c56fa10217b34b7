#include "store/store.hpp"

#include <functional>
#include <string>
#include <utility>

#include "base/assert.hpp"
#include "base/clock.hpp"
#include "base/log.hpp"

namespace gatehouse::store {

std::string label(Options::Kind kind) {
  return "driver=\"" + std::string(name(kind)) + "\"";
}

Result<std::unique_ptr<Store>> Store::start(const World& world, const StoreOptions& options,
                                            Drivers drivers, MetricSet& metrics) {
  if (options.queue_max < 1) return fail(Errc::kInvalid, "store.queue_max must be at least 1");
  GATEHOUSE_ASSERT(!drivers.open.empty() && drivers.closed != nullptr);
  return std::unique_ptr<Store>(new Store(world, options, std::move(drivers), metrics));
}

Store::Store(const World& world, const StoreOptions& options, Drivers drivers, MetricSet& metrics)
    : clock_(world.clock),
      complaint_(std::move(drivers.complaint)),
      queue_length_metric_(metrics.gauge("store_queue_length", label(options.driver.kind),
                                         "Jobs that wait for a connection to the database")),
      full_metric_(metrics.counter("store_full", label(options.driver.kind),
                                   "Jobs refused because the queue was full")),
      jobs_metric_(metrics.counter("store_jobs_total", label(options.driver.kind),
                                   "Jobs that a connection to the database ran")),
      wait_us_metric_(metrics.counter("store_job_wait_us_total", label(options.driver.kind),
                                      "Microseconds that jobs waited for a connection")),
      run_us_metric_(metrics.counter("store_job_run_us_total", label(options.driver.kind),
                                     "Microseconds that connections worked on jobs")),
      drivers_(std::move(drivers.open)),
      closed_driver_(std::move(drivers.closed)),
      replies_(drivers_.size()),
      pool_(world, {.name = "store",
                    .threads = drivers_.size(),
                    .queue_max = options.queue_max,
                    .key_queue_max = options.account_queue_max,
                    .group_max = drivers_[0]->group_max(),
                    .begin_group = [this](std::size_t thread) { drivers_[thread]->begin_group(); },
                    .end_group = [this](std::size_t thread) { end_group(thread); },
                    .ready = [this](std::size_t thread) { return drivers_[thread]->connected(); },
                    .prepare = [this](std::size_t thread) { return connect(thread); },
                    .prepare_pause_ms = options.driver.reconnect_pause_ms}) {}

Store::~Store() {
  stop(actor::WorkPool::Stop::kDiscard);
}

Store::Owner Store::Owner::account(std::string_view name) {
  GATEHOUSE_ASSERT(!name.empty());
  return {std::hash<std::string_view>{}(name) | 1};
}

bool Store::connect(std::size_t thread) {
  const auto connected = drivers_[thread]->connect();
  if (connected) return true;
  if (lines_.admit(clock_.monotonic_ms()))
    log::warn({}, "store: connection {} of {}: {}", thread + 1, drivers_.size(),
              connected.error().message);
  return false;
}

Result<> Store::submit_job(Owner owner, Job job) {
  GATEHOUSE_ASSERT(job);
  // Counted before the pool has it, so that the gauge never shows less than nothing.
  queue_length_metric_.add(1);
  auto taken =
      pool_.submit([this, job = std::move(job), start_ns = clock_.monotonic_ns()](
                       const actor::WorkContext& context) mutable { run(context, job, start_ns); },
                   owner.key);
  if (!taken) {
    queue_length_metric_.add(-1);
    if (taken.error().code == Errc::kFull) full_metric_.add();
  }
  return taken;
}

void Store::run(const actor::WorkContext& context, Job& job, std::int64_t submitted_ns) {
  GATEHOUSE_ASSERT(context.thread < drivers_.size());
  queue_length_metric_.add(-1);
  const std::int64_t start_ns = clock_.monotonic_ns();
  auto reply = job(context.discarded ? *closed_driver_ : *drivers_[context.thread]);
  if (reply) replies_[context.thread].push_back(std::move(reply));
  if (context.discarded) return;
  jobs_metric_.add();
  wait_us_metric_.add((start_ns - submitted_ns) / 1'000);
  run_us_metric_.add((clock_.monotonic_ns() - start_ns) / 1'000);
}

void Store::end_group(std::size_t thread) {
  GATEHOUSE_ASSERT(thread < drivers_.size());
  const std::int64_t start_ns = clock_.monotonic_ns();
  const auto durable = drivers_[thread]->end_group();
  run_us_metric_.add((clock_.monotonic_ns() - start_ns) / 1'000);
  for (Reply& reply : replies_[thread]) reply(durable);
  replies_[thread].clear();
}

std::string Store::complaint() const {
  return complaint_ ? complaint_() : std::string();
}

void Store::stop(actor::WorkPool::Stop how) {
  pool_.stop(how);
}

}  // namespace gatehouse::store
