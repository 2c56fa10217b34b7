#include "base/metrics.hpp"

namespace gatehouse {

Metric& MetricSet::counter(std::string_view name, std::string_view label, std::string_view help) {
  return find_or_add(name, label, help, false);
}

Metric& MetricSet::gauge(std::string_view name, std::string_view label, std::string_view help) {
  return find_or_add(name, label, help, true);
}

Metric& MetricSet::find_or_add(std::string_view name, std::string_view label, std::string_view help,
                               bool gauge) {
  std::string full = "gatehouse_" + std::string(name);
  std::lock_guard lock(mutex_);
  for (Metric& metric : metrics_) {
    if (metric.name() == full && metric.label() == label) return metric;
  }
  return metrics_.emplace_back(std::move(full), std::string(label), std::string(help), gauge);
}

}  // namespace gatehouse
