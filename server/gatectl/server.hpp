// What other commands of gatectl ask of a running server, over its admin port.
#pragma once

#include <string>

#include "base/result.hpp"
#include "config/config.hpp"

namespace gatehouse::gatectl {

// Ends a player's session; false when the player is not online. kInvalid when admin.listen does
// not say where the server is, kUnavailable when none answers there.
[[nodiscard]] Result<bool> kick_player(const config::Config& config, const std::string& uid,
                                       const std::string& reason);

}  // namespace gatehouse::gatectl
