// An account as the store keeps it (table `account`, sql/README.md). A plain value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/ids.hpp"

namespace gatehouse::store {

enum class AccountStatus {
  kActive,
  kBanned,  // may not log in until banned_until_s
  kClosed,  // may not log in, kept for its data
};

// The word the table holds: "active".
[[nodiscard]] std::string_view name(AccountStatus status);

struct Account {
  AccountId id;
  std::string name;           // byte exact, 1 to 64 characters of UTF-8
  std::string password_hash;  // self-describing, see crypto/password.hpp; empty: no password works
  AccountStatus status = AccountStatus::kActive;
  std::int64_t banned_until_s = 0;  // Unix time; 0: for ever (only when banned)
  std::string ban_reason;           // told to the player
  std::string ban_note{};           // for staff
  std::uint64_t session_epoch = 0;  // raised by every claim; 0: never logged in
  std::string session_gate;         // empty: nobody holds the session
  std::string session_server;       // the game server of the session
  std::string session_subid;
  std::int64_t created_at_s = 0;
  std::int64_t last_login_at_s = 0;  // 0: never
  std::string last_login_addr;
  bool staff = false;                   // may enter a game server in maintenance
  std::uint64_t ticket_generation = 0;  // resume tickets of an earlier one are refused
  std::string totp_secret;              // of the second factor, sealed, base64; empty: none
  std::uint64_t totp_step = 0;          // no code of this time step or an earlier one counts
  std::string password_origin;          // see credentials_of()
  std::int64_t tickets_after_s = 0;     // tickets of a password given by then are refused
};

// What lets an account in, as far as tickets and sessions are bound to it: both end when any of it
// is another, whoever changed it and how. Holds no hash: a piece of one tells hashes apart.
struct Credentials {
  std::uint64_t generation = 0;  // Account::ticket_generation
  std::string password;          // the end of the hash with which the password was set
  std::string factor;            // the end of the sealed secret

  bool operator==(const Credentials&) const = default;
};
inline constexpr std::size_t kCredentialCharacters = 20;

// A hash that is computed anew for the same password keeps what stands for it: Account's
// password_origin holds the end of the new hash, and behind it that of the first one. The column
// `account.session_stale` computes the same.
[[nodiscard]] Credentials credentials_of(const Account& account);
// password_origin for a hash that is computed anew for the account's password.
[[nodiscard]] std::string origin_of(const Account& account, std::string_view new_hash);

// The hash of one account.
struct StoredHash {
  AccountId account;
  std::string hash;
};

// How often the second factor of an account may be tried. The column holds when all tries are
// there again; a try moves that on by its cost, and no further than the window from now. So any
// window has at most twice window_s / cost_s of them, half at once.
struct TotpBudget {
  std::int64_t cost_s = 1'728;
  std::int64_t window_s = 86'400;

  // At most `tries` in any 24 hours; tries: 2 or more.
  [[nodiscard]] static constexpr TotpBudget per_day(std::uint32_t tries) {
    const std::int64_t at_once = tries / 2;
    return {(86'400 + at_once - 1) / at_once, 86'400};
  }
};

// True when the account may not log in at Unix time now_s: it is closed, or banned and the ban
// has not ended.
[[nodiscard]] bool banned_at(const Account& account, std::int64_t now_s);

// True for what may be the name of an account: 1 to 64 characters of valid UTF-8 without NUL.
// (The protocol layer demands more: NFC and no control characters.)
[[nodiscard]] bool valid_account_name(std::string_view name);

// True for what may be the name of a game server (base/server_name.hpp).
[[nodiscard]] bool valid_server_name(std::string_view name);

}  // namespace gatehouse::store
