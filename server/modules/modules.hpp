// The Lua modules written in C++: one file each, with its luaopen function here.
#pragma once

#include <lua.hpp>

namespace gatehouse {
class Random;
}
namespace gatehouse::mysql {
class Workers;
}
namespace gatehouse::script {
struct Runtime;
}

namespace gatehouse::modules {

// "skynet.crypt" and "client.crypt" (docs/skynet-rules.md 1.7).
int open_crypt(lua_State* L);
// The same with the randomness that its keys are made of, which outlives the state.
int push_crypt(lua_State* L, Random& random);
// "md5" (docs/skynet-rules.md 1.11).
int open_md5(lua_State* L);
// "skynet.socketdriver": TCP and UDP for lua/lib/skynet/socket.lua (docs/skynet-rules.md 1.3).
int open_socketdriver(lua_State* L);
// "gatehouse.tls" and "ltls.c": TLS for lua/lib/http/tlshelper.lua (docs/skynet-rules.md 1.10).
int open_tls(lua_State* L);
// "skynet.netpack": frames of the sockets that socketdriver.start() started
// (docs/skynet-rules.md 1.8).
int open_netpack(lua_State* L);
// "entity": the EntityMgr (docs/lua-api.md).
int open_entity(lua_State* L);
// "gatehouse.mysql": connections for lua/lib/skynet/db/mysql.lua, made by the mysql::Workers at
// its upvalue (docs/skynet-rules.md 1.10).
int open_mysql(lua_State* L);
// "json" on nlohmann/json.
int open_json(lua_State* L);

// "gatehouse.tables": shared tables, for skynet.sharedata, sharetable and datasheet
// (docs/skynet-rules.md 1.5).
int open_tables(lua_State* L);
// "gatehouse.snax": what lua/lib/snax/msgserver.lua and loginhandshake.lua share with ours.
int open_snax(lua_State* L);
// "skynet.stm" (docs/skynet-rules.md 1.5).
int open_stm(lua_State* L);

// Gives every new state of the runtime Lua's library, skynet's and these modules. `connections` of
// "gatehouse.mysql" outlive it.
void add_modules(script::Runtime& runtime, mysql::Workers& connections);

}  // namespace gatehouse::modules
