// What a login listener allows its clients, by what is below the login.
#pragma once

#include "base/secret.hpp"
#include "login/options.hpp"
#include "net/transport.hpp"
#include "protocol/login_handshake.hpp"

namespace gatehouse::login {

struct ListenerSuites {
  ListenerSuites(const ListenerOptions& listener, const Secret& identity_key)
      : without_tls(allowed(listener, identity_key, false)),
        within_tls(allowed(listener, identity_key, true)) {}

  [[nodiscard]] const protocol::LoginHandshakeOptions& of(const net::Transport& transport) const {
    const net::TransportKind kind = transport.kind();
    const bool tls = kind == net::TransportKind::kTls || kind == net::TransportKind::kWss;
    return tls ? within_tls : without_tls;
  }

  const protocol::LoginHandshakeOptions without_tls;
  const protocol::LoginHandshakeOptions within_tls;

 private:
  [[nodiscard]] static protocol::LoginHandshakeOptions allowed(const ListenerOptions& listener,
                                                               const Secret& identity_key,
                                                               bool tls) {
    const auto may = [&](bool wanted, protocol::Suite suite) {
      return wanted && (listener.insecure || protects(suite, listener, tls));
    };
    return {may(listener.skynet, protocol::Suite::kSkynet),
            may(listener.plain, protocol::Suite::kPlain), listener.x25519,
            listener.x25519 ? identity_key : Secret()};
  }
};

}  // namespace gatehouse::login
