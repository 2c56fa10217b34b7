// Keeps the table login_audit within its bounds: age, rows and bytes. The oldest rows go first.
#pragma once

#include <cstdint>
#include <deque>

#include "base/clock.hpp"
#include "base/metrics.hpp"
#include "base/result.hpp"
#include "config/watch_options.hpp"
#include "store/driver.hpp"

namespace gatehouse::app {

// 0: no bound.
// It counts the table part by part in the order of the rows: all of it once an hour, and what is
// new at each look, so that no statement of it is long. What other processes delete meanwhile is
// noticed by the next hour's count. Of one thread. Counter `login_audit_trimmed`, gauges
// `login_audit_rows` and `login_audit_bytes`.
class AuditTrimmer {
 public:
  AuditTrimmer(const config::AuditBounds& bounds, MetricSet& metrics);

  // Call it every few seconds: deletes and counts some rows. Errors as the Driver's.
  [[nodiscard]] Result<> look(store::Driver& driver, std::int64_t now_s, MonotonicMs now_ms);

 private:
  [[nodiscard]] bool bounded() const { return bounds_.rows_max > 0 || bounds_.bytes_max > 0; }
  [[nodiscard]] bool too_big() const;
  [[nodiscard]] Result<> trim_by_age(store::Driver& driver, std::int64_t now_s);
  [[nodiscard]] Result<> count_new(store::Driver& driver);
  [[nodiscard]] Result<> cut(store::Driver& driver);
  // The oldest rows are gone.
  void forget(std::uint64_t rows);

  const config::AuditBounds bounds_;
  const std::uint32_t part_rows_;
  Metric& trimmed_;
  Metric& rows_metric_;
  Metric& bytes_metric_;
  std::deque<store::AuditPart> parts_;  // the oldest first
  std::uint64_t rows_ = 0;              // of all parts, like the next
  std::uint64_t bytes_ = 0;
  std::uint64_t counted_id_ = 0;  // up to this row
  MonotonicMs recount_ms_ = 0;
};

}  // namespace gatehouse::app
