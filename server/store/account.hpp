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
  std::string ban_reason;
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
