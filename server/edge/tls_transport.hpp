// TLS over another transport, the server's side.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "crypto/tls.hpp"
#include "edge/layer_transport.hpp"

namespace gatehouse::edge {

// Ready when the handshake is over. A peer that speaks no TLS we can gets the alert, if there is
// one, and ends with CloseReason::kProtocol. close_notify ends the peer's direction, and so does
// an end below without it: what our protocols say is whole or is not there, whoever cuts it off.
class TlsTransport final : public LayerTransport {
 public:
  TlsTransport(std::unique_ptr<net::Transport> below, crypto::TlsSession session);
  TlsTransport(net::Transport& below, crypto::TlsSession session);

  [[nodiscard]] std::optional<net::TlsAgreement> tls() const override;

 private:
  void decode(std::string_view received, std::string& plain) override;
  void encode(std::string_view plain, std::string& wire) override;
  void encode_end(std::string& wire) override;

  crypto::TlsSession session_;
};

}  // namespace gatehouse::edge
