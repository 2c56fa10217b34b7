// How a listener of login or gate is configured below its protocol.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "protocol/origins.hpp"

namespace gatehouse::edge {

// What clients speak below the protocol (configuration: `transport`); kAuto: whatever their first
// bytes say.
enum class ListenerTransport : std::uint8_t { kTcp, kTls, kWs, kWss, kAuto };

inline constexpr std::array<std::string_view, 5> kListenerTransports{"tcp", "tls", "ws", "wss",
                                                                     "auto"};
[[nodiscard]] constexpr std::string_view name(ListenerTransport transport) {
  return kListenerTransports[static_cast<std::size_t>(transport)];
}

[[nodiscard]] constexpr bool takes_tls(ListenerTransport transport) {
  using enum ListenerTransport;
  return transport == kTls || transport == kWss || transport == kAuto;
}
// The protocol by itself, within TLS or not; else WebSocket.
[[nodiscard]] constexpr bool takes_stream(ListenerTransport transport, bool within_tls) {
  using enum ListenerTransport;
  return transport == kAuto || transport == (within_tls ? kTls : kTcp);
}
[[nodiscard]] constexpr bool takes_websocket(ListenerTransport transport, bool within_tls) {
  using enum ListenerTransport;
  return transport == kAuto || transport == (within_tls ? kWss : kWs);
}

// How WebSocket connections are served; configuration section `net.websocket`.
struct WsOptions {
  protocol::Origins origins;  // which pages may connect; without patterns: all
  // Pings of ours, so that what lies between (proxies, mobile networks) keeps the connection, and a
  // peer that is gone is noticed: it is closed when nothing comes from one to the next; 0: none.
  std::uint32_t ping_s = 0;
  // Frames of a connection that are no message's last: pings, pongs, fragments; 0: no limit.
  std::uint32_t other_frames_per_s_max = 2'000;
};

}  // namespace gatehouse::edge
