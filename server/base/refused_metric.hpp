// The one counter of all that a limit keeps out or ends: gatehouse_refused_total{where,reason}.
// docs/limits.md lists the reasons.
#pragma once

#include <fmt/format.h>

#include <string_view>

#include "base/metrics.hpp"

namespace gatehouse {

// `where`: "login", "gate", "listener".
[[nodiscard]] inline Metric& refused_metric(MetricSet& set, std::string_view where,
                                            std::string_view reason) {
  return set.counter("refused_total", fmt::format("where=\"{}\",reason=\"{}\"", where, reason),
                     "Connections and requests that a limit refused or ended");
}

}  // namespace gatehouse
