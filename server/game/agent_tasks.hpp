// The first functions of the coroutines in which a player's agent runs its game's functions, so
// that what Lua raises ends there. Each finds its agent as the service that runs.
#pragma once

#include <lua.hpp>

namespace gatehouse::game {

int start_main(lua_State* L);
int request_main(lua_State* L);
int rollback_main(lua_State* L);
int connected_main(lua_State* L);  // the session's first connection
int resumed_main(lua_State* L);    // a later one
int disconnected_main(lua_State* L);
int logout_main(lua_State* L);
int last_save_main(lua_State* L);

}  // namespace gatehouse::game
