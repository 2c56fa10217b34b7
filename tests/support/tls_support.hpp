// What the TLS tests share: certificates, and two sessions that talk in memory.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "certificates.hpp"
#include "crypto/tls.hpp"

namespace gatehouse::crypto {

// Made once: `ca` issued all but `self`.
inline test::Certificates& certificates() {
  static const auto made = [] {
    auto all = std::make_unique<test::Certificates>();
    all->make_issuer("ca");
    all->make_issuer("stranger");
    all->make_for("here", "ca", "DNS:localhost,DNS:*.games.test,IP:127.0.0.1");
    all->make_for("other", "ca", "DNS:other.test");
    all->make_for("rsa", "ca", "DNS:localhost", test::Certificates::Key::kRsa);
    all->make_for("long", "ca", "DNS:localhost", test::Certificates::Key::kEcdsa, 365);
    all->make_for("self", "self", "DNS:localhost");
    all->make_expired("expired", "ca", "DNS:localhost");
    return all;
  }();
  return *made;
}

inline std::shared_ptr<TlsContext> new_context() {
  auto context = TlsContext::make();
  EXPECT_TRUE(context.has_value());
  return *context;
}

// A client's context that trusts `issuer`.
inline std::shared_ptr<TlsContext> trusting(const std::string& issuer) {
  auto context = new_context();
  const auto trusted = context->trust_file(certificates().pem(issuer));
  EXPECT_TRUE(trusted.has_value()) << trusted.error().message;
  return context;
}

// A server's context with the certificate of that name.
inline std::shared_ptr<TlsContext> showing(const std::string& name) {
  auto context = new_context();
  const auto loaded = context->load_certificate(certificates().pem(name), certificates().key(name));
  EXPECT_TRUE(loaded.has_value()) << loaded.error().message;
  return context;
}

// One side of a conversation: its session, what it got, and how it went.
struct Side {
  TlsSession session;
  std::string plain;
  std::string wire;  // on its way to the other side
  Result<> result = {};

  void feed(std::string_view bytes) {
    if (result) result = session.feed(bytes, plain, wire);
  }
};

struct Pair {
  Side client;
  Side server;

  // Carries bytes in parts of `size`, until both are silent.
  void talk(std::size_t size = std::string::npos) {
    while (!client.wire.empty() || !server.wire.empty()) {
      carry(client, server, size);
      carry(server, client, size);
    }
  }
  static void carry(Side& from, Side& to, std::size_t size) {
    const std::string bytes = std::exchange(from.wire, {});
    for (std::size_t at = 0; at < bytes.size(); at += std::min(size, bytes.size() - at)) {
      to.feed(std::string_view(bytes).substr(at, size));
    }
  }
};

inline Pair make_pair(const std::shared_ptr<TlsContext>& client,
                      const std::shared_ptr<TlsContext>& server, std::string_view host) {
  auto client_session = TlsSession::client(client, host);
  auto server_session = TlsSession::server(server);
  EXPECT_TRUE(client_session.has_value() && server_session.has_value());
  Pair pair{{std::move(*client_session), {}, {}}, {std::move(*server_session), {}, {}}};
  pair.client.feed("");
  return pair;
}

// After a handshake that went well.
inline Pair connected_pair() {
  static const auto client = trusting("ca"), server = showing("here");
  Pair pair = make_pair(client, server, "localhost");
  pair.talk();
  EXPECT_TRUE(pair.client.session.finished() && pair.server.session.finished());
  return pair;
}

inline std::string outcome(const Result<>& result) {
  return result ? "fine" : std::string(name(result.error().code)) + ": " + result.error().message;
}

}  // namespace gatehouse::crypto
