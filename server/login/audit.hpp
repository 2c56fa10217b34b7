// Rows of table login_audit, written behind the logins in batches: one job of the store at a time,
// so that the audit never takes the store's queue from the logins themselves. A login that is let
// in is a row. Refusals are one row an address and minute, which counts them, so that nobody fills
// the table by being refused; beyond a number of addresses those of all others are one row more.
// Rows are dropped, and the logins counted, when more wait than fit or when the store is away.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/clock.hpp"
#include "base/metrics.hpp"
#include "store/records.hpp"
#include "store/store.hpp"

namespace gatehouse::login {

class Audit {
 public:
  // The address of the row that stands for all those without one of their own.
  static constexpr std::string_view kOtherAddresses = "*";

  // The store and the metrics outlive the jobs that are under way. addresses_max: with rows of
  // their own in a minute.
  Audit(const Clock& clock, store::Store& store, MetricSet& metrics, bool enabled,
        std::uint32_t addresses_max = 1'000);
  Audit(const Audit&) = delete;
  Audit& operator=(const Audit&) = delete;

  [[nodiscard]] bool enabled() const { return state_ != nullptr; }
  // Stamps the row with the time and has it written with the next ones. A result other than 200 is
  // a refusal. Any thread.
  void record(store::LoginAudit row);
  // Has written what waits, the refusals since the last time among it: call it every second or
  // so. Any thread.
  void flush();

 private:
  struct Refusals;
  struct State;
  static void write_some(const std::shared_ptr<State>& state, store::Driver& driver);
  static void submit(const std::shared_ptr<State>& state);

  std::shared_ptr<State> state_;  // none: not enabled
};

}  // namespace gatehouse::login
