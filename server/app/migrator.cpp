#include "app/migrator.hpp"

#include <fmt/format.h>

#include <string>

#include "app/store_needs.hpp"
#include "base/log.hpp"
#include "base/log_limit.hpp"

namespace gatehouse::app {

namespace {

using Mode = store::Options::Migrate;

// Brings the schema up to date, or checks that it is; its version.
Result<std::uint32_t> prepare(store::Driver& driver, Mode mode) {
  if (mode == Mode::kAuto) return driver.migrate();
  const auto missing = driver.missing_migrations();
  if (!missing) return missing;
  const auto version = driver.schema_version();
  if (!version || *missing == 0) return version;
  // The same words at each step of a migration that is under way.
  return fail(Errc::kInvalid,
              fmt::format("the database's schema is older than version {}, which this program "
                          "needs; run: gatectl --config FILE migrate",
                          *version + *missing));
}

}  // namespace

// Lives on the worker; jobs in the store hold it as well.
struct Migrator::Retry final : actor::Timer, std::enable_shared_from_this<Retry> {
  static constexpr MonotonicMs kPauseMs = 1'000;

  Retry(store::Store& account_store, actor::Worker& home, const store::Options& how)
      : store(account_store), worker(home), options(how) {}

  void arm() {
    if (!stopped.load()) worker.timers().add(*this, worker.now() + kPauseMs);
  }

  void fire() override {
    const auto self = shared_from_this();
    const auto submitted = store.submit([self](store::Driver& driver) {
      const auto ready = prepare(driver, self->options.migrate);
      if (ready) {
        log::info({}, "the store is there, schema version {}", *ready);
        static_cast<void>(report_needs(self->options));
        return;
      }
      self->complain(ready.error());
      self->worker.post([self] { self->arm(); });
    });
    if (!submitted) arm();
  }

  // One job at a time. Names what changed, and what did not change once in a while.
  void complain(const Error& error) {
    const bool news = error.message != complaint;
    complaint = error.message;
    if (!complaints.admit(worker.clock().monotonic_ms(), news)) return;
    log::error({}, "the store cannot be used, logins are answered 503: {}", complaint);
  }

  store::Store& store;
  actor::Worker& worker;
  const store::Options options;
  std::string complaint;
  LogLimit complaints{1, 60'000};
  std::atomic<bool> stopped{false};
};

Migrator::Migrator(store::Store& store, const store::Options& options, actor::Worker& worker)
    : store_(store), options_(options), worker_(worker) {}

Migrator::~Migrator() {
  if (!retry_) return;
  retry_->stopped.store(true);
  // The timer leaves the wheel on the wheel's own thread, before that ends.
  worker_.post([retry = retry_] { retry->cancel(); });
}

Result<> Migrator::start() {
  auto driver = drivers::open(worker_.system().world(), options_);
  if (!driver) return tl::unexpected<Error>(driver.error());
  const auto ready = prepare(**driver, options_.migrate);
  if (ready) {
    auto met = report_needs(options_);
    if (!met) return fail(met.error().code, "store: " + met.error().message);
    return {};
  }
  if (ready.error().code != Errc::kUnavailable) {
    return fail(ready.error().code, "store: " + ready.error().message);
  }
  log::error({}, "the store is away, logins are answered 503: {}", ready.error().message);
  retry_ = std::make_shared<Retry>(store_, worker_, options_);
  retry_->complaint = ready.error().message;
  static_cast<void>(retry_->complaints.admit(worker_.clock().monotonic_ms()));
  worker_.post([retry = retry_] { retry->arm(); });
  return {};
}

}  // namespace gatehouse::app
