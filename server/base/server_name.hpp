// Names of game servers: in tokens, in the configuration and in the store they are the same, byte
// by byte.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/result.hpp"

namespace gatehouse {

inline constexpr std::size_t kServerNameBytesMax = 64;

// kInvalid, and what is wrong, unless the name is 1 to kServerNameBytesMax bytes of UTF-8 without
// control and formatting characters, line ends, noncharacters, and without a blank at either end,
// which databases drop or ignore.
[[nodiscard]] Result<> check_server_name(std::string_view name);

}  // namespace gatehouse
