// Heads, bodies and URLs of HTTP that Lua services read: httpd, httpc, the debug console.
#include "lua_target.hpp"

FUZZ_TARGET(http_message) {
  gatehouse::fuzz::run_lua_target("http_message", input);
}
