// The Lua code that a configuration names.
#pragma once

#include "base/result.hpp"
#include "config/config.hpp"

namespace gatehouse::app {

// Compiles agent.module, login.policy and what they name in `require "..."`, without running any
// of it. kInvalid with one line for each error, the key first, then file and line.
[[nodiscard]] Result<> check_game_code(const config::Config& config);

}  // namespace gatehouse::app
