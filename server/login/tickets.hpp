// Resume tickets: a client that has logged in with its password gets one, and logs in with it
// until it expires, without a password hash and without a second factor.
//
// A ticket is sealed with the first of the keys and bound to the account's name. It holds the
// account's id and ticket generation, a digest of the stored password, when the password was
// given, and when it expires. So it is void after a new password, whoever wrote it, after
// `gatectl account revoke` and after a ban by gatectl, and worthless on another account.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/published.hpp"
#include "base/secret.hpp"
#include "crypto/seal.hpp"
#include "store/account.hpp"

namespace gatehouse::login {

struct TicketOptions {
  std::uint32_t lifetime_s = 86'400;     // of one ticket; 0: no tickets
  std::uint32_t age_max_s = 2'592'000;   // since the password was given
};

struct Ticket {
  Secret bytes;
  std::int64_t expires_s = 0;  // Unix time
};

// Any thread.
class Tickets {
 public:
  explicit Tickets(const TicketOptions& options) : options_(options) {}
  Tickets(const Tickets&) = delete;
  Tickets& operator=(const Tickets&) = delete;

  // Replaces the keys; an empty ring issues and takes none.
  void set_keys(crypto::SealRing keys) { keys_.set(std::move(keys)); }

  // A ticket for an account as it is stored now. since_s: when the password was given. Nothing
  // without keys, and once age_max_s is over.
  [[nodiscard]] std::optional<Ticket> issue(const store::Account& account, std::int64_t since_s,
                                            std::int64_t now_s) const;
  // When the password was given, for a good ticket of this account, its bytes or their base64;
  // nothing for any other.
  [[nodiscard]] std::optional<std::int64_t> check(const Secret& ticket,
                                                  const store::Account& account,
                                                  std::int64_t now_s) const;

 private:
  const TicketOptions options_;
  Published<crypto::SealRing> keys_;
};

}  // namespace gatehouse::login
