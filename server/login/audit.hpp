// Rows of table login_audit, written behind the logins in batches: one job of the store at a time,
// so that the audit never takes the store's queue from the logins themselves. Rows are dropped, and
// counted, when more wait than fit or when the store is away.
#pragma once

#include <memory>

#include "base/metrics.hpp"
#include "store/records.hpp"
#include "store/store.hpp"

namespace gatehouse::login {

class Audit {
 public:
  // The store and the metrics outlive the jobs that are under way.
  Audit(store::Store& store, MetricSet& metrics, bool enabled);
  Audit(const Audit&) = delete;
  Audit& operator=(const Audit&) = delete;

  [[nodiscard]] bool enabled() const { return state_ != nullptr; }
  // Stamps the row with the time and has it written with the next ones. Any thread.
  void record(store::LoginAudit row);
  // Has written what waits: call it every second or so. Any thread.
  void flush();

 private:
  struct State;
  static void write_some(const std::shared_ptr<State>& state, store::Driver& driver);
  static void submit(const std::shared_ptr<State>& state);

  std::shared_ptr<State> state_;  // none: not enabled
};

}  // namespace gatehouse::login
