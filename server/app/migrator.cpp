#include "app/migrator.hpp"

#include <future>

#include "base/clock.hpp"
#include "base/log.hpp"

namespace gatehouse::app {

// Lives on the worker; jobs in the store hold it as well.
struct Migrator::Retry final : actor::Timer, std::enable_shared_from_this<Retry> {
  static constexpr MonotonicMs kPauseMs = 1'000;

  Retry(store::Store& account_store, actor::Worker& home) : store(account_store), worker(home) {}

  void arm() {
    if (!stopped.load()) worker.timers().add(*this, worker.now() + kPauseMs);
  }

  void fire() override {
    const auto self = shared_from_this();
    const auto submitted = store.submit([self](store::Driver& driver) {
      const auto migrated = driver.migrate();
      if (migrated) {
        log::info({}, "the store is there, schema version {}", *migrated);
        return;
      }
      if (migrated.error().code != Errc::kUnavailable) {
        log::error({}, "the schema cannot be brought up to date: {}", migrated.error().message);
      }
      self->worker.post([self] { self->arm(); });
    });
    if (!submitted) arm();
  }

  store::Store& store;
  actor::Worker& worker;
  std::atomic<bool> stopped{false};
};

Migrator::Migrator(store::Store& store, const store::Options& options, actor::Worker& worker)
    : store_(store), options_(options), worker_(worker) {}

Migrator::~Migrator() {
  if (!retry_) return;
  retry_->stopped.store(true);
  // The timer leaves the wheel on the wheel's own thread.
  std::promise<void> cancelled;
  worker_.post([&] {
    retry_->cancel();
    cancelled.set_value();
  });
  cancelled.get_future().wait();
}

Result<> Migrator::start() {
  auto driver = store::open(options_);
  if (!driver) return tl::unexpected<Error>(driver.error());
  const auto migrated = (*driver)->migrate();
  if (migrated) return {};
  if (migrated.error().code != Errc::kUnavailable) {
    return fail(migrated.error().code, "store: " + migrated.error().message);
  }
  log::error({}, "the store is away, logins are answered 503: {}", migrated.error().message);
  retry_ = std::make_shared<Retry>(store_, worker_);
  worker_.post([retry = retry_] { retry->arm(); });
  return {};
}

}  // namespace gatehouse::app
