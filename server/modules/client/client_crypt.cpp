// The C module "client.crypt" (docs/skynet-rules.md 1.7), for test clients that a plain Lua 5.4
// interpreter runs: modules/crypt.cpp and the crypto layer, linked into a module of their own.
#include "base/system_world.hpp"
#include "modules/modules.hpp"

extern "C" int luaopen_client_crypt(lua_State* L) {
  static gatehouse::SystemRandom random;
  return gatehouse::modules::push_crypt(L, random);
}
