// Parts of "skynet.core", registered by bind_core.cpp into one table.
#pragma once

#include <lua.hpp>

namespace gatehouse::script {

extern const luaL_Reg kMessageFunctions[];  // call, send, ret, response, pack ...
extern const luaL_Reg kTaskFunctions[];     // fork, sleep, wait, timeout ...
extern const luaL_Reg kSystemFunctions[];   // names, launch, exit, getenv, error ...

}  // namespace gatehouse::script
