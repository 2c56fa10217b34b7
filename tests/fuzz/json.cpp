// The module json, which the game's codec feeds with what clients send.
#include "lua_target.hpp"

FUZZ_TARGET(json) {
  gatehouse::fuzz::run_lua_target("json", input);
}
