#include "ops/metrics_text.hpp"

#include <prometheus/text_serializer.h>

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "base/resident_memory.hpp"

namespace gatehouse::ops {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

// Labels as Metric::label() writes them: `a="x",b="y"`. Values hold no quotes.
std::vector<ClientMetric::Label> parse_labels(std::string_view text) {
  std::vector<ClientMetric::Label> labels;
  while (!text.empty()) {
    const std::size_t equals = text.find("=\"");
    if (equals == std::string_view::npos) break;
    const std::size_t end = text.find('"', equals + 2);
    if (end == std::string_view::npos) break;
    labels.push_back({std::string(text.substr(0, equals)),
                      std::string(text.substr(equals + 2, end - equals - 2))});
    text.remove_prefix(end + 1);
    if (text.starts_with(',')) text.remove_prefix(1);
  }
  return labels;
}

MetricFamily& family_of(std::vector<MetricFamily>& families, const std::string& name,
                        const std::string& help, bool gauge) {
  const auto it = std::find_if(families.begin(), families.end(),
                               [&name](const MetricFamily& f) { return f.name == name; });
  if (it != families.end()) return *it;
  return families.emplace_back(
      MetricFamily{name, help, gauge ? MetricType::Gauge : MetricType::Counter, {}});
}

void add(std::vector<MetricFamily>& families, const Metric& metric) {
  ClientMetric client;
  client.label = parse_labels(metric.label());
  const auto value = static_cast<double>(metric.value());
  (metric.is_gauge() ? client.gauge.value : client.counter.value) = value;
  family_of(families, metric.name(), metric.help(), metric.is_gauge())
      .metric.push_back(std::move(client));
}

}  // namespace

std::string metrics_text(const MetricSet& metrics) {
  std::vector<MetricFamily> families;
  metrics.each([&families](const Metric& metric) { add(families, metric); });
  if (const auto bytes = ResidentMemory().bytes()) {
    ClientMetric resident;
    resident.gauge.value = static_cast<double>(*bytes);
    family_of(families, "process_resident_memory_bytes", "Resident memory in bytes", true)
        .metric.push_back(std::move(resident));
  }
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace gatehouse::ops
