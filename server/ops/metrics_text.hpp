// What GET /metrics answers. This module is the only wrapper of prometheus-cpp.
#pragma once

#include <cstdint>
#include <string>

#include "base/metrics.hpp"

namespace gatehouse::ops {

// Content type of metrics_text().
inline constexpr const char* kMetricsContentType = "text/plain; version=0.0.4; charset=utf-8";

// The metrics in Prometheus' text format 0.0.4, one family a name, and the process' own
// process_resident_memory_bytes, where the system tells it. Any thread.
[[nodiscard]] std::string metrics_text(const MetricSet& metrics);

}  // namespace gatehouse::ops
