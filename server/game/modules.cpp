#include "game/modules.hpp"

#include "game/agent_manager.hpp"
#include "script/lua_args.hpp"
#include "script/runtime.hpp"

namespace gatehouse::game {

void add_modules(script::Runtime& runtime, AgentManager* agents) {
  runtime.openers.push_back({[](lua_State* L, void* manager) {
                               static constexpr luaL_Reg modules[] = {
                                   {"gatehouse.agent", script::bind<open_agent>},
                                   {"gatehouse.login", script::bind<open_login>},
                                   {nullptr, nullptr}};
                               script::preload(L, modules, manager);
                             },
                             agents});
}

}  // namespace gatehouse::game
