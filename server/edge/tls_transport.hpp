// TLS over another transport, the server's side.
//
// Ready when the handshake is over. Its first flight, which holds the signature, is worked out on
// a thread of TlsHandshakes if there are any; nothing is read meanwhile. A peer that speaks no TLS
// we can gets the alert, if there is one, and ends with CloseReason::kProtocol; one that finds no
// thread with kLimit. close_notify ends the peer's direction, and so does an end below without it:
// what our protocols say is whole or is not there, whoever cuts it off.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "crypto/tls.hpp"
#include "edge/layer_transport.hpp"
#include "edge/tls_handshakes.hpp"

namespace gatehouse::edge {

// A fatal alert, internal_error (RFC 8446 section 6.2), in a record that every version can read:
// for who is turned away before TLS has begun.
inline constexpr std::string_view kTlsRefusal{"\x15\x03\x01\x00\x02\x02\x50", 7};

class TlsTransport final : public LayerTransport {
 public:
  // `handshakes` outlives it.
  TlsTransport(std::unique_ptr<net::Transport> below, crypto::TlsSession session,
               TlsHandshakes& handshakes);
  TlsTransport(net::Transport& below, crypto::TlsSession session, TlsHandshakes& handshakes);
  ~TlsTransport() override;

  [[nodiscard]] std::optional<net::TlsAgreement> tls() const override;

 private:
  // A piece of a handshake on its way through a thread: whose it is meanwhile.
  struct Flight;

  void decode(std::string_view received, std::string& plain) override;
  void encode(std::string_view plain, std::string& wire) override;
  void encode_end(std::string& wire, net::CloseReason) override;

  void shake_elsewhere(std::string_view received);
  void land(Flight& flight);
  void take_in(const Result<>& fed, std::string_view words);

  std::unique_ptr<crypto::TlsSession> session_;  // nullptr: in flight
  TlsHandshakes& handshakes_;
  bool answered_ = false;  // the costly part of the handshake is over
};

}  // namespace gatehouse::edge
