// The part of an entrance on one worker: the connections that are not known yet, and what is said
// about those that are refused. On that worker's thread only.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>

#include "actor/log_window.hpp"
#include "actor/worker.hpp"
#include "base/metrics.hpp"
#include "edge/entrance.hpp"
#include "edge/refusal.hpp"

namespace gatehouse::edge {

class Doorman;

// What the lobbies of an entrance share.
struct EntranceParts {
  const EntranceOptions& options;
  const Surroundings& surroundings;
  Host& host;
  MetricSet& metrics;
  std::atomic<std::uint32_t>& nameless;  // connections of proxies before their headers
  WsService* websocket;                  // nullptr: it is not offered
};

class Lobby final {
 public:
  static constexpr std::uint32_t kLinesPerSecond = 20;

  Lobby(const EntranceParts& parts, actor::Worker& worker);
  // Without connections.
  ~Lobby();

  [[nodiscard]] const EntranceOptions& options() const { return parts_.options; }
  [[nodiscard]] const Surroundings& surroundings() const { return parts_.surroundings; }
  [[nodiscard]] Host& host() const { return parts_.host; }
  // Where the entrance takes it.
  [[nodiscard]] WsService& websocket() const { return *parts_.websocket; }
  [[nodiscard]] actor::Worker& worker() const { return worker_; }
  // TCP is all there is, and the server speaks first.
  [[nodiscard]] bool known_at_once() const {
    return options().server_speaks_first && options().transport == ListenerTransport::kTcp;
  }

  void accept(net::TransportSet& set, std::unique_ptr<net::Transport> transport);
  // Ends all, now and from now on.
  void stop();

  // --- For Doorman ---
  void add(Doorman& doorman);
  void remove(Doorman& doorman);
  // A header has come, or none will.
  void give_name_place_back() { parts_.nameless.fetch_sub(1, std::memory_order_relaxed); }
  // Counts and logs; `detail` may be empty.
  void note_refused(Refusal refusal, const net::Address& peer, std::string_view detail);

 private:
  void accept_proxied(net::TransportSet& set, std::unique_ptr<net::Transport> transport);

  const EntranceParts parts_;
  actor::Worker& worker_;
  Doorman* first_ = nullptr;
  bool stopped_ = false;
  std::array<Metric*, kRefusalNames.size()> refused_{};
  actor::LogWindow log_window_;
};

}  // namespace gatehouse::edge
