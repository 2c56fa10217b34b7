// The token of a login (docs/protocol.md 2.6):
//   base64(user)@base64(server):base64(password)
//   base64(user)@base64(server):base64(password):base64(code)   with a second factor
//   base64(user)@base64(server)!base64(ticket)      to resume with a ticket
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/server_name.hpp"

namespace gatehouse::protocol {

inline constexpr std::size_t kTotpDigits = 6;

struct Token {
  std::string user;    // parse_token: as sent; LoginHandshake: normalised
  std::string server;  // likewise, when it is the name of one
  Secret password;
  Secret totp;    // the code of the second factor, six digits; empty: none was sent
  Secret ticket;  // empty: this is a login with a password
};

// Splits and decodes; padding of the base64 may be missing. The user name is not judged here
// (normalise_user_name) and the password may be empty. kInvalid for any other shape, for a
// server name that is none (check_server_name), for a code that is not six digits, and for an
// empty ticket.
[[nodiscard]] Result<Token> parse_token(std::string_view text);

}  // namespace gatehouse::protocol
