// The service that owns a VM full of agents: it runs lua/service/msgagent.lua, which requires
// the game's actor module and hands its functions over by agent.serve{}.
#pragma once

#include <cstdint>
#include <lua.hpp>
#include <memory>
#include <string>
#include <utility>

#include "script/lua_service.hpp"

namespace gatehouse::game {

class AgentManager;
class AgentService;

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

class AgentHost final : public script::LuaService {
 public:
  AgentHost(script::Runtime& runtime, AgentManager& manager, std::shared_ptr<script::Code> code)
      : script::LuaService(runtime, "msgagent"), manager_(manager), code_(std::move(code)) {}

  [[nodiscard]] AgentManager& manager() const { return manager_; }
  [[nodiscard]] AgentHandlers& handlers() { return handlers_; }
  // False until the script called agent.serve{}.
  [[nodiscard]] bool serves() const { return handlers_.request != LUA_NOREF; }
  // Room for one more player: fewer than `per_vm`, memory below nine tenths of the limit, and the
  // code is not an older one.
  [[nodiscard]] bool has_room(std::uint32_t per_vm) const;
  // Newer code is there for those who come now.
  [[nodiscard]] bool outdated() const;
  // A player's agent has ended. The last one to leave a VM that closes, stays nearly full or is
  // outdated ends it.
  void player_left(ServiceId agent);

 protected:
  void on_exit() override;
  void relieve() override;
  [[nodiscard]] std::shared_ptr<script::Code> code_to_run() const override { return code_; }
  // Nobody would save now and then: players leave.
  void on_start_failed() override;
  // Its players are logged out and saved first.
  [[nodiscard]] bool ends_when_asked(bool itself) override;

 private:
  // The agent to end for the room it takes, or nullptr; `biggest` names who holds most.
  [[nodiscard]] AgentService* choose_leaver(std::string& biggest);

  AgentManager& manager_;
  const std::shared_ptr<script::Code> code_;
  AgentHandlers handlers_;
  bool closing_ = false;
  bool watched_ = false;              // agents have a mark of what they had allocated
  ServiceId leaver_;                  // ended for the room it takes, not gone yet
  std::int64_t leaver_until_ms_ = 0;  // then another one may be
};

}  // namespace gatehouse::game
