#include "game/modules.hpp"

#include "game/agent_manager.hpp"
#include "script/lua_args.hpp"
#include "script/runtime.hpp"

namespace gatehouse::game {

void add_modules(script::Runtime& runtime, AgentManager* agents) {
  runtime.modules.push_back({"gatehouse.agent", script::bind<open_agent>, agents});
  runtime.modules.push_back({"gatehouse.login", script::bind<open_login>, agents});
}

}  // namespace gatehouse::game
