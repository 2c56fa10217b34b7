// How the login daemon is configured (configuration sections `login` and `auth`).
#pragma once

#include <cstdint>
#include <vector>

#include "base/http_guard.hpp"
#include "base/secret.hpp"
#include "base/user_name.hpp"
#include "crypto/password.hpp"
#include "crypto/seal.hpp"
#include "edge/options.hpp"
#include "net/address.hpp"
#include "protocol/suite.hpp"

namespace gatehouse::login {

struct TicketOptions {
  std::uint32_t lifetime_s = 86'400;    // of one ticket; 0: no tickets
  std::uint32_t age_max_s = 2'592'000;  // since the password was given
  // How long a spent ticket is good for the client that spent it and did not get the answer.
  std::uint32_t lost_answer_s = 60;
  std::uint32_t families_max = 32;  // of an account; the oldest go
};

struct AuthenticatorOptions {
  // What an unknown user's first login does: `auth.registration`.
  enum class Registration { kAuto, kClosed };

  Registration registration = Registration::kAuto;
  NewNames names = NewNames::kStrict;  // of accounts made here: `auth.names`
  crypto::Argon2Cost cost{};           // of new hashes
  TicketOptions tickets{};
};

struct ListenerOptions {
  edge::ListenerTransport transport = edge::ListenerTransport::kTcp;
  net::Endpoint address;  // port 0: any free one
  bool plain = false;
  bool skynet = false;
  bool x25519 = false;
  // Offers its suites where they do not protect, too: `login.listen[].insecure`.
  bool insecure = false;
};

// Whether a suite protects the logins of a listener, with TLS below or without. On loopback each
// does; what is not known to be loopback (a name, all addresses) is not.
[[nodiscard]] inline bool protects(protocol::Suite suite, const ListenerOptions& listener,
                                   bool tls) {
  const bool by_itself = suite == protocol::Suite::kX25519;
  return by_itself || is_loopback(listener.address.host) ||
         (suite == protocol::Suite::kPlain && tls);
}

struct LoginOptions {
  std::vector<ListenerOptions> listeners;
  AuthenticatorOptions auth{};
  Secret identity_key;          // Ed25519 private key, 32 bytes; needed by listeners with x25519
  std::uint32_t sniff_ms = 50;  // a listener of transport auto waits so long for the client
  std::uint32_t answer_timeout_ms = 30'000;   // from the token to a 503
  std::uint32_t policy_timeout_ms = 5'000;    // of a function of the policy
  bool audit = true;                          // rows in login_audit
  std::uint32_t audit_addresses_max = 1'000;  // with refusals of their own there in a minute
};

// The keys of the process, read from the configuration.
struct AuthKeys {
  crypto::SealRing tickets;
  crypto::SealRing totp;
};

}  // namespace gatehouse::login
