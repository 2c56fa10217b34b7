// WebSocket as Lua services speak it (http.websocket): frames, close codes, the opening handshake.
#include "lua_target.hpp"

FUZZ_TARGET(lua_websocket) {
  gatehouse::fuzz::run_lua_target("lua_websocket", input);
}
