// How agents are configured (configuration section `agent`).
#pragma once

#include <cstdint>
#include <string>

#include "base/user_name.hpp"
#include "store/rescue_file.hpp"

namespace gatehouse::game {

struct AgentOptions {
  std::string module = "lua/game/player.lua";  // agent.module
  std::uint32_t per_vm = 500;                  // agent.per_vm
  std::uint32_t afk_timeout_ms = 60'000;       // agent.afk_timeout_ms; 0: until kicked
  std::uint32_t save_interval_ms = 60'000;     // agent.save_interval_ms; 0: at logout only
  // How long the game's functions may take, in the order in which a player meets them.
  std::uint32_t load_timeout_ms = 10'000;      // agent.load_timeout_ms
  std::uint32_t request_timeout_ms = 60'000;   // agent.request_timeout_ms; 0: none
  std::uint32_t hook_timeout_ms = 5'000;       // agent.hook_timeout_ms: resume, afk
  std::uint32_t logout_timeout_ms = 10'000;    // agent.logout_timeout_ms
  std::uint32_t save_timeout_ms = 5'000;       // agent.save_timeout_ms: save, without the store
  std::uint32_t save_failures_max = 3;         // agent.save_failures_max, in a row
  std::uint32_t shutdown_timeout_ms = 10'000;  // shutdown.timeout_ms
  // agent.rescue_after_ms: data that the store refuses for good goes to a file so long after the
  // first refusal, once the player is logged out; 0: only when an operator asks.
  std::uint32_t rescue_after_ms = 30'000;
  store::RescueOptions rescue;
  // auth.names, for accounts that scripts make by login.place().
  NewNames names = NewNames::kStrict;
  std::uint64_t node = 0;  // this life of the process in the store (store::Node)
};

}  // namespace gatehouse::game
