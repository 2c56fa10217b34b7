// Modules "skynet" and "skynet.core", and their parts.
#pragma once

#include <lua.hpp>
#include <vector>

#include "actor/service.hpp"
#include "script/runtime.hpp"

namespace gatehouse::skynet {

// Adds both modules to the program's.
void add_modules(std::vector<script::NativeModule>& modules);
// Replaces in a new state what of Lua's library must know of tasks.
void open(lua_State* L);
// "skynet" and "skynet.core".
int open_skynet(lua_State* L);
int open_core(lua_State* L);
// In their places: coroutine.close, resume and wrap, which keep track of the running coroutine,
// and require, which runs skynet.init.
void replace_coroutine_functions(lua_State* L);
void replace_require(lua_State* L);

extern const luaL_Reg kMessageFunctions[];   // skynet: call, send, redirect, pack ...
extern const luaL_Reg kReplyFunctions[];     // skynet: ret, response, context ...
extern const luaL_Reg kTaskFunctions[];      // skynet: fork, sleep, wait, timeout ...
extern const luaL_Reg kSystemFunctions[];    // skynet: self, exit, getenv ...
extern const luaL_Reg kProtocolFunctions[];  // skynet: register_protocol, dispatch
extern const luaL_Reg kCoreFunctions[];      // skynet.core: what the library itself uses
extern const luaL_Reg kCoreMessageFunctions[];
extern const luaL_Reg kCoreProtocolFunctions[];
extern const luaL_Reg kCoreDebugFunctions[];

// The functions that are there in name only.
int does_nothing(lua_State* L);
// skynet.call with the arguments on the stack; yields.
int call(lua_State* L);
// The values that were packed last when `first` is 0, else the payload at that index. Nothing may
// raise after it until the message is sent.
actor::MessagePtr packed_message(lua_State* L, int first);
actor::SendResult send_message(lua_State* L, actor::MessagePtr message, ServiceId destination,
                               int type, std::int32_t session, ServiceId source);
// The pack and unpack functions of type "lua".
[[nodiscard]] const lua_CFunction* builtin_codec();
// core.await(session): yields until that session's answer is there.
int await_answer(lua_State* L);
// Logs the string at index 1, at the level at index 2 or "info".
int log_line(lua_State* L);
// Ends the current service and never returns.
int exit_service(lua_State* L);
// os.exit: asks for the end of the process, and ends the current task.
int exit_process(lua_State* L);
// Runs the function below its arguments, all of the stack, as a task after so many centiseconds;
// pushes its coroutine.
int fork_after(lua_State* L, lua_Integer centiseconds, bool vital = false);

// Makes the table of message types with those that every service has.
void add_protocols(lua_State* L);
// Keeps the function on top of the stack for when the module that this coroutine requires has
// been loaded; false when it requires none.
bool init_after_require(lua_State* L);

// The table of message types, by name and by id -> {name=, id=, pack=, unpack=}.
void push_protocols(lua_State* L);
// Argument `index` as the number of a message type: an id, or a name; raises.
int check_type(lua_State* L, int index);
// Pops a function: messages of the type are unpacked by f(pointer, size).
void set_unpack(lua_State* L, int type);
// The handler of messages of a type to the current service, or nothing. set_dispatch() pops the
// new handler and returns the one before; light services of a VM share theirs.
int push_dispatch(lua_State* L, int type);
int set_dispatch(lua_State* L, int type);

}  // namespace gatehouse::skynet
