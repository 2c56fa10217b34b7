// Why a connection is refused before login or gate see it: the word in the log and in the label of
// `gatehouse_refused_total`.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gatehouse::edge {

enum class Refusal : std::uint8_t {
  kProxyHeaderMissing,    // from a trusted proxy
  kProxyHeaderMalformed,  // from a trusted proxy
  kProxyHeaderTooLate,    // from a trusted proxy
  kProxyHeaderUntrusted,  // from anybody else
  kProxyConnectionsMax,   // too many of trusted proxies wait for their headers
  kTlsWithoutCertificate,
  kTlsHandshakesMax,  // limits.tls_handshakes_per_s
  kTlsNotOffered,
  kTlsRequired,
  kWebSocketNotOffered,
  kWebSocketRequired,
};
inline constexpr std::array<std::string_view, 11> kRefusalNames{
    "proxy_header_missing",   "proxy_header_malformed", "proxy_header_too_late",
    "proxy_header_untrusted", "proxy_connections_max",  "tls_without_certificate",
    "tls_handshakes_max",     "tls_not_offered",        "tls_required",
    "websocket_not_offered",  "websocket_required"};
static_assert(kRefusalNames.size() == static_cast<std::size_t>(Refusal::kWebSocketRequired) + 1);

[[nodiscard]] constexpr std::string_view name(Refusal refusal) {
  return kRefusalNames[static_cast<std::size_t>(refusal)];
}

}  // namespace gatehouse::edge
