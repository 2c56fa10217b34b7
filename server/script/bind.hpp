// The Lua modules written in C++: one bind_*.cpp each, with its luaopen function here.
#pragma once

#include <lua.hpp>

namespace gatehouse::script {

// "skynet": the API of sk 1.1.
int open_skynet(lua_State* L);
// "skynet.core": what only the library itself calls.
int open_core(lua_State* L);
// "skynet.crypt" and "client.crypt" (sk 1.7).
int open_crypt(lua_State* L);
// "md5" (sk 1.11).
int open_md5(lua_State* L);
// "skynet.socketdriver": TCP and UDP for lua/lib/skynet/socket.lua (sk 1.3).
int open_socketdriver(lua_State* L);
// "gatehouse.tls" and "ltls.c": TLS for lua/lib/http/tlshelper.lua (sk 1.10).
int open_tls(lua_State* L);
// "skynet.netpack": frames of the sockets that socketdriver.start() started (sk 1.8).
int open_netpack(lua_State* L);
// "entity": the EntityMgr (DESIGN section 4).
int open_entity(lua_State* L);
// "gatehouse.agent": light services and players, for lua/service/msgagent.lua.
int open_agent(lua_State* L);
// "gatehouse.login": what a login policy may call.
int open_login(lua_State* L);
// "gatehouse.mysql": connections for lua/lib/skynet/db/mysql.lua (sk 1.10).
int open_mysql(lua_State* L);
// "json" on nlohmann/json.
int open_json(lua_State* L);

// "gatehouse.tables": shared tables, for skynet.sharedata, sharetable and datasheet (sk 1.5).
int open_tables(lua_State* L);
// "skynet.stm" (sk 1.5).
int open_stm(lua_State* L);

// Puts all of them into package.preload, and replaces coroutine.close, resume and wrap by
// versions that keep track of the running coroutine.
void register_modules(lua_State* L);

}  // namespace gatehouse::script
