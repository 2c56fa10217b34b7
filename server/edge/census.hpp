// How many connections there are of each kind: by transport, TLS, proxy and suite. A connection
// keeps the number of its row; of the kinds beyond the rows only the transport is told.
//
// Metric: gauge `transport_connections` by `where` and `transport`. Any thread.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/metrics.hpp"
#include "edge/carriage.hpp"
#include "protocol/suite.hpp"

namespace gatehouse::edge {

class Census {
 public:
  using Row = std::uint8_t;

  struct Kind {
    Carriage carriage;
    std::string suite;  // "": not known yet
    bool operator==(const Kind&) const = default;
  };

  // `where` is "login" or "gate".
  Census(std::string_view where, MetricSet& metrics);
  Census(const Census&) = delete;
  Census& operator=(const Census&) = delete;

  // leave() follows with what it returns.
  [[nodiscard]] Row enter(const net::Transport& transport,
                          std::optional<protocol::Suite> suite = std::nullopt);
  void leave(Row row);

  struct Line {
    Kind kind;
    std::uint32_t connections = 0;
  };
  // Those that there are.
  [[nodiscard]] std::vector<Line> lines() const;

 private:
  static constexpr std::size_t kSuites = 4;  // none, and protocol::Suite
  static constexpr std::size_t kTransports = 6;
  // Without TLS and proxy, found without a lock.
  static constexpr std::size_t kSimpleRows = kTransports * kSuites;
  static constexpr std::size_t kRows = 256;

  [[nodiscard]] Row find_or_add(Kind kind, Row simple);

  std::array<std::atomic<std::uint32_t>, kRows> counts_{};
  std::array<std::uint8_t, kRows> transports_{};  // of a row: index of gauges_
  std::array<Metric*, kTransports> gauges_{};
  mutable std::mutex mutex_;
  std::vector<Kind> kinds_;  // those behind the simple ones; under mutex_
};

}  // namespace gatehouse::edge
