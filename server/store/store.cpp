#include "store/store.hpp"

#include <functional>
#include <string>
#include <utility>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "store/sql_driver.hpp"
#include "store/sqlite_guard.hpp"

namespace gatehouse::store {
namespace {

// Refuses everything: the driver of jobs that a stopping store tells.
class ClosedConnection final : public SqlConnection {
 public:
  Result<SqlOutcome> run(Statement, std::span<const SqlValue>, Repeat, const SqlVisitor&) override {
    return closed();
  }
  Result<SqlOutcome> run_rows(Statement, std::size_t, std::span<const SqlValue>) override {
    return closed();
  }
  Result<> transaction(const std::function<Result<>()>&) override { return closed(); }
  Result<> ping() override { return closed(); }
  Result<std::unique_ptr<SqlConnection>> open_for_migration() override { return closed(); }
  Result<> lock_migrations() override { return closed(); }
  Result<> unlock_migrations(bool) override { return closed(); }
  Result<> run_script(std::string_view) override { return closed(); }

 private:
  static tl::unexpected<Error> closed() { return fail(Errc::kClosed, "the store is stopping"); }
};

constexpr MonotonicMs kLineAgainMs = 60'000;

std::string label(Options::Kind kind) {
  return "driver=\"" + std::string(name(kind)) + "\"";
}

}  // namespace

Result<std::unique_ptr<Store>> Store::start(const StoreOptions& options, MetricSet& metrics) {
  if (options.connections < 1 || options.connections > 1'000)
    return fail(Errc::kInvalid, "store.connections must be 1 to 1000");
  if (options.queue_max < 1) return fail(Errc::kInvalid, "store.queue_max must be at least 1");
  const DriverMetrics driver_metrics = DriverMetrics::in(metrics, label(options.driver.kind));
  std::vector<std::unique_ptr<Driver>> drivers;
  Options shared = options.driver;
  shared.connected_ms = std::make_shared<std::atomic<std::int64_t>>(0);
  shared.in_use = std::make_shared<ServerInUse>();
  const bool one_writer = options.driver.kind == Options::Kind::kSqlite;
  const std::size_t connections = one_writer ? 1 : options.connections;
  for (std::size_t i = 0; i < connections; ++i) {
    auto driver = open(shared, driver_metrics);
    if (!driver) return tl::unexpected(driver.error());
    drivers.push_back(std::move(*driver));
  }
  return std::unique_ptr<Store>(new Store(options, std::move(drivers), metrics));
}

Store::Store(const StoreOptions& options, std::vector<std::unique_ptr<Driver>> drivers,
             MetricSet& metrics)
    : guard_(options.driver.sqlite.guard),
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
      drivers_(std::move(drivers)),
      closed_driver_(std::make_unique<SqlDriver>(std::make_unique<ClosedConnection>(), "", "",
                                                 nullptr)),
      replies_(drivers_.size()),
      pool_({.name = "store",
             .threads = drivers_.size(),
             .queue_max = options.queue_max,
             .key_queue_max = options.account_queue_max,
             .group_max = drivers_[0]->group_max(),
             .begin_group = [this](std::size_t thread) { drivers_[thread]->begin_group(); },
             .end_group = [this](std::size_t thread) { end_group(thread); },
             .ready = [this](std::size_t thread) { return drivers_[thread]->connected(); },
             .prepare = [this](std::size_t thread) { return connect(thread); },
             .prepare_pause_ms = options.driver.reconnect_pause_ms}) {}

Store::~Store() { stop(WorkPool::Stop::kDiscard); }

Store::Owner Store::Owner::account(std::string_view name) {
  return {std::hash<std::string_view>{}(name) | 1};
}

bool Store::connect(std::size_t thread) {
  const auto connected = drivers_[thread]->connect();
  if (connected) return true;
  const MonotonicMs now_ms = monotonic_ms();
  MonotonicMs until_ms = no_line_until_ms_.load();
  if (now_ms < until_ms) return false;
  if (no_line_until_ms_.compare_exchange_strong(until_ms, now_ms + kLineAgainMs))
    log::warn({}, "store: connection {} of {}: {}", thread + 1, drivers_.size(),
              connected.error().message);
  return false;
}

Result<> Store::submit_job(Owner owner, Job job) {
  // Counted before the pool has it, so that the gauge never shows less than nothing.
  queue_length_metric_.add(1);
  auto taken = pool_.submit([this, job = std::move(job), start_ns = monotonic_ns()](
                                const WorkContext& context) mutable {
    run(context, job, start_ns);
  }, owner.key);
  if (!taken) {
    queue_length_metric_.add(-1);
    if (taken.error().code == Errc::kFull) full_metric_.add();
  }
  return taken;
}

void Store::run(const WorkContext& context, Job& job, std::int64_t submitted_ns) {
  queue_length_metric_.add(-1);
  const std::int64_t start_ns = monotonic_ns();
  auto reply = job(context.discarded ? *closed_driver_ : *drivers_[context.thread]);
  if (reply) replies_[context.thread].push_back(std::move(reply));
  if (context.discarded) return;
  jobs_metric_.add();
  wait_us_metric_.add((start_ns - submitted_ns) / 1'000);
  run_us_metric_.add((monotonic_ns() - start_ns) / 1'000);
}

void Store::end_group(std::size_t thread) {
  const std::int64_t start_ns = monotonic_ns();
  const auto durable = drivers_[thread]->end_group();
  run_us_metric_.add((monotonic_ns() - start_ns) / 1'000);
  for (Reply& reply : replies_[thread]) reply(durable);
  replies_[thread].clear();
}

std::string Store::complaint() const { return guard_ ? guard_->complaint() : std::string(); }

void Store::stop(WorkPool::Stop how) { pool_.stop(how); }

}  // namespace gatehouse::store
