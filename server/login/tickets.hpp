// Resume tickets: a client that has logged in with its password gets one, and logs in with it
// until it expires, without a password hash and without a second factor.
//
// A ticket is sealed with the first of the keys and bound to the account's name. It holds the
// account's id, what let the account in (store::Credentials), when the password was given, when
// the ticket was issued and when it expires, and its place in its family: the tickets that began
// with one password. So it is void after a new password or second factor, whoever wrote it, after
// `gatectl account revoke` and after a ban by gatectl, and worthless on another account.
//
// A login with a ticket spends it: ticket_renewal.hpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/ids.hpp"
#include "base/published.hpp"
#include "base/secret.hpp"
#include "crypto/seal.hpp"
#include "login/options.hpp"
#include "store/account.hpp"

namespace gatehouse::login {

struct Ticket {
  Secret bytes;
  std::int64_t expires_s = 0;  // Unix time
};

// Whose tickets they are.
struct TicketHolder {
  AccountId account;
  std::string name;
  store::Credentials credentials;  // that the login has proved

  [[nodiscard]] static TicketHolder of(const store::Account& account) {
    return {account.id, account.name, store::credentials_of(account)};
  }
};

// What a ticket says besides.
struct TicketClaim {
  std::uint64_t family = 0;
  std::uint64_t sequence = 0;  // 0: came with the password
  std::int64_t password_at_s = 0;
};

// Any thread.
class Tickets {
 public:
  Tickets(Random& random, const TicketOptions& options) : random_(random), options_(options) {}
  Tickets(const Tickets&) = delete;
  Tickets& operator=(const Tickets&) = delete;

  // Replaces the keys; an empty ring issues and takes none.
  void set_keys(crypto::SealRing keys) { keys_.set(std::move(keys)); }
  [[nodiscard]] const TicketOptions& options() const { return options_; }

  // A family for a password that was given just now.
  [[nodiscard]] TicketClaim new_family(std::int64_t now_s) const;

  // Nothing without keys, and once age_max_s is over.
  [[nodiscard]] std::optional<Ticket> issue(const TicketHolder& holder, const TicketClaim& claim,
                                            std::int64_t now_s) const;
  // For a good ticket of this account as it is stored now, its bytes or their base64; nothing for
  // any other, and for one that the options of today would not have issued.
  [[nodiscard]] std::optional<TicketClaim> check(const Secret& ticket,
                                                 const store::Account& account,
                                                 std::int64_t now_s) const;

 private:
  Random& random_;
  const TicketOptions options_;
  Published<crypto::SealRing> keys_;
};

}  // namespace gatehouse::login
