// What is said of how connections come, and how they are counted by it.
#include "edge/census.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "base/metrics.hpp"
#include "edge/carriage.hpp"
#include "net/memory_transport.hpp"

namespace gatehouse::edge {
namespace {

const net::Address kClient = net::Address::from("192.0.2.7", 50'000).value();

std::unique_ptr<net::Transport> direct() {
  return std::move(net::MemoryTransport::make_pair(kClient, kClient).first);
}
std::unique_ptr<net::Transport> by_proxy(const std::string& proxy, bool tls = false,
                                         const std::string& version = {},
                                         const std::string& cipher = {}) {
  auto transport = direct();
  const auto address = net::Address::from(proxy, 4'000).value();
  transport->set_relay(kClient,
                       std::make_unique<net::Relay>(net::Relay{address, tls, version, cipher}));
  return transport;
}

// "transport|tls|proxy|suite" -> connections.
std::map<std::string, std::uint32_t> counted(const Census& census) {
  std::map<std::string, std::uint32_t> counts;
  for (const auto& [kind, connections] : census.lines()) {
    const Carriage& carriage = kind.carriage;
    counts[carriage.transport + "|" + carriage.tls + "|" + carriage.proxy + "|" + kind.suite] =
        connections;
  }
  return counts;
}

TEST(Carriage, NamesTransportTlsAndProxy) {
  EXPECT_EQ(describe(*direct()), "memory");
  EXPECT_EQ(describe(*by_proxy("198.51.100.1")), "memory via 198.51.100.1:4000");
  EXPECT_EQ(describe(*by_proxy("2001:db8::1", true, "TLSv1.3", "TLS_AES_256_GCM_SHA384")),
            "memory via [2001:db8::1]:4000 (TLSv1.3 TLS_AES_256_GCM_SHA384)");
  EXPECT_EQ(describe(*by_proxy("198.51.100.1", true, "TLSv1.2")),
            "memory via 198.51.100.1:4000 (TLSv1.2)");
  EXPECT_EQ(describe(*by_proxy("198.51.100.1", true)), "memory via 198.51.100.1:4000 (TLS)");
  EXPECT_EQ(carriage_of(*by_proxy("198.51.100.1", true, "TLSv1.3", "X")),
            (Carriage{"memory", "TLSv1.3 X", "198.51.100.1"}));
  EXPECT_EQ(carriage_of(*direct()), (Carriage{"memory", "", ""}));
}

TEST(Census, CountsTheConnectionsOfEachKind) {
  MetricSet metrics;
  Census census("gate", metrics);
  const auto& gauge =
      metrics.gauge("transport_connections", "where=\"gate\",transport=\"memory\"", "");
  const auto plain = direct();
  const auto proxied = by_proxy("198.51.100.1", true, "TLSv1.3", "X");
  const Census::Row first = census.enter(*plain);
  const Census::Row second = census.enter(*plain, protocol::Suite::kX25519);
  const Census::Row third = census.enter(*proxied, protocol::Suite::kPlain);
  EXPECT_EQ(census.enter(*by_proxy("198.51.100.1", true, "TLSv1.3", "X"), protocol::Suite::kPlain),
            third);
  const std::map<std::string, std::uint32_t> expected{
      {"memory|||", 1}, {"memory|||x25519", 1}, {"memory|TLSv1.3 X|198.51.100.1|plain", 2}};
  EXPECT_EQ(counted(census), expected);
  EXPECT_EQ(gauge.value(), 4);
  for (const Census::Row row : {first, second, third, third}) census.leave(row);
  EXPECT_TRUE(census.lines().empty());
  EXPECT_EQ(gauge.value(), 0);
}

// Kinds beyond the rows count with their transport.
TEST(Census, HasSoManyKindsOnly) {
  MetricSet metrics;
  Census census("login", metrics);
  std::vector<Census::Row> rows;
  for (int i = 0; i < 1'000; ++i)
    rows.push_back(census.enter(*by_proxy("198.51.100.1", true, "v" + std::to_string(i))));
  EXPECT_LE(counted(census).size(), 256u);
  EXPECT_GT(counted(census)["memory|||"], 700u);
  std::uint32_t all = 0;
  for (const auto& [kind, connections] : counted(census)) all += connections;
  EXPECT_EQ(all, 1'000u);
  for (const Census::Row row : rows) census.leave(row);
  EXPECT_TRUE(census.lines().empty());
}

}  // namespace
}  // namespace gatehouse::edge
