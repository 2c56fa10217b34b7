// User names as the store keeps them. This module is the only wrapper of utf8proc.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace gatehouse::protocol {

// The name in NFC (UAX #15), so that two spellings of one name are one account. kInvalid when it
// is not UTF-8, when it has not 1 to kUserNameCharactersMax code points in NFC, and when it
// holds a control character (Cc), a line or paragraph separator (Zl, Zp) or a noncharacter.
// Everything else is a name, `' OR 1=1 --` and code points not assigned yet among it.
[[nodiscard]] Result<std::string> normalise_user_name(std::string_view name);

}  // namespace gatehouse::protocol
