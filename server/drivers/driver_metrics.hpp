// What a driver counts. Each metric has label driver="sqlite|mysql".
#pragma once

#include <cstdint>
#include <string>

#include "base/metrics.hpp"

namespace gatehouse::drivers {

// A null pointer counts nothing. The metrics outlive the driver.
struct DriverMetrics {
  Metric* errors = nullptr;            // calls that failed because of the database
  Metric* connections = nullptr;       // gauge: open connections
  Metric* connects = nullptr;          // connections that were made
  Metric* connect_errors = nullptr;    // attempts that failed; one a server that was tried
  Metric* repeats_deadlock = nullptr;  // statements or transactions run again, by reason
  Metric* repeats_lost = nullptr;
  Metric* repeats_stale = nullptr;
  Metric* repeats_read_only = nullptr;

  // The metrics of `set`; label is as `driver="mysql"`.
  [[nodiscard]] static DriverMetrics in(MetricSet& set, const std::string& label) {
    const auto repeats = [&](const char* reason) {
      return &set.counter("store_repeats_total", label + ",reason=\"" + reason + "\"",
                          "Statements and transactions that were run again, by reason");
    };
    return {
        .errors = &set.counter("store_errors", label, "Calls that failed because of the database"),
        .connections = &set.gauge("store_connections", label, "Open connections to the database"),
        .connects = &set.counter("store_connects_total", label,
                                 "Connections to the database that were made"),
        .connect_errors = &set.counter("store_connect_errors_total", label,
                                       "Attempts to connect to the database that failed"),
        .repeats_deadlock = repeats("deadlock"),
        .repeats_lost = repeats("lost"),
        .repeats_stale = repeats("stale"),
        .repeats_read_only = repeats("read_only")};
  }
};

inline void bump(Metric* metric, std::int64_t n = 1) {
  if (metric != nullptr) metric->add(n);
}

}  // namespace gatehouse::drivers
