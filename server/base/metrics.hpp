// Counters and gauges of the whole server. Any thread adds; ops reads them for /metrics, and
// tests read them to prove that bad input was counted. One set is built in app/server and
// passed down.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>

namespace gatehouse {

// One number. add() is a relaxed atomic; a counter only grows, a gauge may also be set.
class Metric {
 public:
  Metric(std::string name, std::string label, std::string help, bool gauge)
      : name_(std::move(name)), label_(std::move(label)), help_(std::move(help)), gauge_(gauge) {}
  Metric(const Metric&) = delete;
  Metric& operator=(const Metric&) = delete;

  void add(std::int64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  void set(std::int64_t n) { value_.store(n, std::memory_order_relaxed); }
  [[nodiscard]] std::int64_t value() const { return value_.load(std::memory_order_relaxed); }

  [[nodiscard]] const std::string& name() const { return name_; }
  // Prometheus label text such as `reason="oversize"`, or empty.
  [[nodiscard]] const std::string& label() const { return label_; }
  [[nodiscard]] const std::string& help() const { return help_; }
  [[nodiscard]] bool is_gauge() const { return gauge_; }

 private:
  std::string name_, label_, help_;
  bool gauge_;
  std::atomic<std::int64_t> value_{0};
};

// Owns the metrics; references stay valid as long as the set lives. Look a metric up once, at
// construction, not on a hot path.
class MetricSet {
 public:
  // The counter `gatehouse_<name>{<label>}`, made on first use. Any thread.
  Metric& counter(std::string_view name, std::string_view label, std::string_view help);
  Metric& gauge(std::string_view name, std::string_view label, std::string_view help);

  // Calls visit(metric) for each, in order of creation. Any thread.
  template <class F>
  void each(F&& visit) const {
    std::lock_guard lock(mutex_);
    for (const Metric& metric : metrics_) visit(metric);
  }

 private:
  Metric& find_or_add(std::string_view name, std::string_view label, std::string_view help,
                      bool gauge);

  mutable std::mutex mutex_;
  std::deque<Metric> metrics_;
};

}  // namespace gatehouse
