// First functions of the coroutines that PolicyService runs.
#pragma once

#include <lua.hpp>

namespace gatehouse::game {

int policy_auth_main(lua_State* L);
int policy_login_main(lua_State* L);

}  // namespace gatehouse::game
