// An entrance with workers and a protocol behind it that tells what it was given, then echoes.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "actor/system.hpp"
#include "base/metrics.hpp"
#include "edge/entrance.hpp"
#include "net/uv_network.hpp"
#include "net_client.hpp"
#include "waiting.hpp"

namespace gatehouse::edge {

using net::Carrier;
using test::eventually;

// Greets with "hello " where the server speaks first; sends back what comes.
class TestHost final : public Host {
 public:
  explicit TestHost(bool speaks_first) : speaks_first_(speaks_first) {}

  [[nodiscard]] tl::expected<std::unique_ptr<Guest>, std::string> admit(
      net::TransportSet& set, const net::Address& peer) override;

  // What happened, e.g. "admit 127.0.0.1", "enter tcp 192.0.2.7 GET", "gone timeout"; each once.
  [[nodiscard]] bool saw(const std::string& event) const;
  [[nodiscard]] std::string events() const;
  [[nodiscard]] int places() const;

  std::uint32_t handshake_timeout_ms = 60'000;
  bool full = false;  // refuses with "full"

 private:
  friend class TestGuest;
  void note(const std::string& event);
  void take_place(int change);

  const bool speaks_first_;
  mutable std::mutex mutex_;
  std::vector<std::string> events_;
  int places_ = 0;
};

struct WorldOptions {
  EntranceOptions entrance;
  std::vector<std::string> trusted_proxies;
  std::uint32_t handshake_timeout_ms = 60'000;
  bool full = false;
  std::uint16_t workers = 2;
};

[[nodiscard]] EntranceOptions offering(ListenerTransport transport, bool server_speaks_first);

class EntranceWorld {
 public:
  explicit EntranceWorld(WorldOptions options, Carrier carrier = Carrier::kTcp);
  // Proves that nothing is left.
  ~EntranceWorld();

  [[nodiscard]] std::unique_ptr<net::Client> connect() const;
  [[nodiscard]] std::int64_t refused(std::string_view reason) const;

  MetricSet metrics;
  actor::System system;
  std::unique_ptr<net::Network> network;
  TestHost host;
  std::unique_ptr<Entrance> entrance;

 private:
  template <class AnyNetwork>
  void start_on();

  net::NetworkSet proxies_;
  MetricSet client_metrics_;
  std::unique_ptr<net::MemoryClients> clients_;  // in memory
};

}  // namespace gatehouse::edge
