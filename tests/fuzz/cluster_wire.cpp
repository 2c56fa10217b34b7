// The frames of skynet.cluster, which another node sends.
#include "lua_target.hpp"

FUZZ_TARGET(cluster_wire) {
  gatehouse::fuzz::run_lua_target("cluster_wire", input);
}
