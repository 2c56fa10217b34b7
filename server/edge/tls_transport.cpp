#include "edge/tls_transport.hpp"

#include <utility>

#include "base/assert.hpp"
#include "net/transport_set.hpp"

namespace gatehouse::edge {

struct TlsTransport::Flight {
  std::unique_ptr<crypto::TlsSession> session;
  std::string received;
  std::string plain;
  std::string words;
  Result<> fed;
};

TlsTransport::TlsTransport(std::unique_ptr<net::Transport> below, crypto::TlsSession session,
                           TlsHandshakes& handshakes)
    : LayerTransport(net::TransportKind::kTls, std::move(below)),
      session_(std::make_unique<crypto::TlsSession>(std::move(session))),
      handshakes_(handshakes) {}

TlsTransport::TlsTransport(net::Transport& below, crypto::TlsSession session,
                           TlsHandshakes& handshakes)
    : LayerTransport(net::TransportKind::kTls, below),
      session_(std::make_unique<crypto::TlsSession>(std::move(session))),
      handshakes_(handshakes) {}

TlsTransport::~TlsTransport() = default;

std::optional<net::TlsAgreement> TlsTransport::tls() const {
  if (!ready()) return std::nullopt;
  return net::TlsAgreement{session_->version(), session_->cipher(), session_->alpn(),
                           session_->server_name()};
}

void TlsTransport::decode(std::string_view received, std::string& plain) {
  GATEHOUSE_ASSERT(session_ != nullptr);
  if (!answered_ && handshakes_.has_threads()) return shake_elsewhere(received);
  thread_local std::string words;  // of TLS itself, and rare
  words.clear();
  const auto fed = session_->feed(received, plain, words);
  take_in(fed, words);
}

void TlsTransport::take_in(const Result<>& fed, std::string_view words) {
  if (!words.empty()) {
    wire().append(words);
    answered_ = true;
  }
  if (!fed) {
    if (!ready()) handshakes_.note_failed(peer(), fed.error());
    return refuse(net::CloseReason::kProtocol);
  }
  if (session_->finished() && !ready()) {
    handshakes_.count(session_->resumed());
    become_ready();
  }
  if (session_->ended()) peer_ends();
}

void TlsTransport::shake_elsewhere(std::string_view received) {
  auto flight = std::make_shared<Flight>();
  flight->session = std::move(session_);
  flight->received = received;
  hold_input(true);
  net::TransportSet* here = &set();
  auto work = [flight, here, id = id()] {
    flight->fed = flight->session->feed(flight->received, flight->plain, flight->words);
    here->worker().post([flight, here, id] {
      // Its id is no other's; the connection may have ended meanwhile.
      if (net::Transport* there = here->find(id)) static_cast<TlsTransport*>(there)->land(*flight);
    });
  };
  if (handshakes_.submit(std::move(work))) return;
  wire().append(kTlsRefusal);
  refuse(net::CloseReason::kLimit);
}

void TlsTransport::land(Flight& flight) {
  session_ = std::move(flight.session);
  if (ending()) return;
  hold_input(false);
  take_in(flight.fed, flight.words);
  deliver(flight.plain);
}

void TlsTransport::encode(std::string_view plain, std::string& wire) {
  if (!session_->write(plain, wire)) refuse(net::CloseReason::kProtocol);
}

void TlsTransport::encode_end(std::string& wire, net::CloseReason) {
  if (session_ != nullptr) session_->close(wire);
}

}  // namespace gatehouse::edge
