#include "edge/census.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/assert.hpp"

namespace gatehouse::edge {

Census::Census(std::string_view where, MetricSet& metrics) {
  for (std::size_t i = 0; i < kTransports; ++i) {
    const auto label = fmt::format("where=\"{}\",transport=\"{}\"", where,
                                   name(static_cast<net::TransportKind>(i)));
    gauges_[i] =
        &metrics.gauge("transport_connections", label, "Connections that login and gates took in");
  }
  for (std::size_t i = 0; i < kSimpleRows; ++i)
    transports_[i] = static_cast<std::uint8_t>(i / kSuites);
}

Census::Row Census::enter(const net::Transport& transport, std::optional<protocol::Suite> suite) {
  const auto kind = static_cast<std::size_t>(transport.kind());
  const std::size_t suite_index = suite ? static_cast<std::size_t>(*suite) + 1 : 0;
  GATEHOUSE_ASSERT(kind < kTransports && suite_index < kSuites);
  auto row = static_cast<Row>(kind * kSuites + suite_index);
  if (transport.relay() != nullptr || transport.tls())
    row = find_or_add({carriage_of(transport), suite ? std::string(name(*suite)) : ""}, row);
  counts_[row].fetch_add(1, std::memory_order_relaxed);
  gauges_[kind]->add(1);
  return row;
}

Census::Row Census::find_or_add(Kind kind, Row simple) {
  std::lock_guard lock(mutex_);
  const auto found = std::ranges::find(kinds_, kind);
  const std::size_t row = kSimpleRows + static_cast<std::size_t>(found - kinds_.begin());
  if (found != kinds_.end()) return static_cast<Row>(row);
  if (row >= kRows) return simple;
  kinds_.push_back(std::move(kind));
  transports_[row] = transports_[simple];
  return static_cast<Row>(row);
}

void Census::leave(Row row) {
  const std::uint32_t before = counts_[row].fetch_sub(1, std::memory_order_relaxed);
  GATEHOUSE_ASSERT(before > 0);
  gauges_[transports_[row]]->add(-1);
}

std::vector<Census::Line> Census::lines() const {
  std::vector<Line> lines;
  for (std::size_t i = 0; i < kSimpleRows; ++i) {
    const std::uint32_t count = counts_[i].load(std::memory_order_relaxed);
    if (count == 0) continue;
    Kind kind;
    kind.carriage.transport = name(static_cast<net::TransportKind>(i / kSuites));
    if (i % kSuites != 0) kind.suite = name(static_cast<protocol::Suite>(i % kSuites - 1));
    lines.push_back({std::move(kind), count});
  }
  std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < kinds_.size(); ++i)
    if (const auto count = counts_[kSimpleRows + i].load(std::memory_order_relaxed))
      lines.push_back({kinds_[i], count});
  return lines;
}

}  // namespace gatehouse::edge
