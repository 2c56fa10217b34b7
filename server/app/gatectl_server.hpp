// What other commands of gatectl ask of a running server, over its admin port.
#pragma once

#include <string>

#include "app/config.hpp"
#include "base/result.hpp"

namespace gatehouse::app {

// Ends a player's session; false when the player is not online. kInvalid when admin.listen does
// not say where the server is, kUnavailable when none answers there.
[[nodiscard]] Result<bool> kick_player(const Config& config, const std::string& uid,
                                       const std::string& reason);

}  // namespace gatehouse::app
