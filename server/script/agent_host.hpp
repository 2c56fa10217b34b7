// The service that owns a VM full of agents: it runs lua/service/msgagent.lua, which requires
// the game's actor module and hands its functions over by agent.serve{}.
#pragma once

#include <lua.hpp>
#include <memory>
#include <string>

#include "script/lua_service.hpp"

namespace gatehouse::script {

class AgentManager;

// Registry references of the functions of msgagent.lua.
struct AgentHandlers {
  int start = LUA_NOREF;         // (uid, server, data) -> calls agent.ready(self)
  int request = LUA_NOREF;       // (self, content) -> reply
  int connected = LUA_NOREF;     // (self); may be missing
  int disconnected = LUA_NOREF;  // (self); may be missing
  int logout = LUA_NOREF;        // (self, reason); may be missing
  int last_save = LUA_NOREF;     // (self): saves, and returns when there is nothing left to try
  int commit = LUA_NOREF;        // (self, reply): makes data and reply durable
  int rollback = LUA_NOREF;      // (self): makes it what the store has
  bool concurrent = false;       // requests of a player may overlap
};

class AgentHost final : public LuaService {
 public:
  AgentHost(Runtime& runtime, AgentManager& manager)
      : LuaService(runtime, "msgagent"), manager_(manager) {}

  [[nodiscard]] AgentManager& manager() const { return manager_; }
  [[nodiscard]] AgentHandlers& handlers() { return handlers_; }
  // False until the script called agent.serve{}.
  [[nodiscard]] bool serves() const { return handlers_.request != LUA_NOREF; }
  // Room for one more player: fewer than `per_vm`, and memory below nine tenths of the limit.
  [[nodiscard]] bool has_room(std::uint32_t per_vm) const;
  // A player's agent has ended.
  void player_left();

 protected:
  void on_exit() override;
  // Its players are logged out and saved first.
  [[nodiscard]] bool ends_when_asked(bool itself) override;

 private:
  AgentManager& manager_;
  AgentHandlers handlers_;
  bool closing_ = false;
};

}  // namespace gatehouse::script
