// The Lua modules of the game's side.
#pragma once

#include <lua.hpp>

namespace gatehouse::script {
struct Runtime;
}

namespace gatehouse::game {

class AgentManager;

// Adds the modules below to the runtime's; after modules::add_modules(). `agents`
// is nullptr where no player logs in.
void add_modules(script::Runtime& runtime, AgentManager* agents);

// "gatehouse.agent": light services and players, for lua/service/msgagent.lua.
int open_agent(lua_State* L);
// "gatehouse.login": what a login policy may call. Upvalue 1 is the AgentManager, or nothing.
int open_login(lua_State* L);

}  // namespace gatehouse::game
