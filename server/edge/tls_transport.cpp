#include "edge/tls_transport.hpp"

#include <utility>

namespace gatehouse::edge {

TlsTransport::TlsTransport(std::unique_ptr<net::Transport> below, crypto::TlsSession session)
    : LayerTransport(net::TransportKind::kTls, std::move(below)), session_(std::move(session)) {}

TlsTransport::TlsTransport(net::Transport& below, crypto::TlsSession session)
    : LayerTransport(net::TransportKind::kTls, below), session_(std::move(session)) {}

std::optional<net::TlsAgreement> TlsTransport::tls() const {
  if (!session_.finished()) return std::nullopt;
  return net::TlsAgreement{session_.version(), session_.cipher(), session_.alpn(),
                           session_.server_name()};
}

void TlsTransport::decode(std::string_view received, std::string& plain) {
  thread_local std::string words;  // of TLS itself, and rare
  words.clear();
  const auto fed = session_.feed(received, plain, words);
  if (!words.empty()) wire() += words;
  if (!fed) return refuse(net::CloseReason::kProtocol);
  if (session_.finished() && !ready()) become_ready();
  if (session_.ended()) peer_ends();
}

void TlsTransport::encode(std::string_view plain, std::string& wire) {
  if (!session_.write(plain, wire)) refuse(net::CloseReason::kProtocol);
}

void TlsTransport::encode_end(std::string& wire) {
  session_.close(wire);
}

}  // namespace gatehouse::edge
