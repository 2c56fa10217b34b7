// What stands between a port and the protocol behind it, login or gate: it accepts connections,
// finds out where they come from and what they speak (docs/protocol.md 1.5, 1.6), stacks the
// transports for that, and gives the protocol one that is attached.
//
//   1  From a trusted proxy a PROXY header comes first, and has to; Transport::peer() is the
//      client from then on, Transport::relay() the proxy.
//   2  Host::admit() lets the connection in.
//   3  Where the server speaks first and TCP is all there is, the connection is known. Else its
//      first bytes tell; where the server speaks first and the client may, so does its silence for
//      sniff_ms.
//   4  TLS: the decrypted first bytes tell again. WebSocket: the upgrade is asked for and granted.
//   5  Guest::enter().
// What does not fit is answered as far as somebody could read it, counted, logged and closed.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "actor/system.hpp"
#include "base/metrics.hpp"
#include "base/result.hpp"
#include "edge/guest.hpp"
#include "edge/options.hpp"
#include "net/network.hpp"
#include "net/network_set.hpp"

namespace gatehouse::edge {

class Lobby;
class TlsService;
class WsService;

// What the entrances of a process have in common; all of it outlives them.
struct Surroundings {
  const net::NetworkSet* trusted_proxies = nullptr;  // nullptr: none
  TlsService* tls = nullptr;                         // nullptr: there is no TLS
  const WsOptions* websocket = nullptr;              // nullptr: the defaults
};

struct EntranceOptions {
  std::string where;     // "login" or "gate", the label of metrics
  std::string name;      // "gate sample", for the log
  net::Endpoint listen;  // port 0: any
  ListenerTransport transport = ListenerTransport::kTcp;
  bool server_speaks_first = false;
  std::uint32_t sniff_ms = 50;
  std::uint32_t proxy_header_timeout_ms = 10'000;  // 0: none
  std::uint32_t proxy_headers_max = 10'000;        // connections that wait for theirs
  // What a client hears that speaks the protocol and has to do so within TLS or WebSocket.
  std::string plain_refusal;
  std::string bad_request;  // what one hears whose bytes are no protocol's
  // Where the client speaks first: of its first message over WebSocket.
  std::uint32_t first_message_bytes_max = 1'024;
};

class Entrance {
 public:
  // The host outlives it.
  Entrance(EntranceOptions options, const Surroundings& surroundings, Host& host,
           MetricSet& metrics);
  // After System::stop(), so that no worker calls it.
  ~Entrance();
  Entrance(const Entrance&) = delete;
  Entrance& operator=(const Entrance&) = delete;

  // Listens; errors as net::Network::listen(). Once, while the System runs, from any thread.
  [[nodiscard]] Result<> start(net::Network& network, actor::System& system);
  // Refuses new connections from now on, and ends those that are not known yet. Any thread, not
  // while start() runs; twice is once.
  void stop();
  // After start().
  [[nodiscard]] const net::Address& address() const { return listener_->address(); }
  [[nodiscard]] ListenerTransport transport() const { return options_.transport; }

 private:
  const EntranceOptions options_;
  const Surroundings surroundings_;
  Host& host_;
  MetricSet& metrics_;
  std::atomic<std::uint32_t> nameless_{0};
  std::unique_ptr<WsService> websocket_;         // where it is offered
  std::vector<std::unique_ptr<Lobby>> lobbies_;  // by index of the worker
  std::unique_ptr<net::Listener> listener_;
};

}  // namespace gatehouse::edge
