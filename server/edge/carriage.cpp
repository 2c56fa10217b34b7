#include "edge/carriage.hpp"

#include <fmt/format.h>

#include <string_view>

namespace gatehouse::edge {
namespace {

std::string agreement(std::string_view version, std::string_view cipher) {
  if (version.empty()) return "TLS";
  return cipher.empty() ? std::string(version) : fmt::format("{} {}", version, cipher);
}

}  // namespace

Carriage carriage_of(const net::Transport& transport) {
  Carriage carriage;
  carriage.transport = name(transport.kind());
  const net::Relay* relay = transport.relay();
  if (const auto tls = transport.tls()) {
    carriage.tls = agreement(tls->version, tls->cipher);
  } else if (relay != nullptr && relay->tls) {
    carriage.tls = agreement(relay->tls_version, relay->cipher);
  }
  if (relay != nullptr) carriage.proxy = relay->proxy.ip();
  return carriage;
}

std::string describe(const net::Transport& transport) {
  std::string text(name(transport.kind()));
  if (const auto tls = transport.tls()) text += ' ' + agreement(tls->version, tls->cipher);
  const net::Relay* relay = transport.relay();
  if (relay == nullptr) return text;
  text += " via " + relay->proxy.to_string();
  if (relay->tls) text += fmt::format(" ({})", agreement(relay->tls_version, relay->cipher));
  return text;
}

}  // namespace gatehouse::edge
