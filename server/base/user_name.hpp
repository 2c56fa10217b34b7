// The names of players and of game servers: which spellings are one name, and which names may be
// given anew. Every door that takes a name from outside (token, gate handshake, login policy,
// gatectl, configuration) asks here. This module is the only wrapper of ICU: its common library
// alone, of whose data (31 MB on the disk) only the pages that a name needs are ever in memory.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace gatehouse {

// The name in NFC (UAX #15), so that two spellings of one name are one account. kInvalid when it
// is not UTF-8, when it has not 1 to kUserNameCharactersMax code points in NFC, and when it
// holds a control character (Cc), a line or paragraph separator (Zl, Zp) or a noncharacter.
// Everything else may be the name of an account that exists, `' OR 1=1 --` and code points not
// assigned yet among it.
[[nodiscard]] Result<std::string> normalise_user_name(std::string_view name);

// The same for a game server, whose name is one by base/server_name.hpp.
[[nodiscard]] Result<std::string> normalise_server_name(std::string_view name);

// A user name as limits count it where somebody else says which spellings are one name:
// NFKC_Casefold (Unicode 3.13: compatibility forms, case and default ignorable characters folded)
// without blanks at either end. What is no UTF-8 is returned as it is.
[[nodiscard]] std::string fold_name(std::string_view name);

// Which names a new account may have: `auth.names`.
enum class NewNames : std::uint8_t {
  // Names that nobody can take for another by their looks:
  //   PRECIS UsernameCasePreserved (RFC 8265 section 3.4) without joiners: letters and digits of
  //   all scripts and visible ASCII, no compatibility forms, the bidi and contextual rules; parts
  //   may be joined by single blanks
  //   UTS #39: scripts in common use only, Highly Restrictive (5.2): one script, or Latin with
  //   Japanese, Korean or Chinese; digits of one system (5.3); no pile of marks (5.4)
  kStrict,
  kAny,  // whatever normalise_user_name() takes
};

// kInvalid, with a reason for people, when no account may be made of the name, which
// normalise_user_name() made. Accounts that exist are not asked.
[[nodiscard]] Result<> check_new_user_name(std::string_view name, NewNames rule);

}  // namespace gatehouse
