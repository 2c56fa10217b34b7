// Helpers of the bindings.
#pragma once

#include <lua.hpp>
#include <string_view>

#include "actor/message.hpp"
#include "base/ids.hpp"
#include "script/lua_args.hpp"
#include "script/lua_service.hpp"
#include "script/runtime.hpp"
#include "script/vm.hpp"

namespace gatehouse::script {

// The service that runs in L's VM now; raises when there is none (the VM is closing).
LuaService& current_service(lua_State* L);
// The task that runs now; raises in a main chunk and in a coroutine that is not a task, where
// blocking functions cannot wait.
Task& current_task(lua_State* L, const char* function);
[[nodiscard]] actor::System& system_of(lua_State* L);

// Argument `index` as an address: integer, ":hex", ".name" or a name (docs/skynet-rules.md 2.9).
// Returns 0 for a name that nobody has; raises "dest address type ..." and "Invalid service address
// 0".
ServiceId to_address(lua_State* L, int index);
// Raises "call to invalid address <argument>" (docs/skynet-rules.md 2.4).
int invalid_address(lua_State* L, int index);

// Argument `index` (and index+1) as a packed payload: nothing or nil, a string, or a light
// userdata with a size, which is taken over (docs/skynet-rules.md 1.1, rawcall).
actor::MessagePtr take_payload(lua_State* L, int index);
// The same when it may stay owned by the caller's arguments: for inspection only.
std::string_view view_payload(lua_State* L, int index);

}  // namespace gatehouse::script
