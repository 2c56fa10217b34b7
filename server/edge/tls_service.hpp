// The TLS of a process, as entrances use it: its certificates, and the work of its handshakes.
#pragma once

#include <memory>

#include "base/result.hpp"
#include "edge/certificates.hpp"
#include "edge/tls_handshakes.hpp"
#include "edge/tls_transport.hpp"

namespace gatehouse::edge {

// Outlives the connections that it secures; ends before the workers do.
class TlsService {
 public:
  TlsService(const World& world, const TlsHandshakeLimits& limits, MetricSet& metrics)
      : certificates_(world, metrics), handshakes_(world, limits, metrics) {}

  [[nodiscard]] Certificates& certificates() { return certificates_; }

  // A layer for the attached transport, to be attached in its turn (LayerTransport). kNotFound:
  // there is no certificate; kFull: more handshakes than limits.tls_handshakes_per_s, counted;
  // kIo: no memory. Then nothing has changed. Any thread.
  [[nodiscard]] Result<std::unique_ptr<TlsTransport>> over(net::Transport& below, TlsPort port) {
    auto context = certificates_.context(port);
    if (context == nullptr) return fail(Errc::kNotFound, "there is no certificate");
    if (!handshakes_.admit()) return fail(Errc::kFull, "too many handshakes");
    auto session = crypto::TlsSession::server(std::move(context));
    if (!session) return tl::unexpected<Error>(session.error());
    return std::make_unique<TlsTransport>(below, std::move(*session), handshakes_);
  }

 private:
  Certificates certificates_;
  TlsHandshakes handshakes_;
};

}  // namespace gatehouse::edge
