// How a connection comes, in words for logs and the audit.
#pragma once

#include <string>

#include "net/transport.hpp"

namespace gatehouse::edge {

struct Carriage {
  std::string transport;  // "wss"
  std::string tls;        // "TLSv1.3 TLS_AES_256_GCM_SHA384", whoever ends it; "": none
  std::string proxy;      // its address without the port; "": none

  bool operator==(const Carriage&) const = default;
};

[[nodiscard]] Carriage carriage_of(const net::Transport& transport);

// "tcp"; "wss TLSv1.3 TLS_AES_256_GCM_SHA384"; behind a proxy "tcp via 192.0.2.7:40000", and where
// that ends TLS "tcp via 192.0.2.7:40000 (TLSv1.3 TLS_AES_256_GCM_SHA384)".
[[nodiscard]] std::string describe(const net::Transport& transport);

}  // namespace gatehouse::edge
