// The answers of a name server (skynet.dns), which anybody can send who guesses an id.
#include "lua_target.hpp"

FUZZ_TARGET(dns_answer) {
  gatehouse::fuzz::run_lua_target("dns_answer", input);
}
