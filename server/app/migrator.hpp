// Brings the database's schema up to date at start or, with store.migrate "check", makes sure
// that it is. A database that is away is no reason not to start: it is tried again until it is
// there.
#pragma once

#include <atomic>
#include <memory>

#include "actor/timer_wheel.hpp"
#include "actor/worker.hpp"
#include "base/result.hpp"
#include "drivers/open.hpp"
#include "store/store.hpp"

namespace gatehouse::app {

class Migrator {
 public:
  // All arguments outlive it; the worker runs.
  Migrator(store::Store& store, const store::Options& options, actor::Worker& worker);
  // Stops trying. Before System::stop().
  ~Migrator();
  Migrator(const Migrator&) = delete;
  Migrator& operator=(const Migrator&) = delete;

  // On the caller's thread. Fails when the schema and the program do not fit together, or when
  // something is missing that logins and saves need (drivers/needs.hpp); a
  // database that is away is tried again every second in the background, where one that does not
  // fit is waited for as well.
  [[nodiscard]] Result<> start();

 private:
  struct Retry;
  store::Store& store_;
  const store::Options& options_;
  actor::Worker& worker_;
  std::shared_ptr<Retry> retry_;
};

}  // namespace gatehouse::app
