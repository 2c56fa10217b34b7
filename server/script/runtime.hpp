// What all Lua VMs of the process share: the actor system, compiled chunks, where scripts are
// found, and the native parts that Lua modules bind to. Built in app/wiring; immutable while
// services run.
#pragma once

#include <string>

#include "actor/system.hpp"
#include "script/bytecode_cache.hpp"
#include "script/socket_table.hpp"

namespace gatehouse::net {
class Network;
}
namespace gatehouse::store {
class Store;
}

namespace gatehouse::script {

class AgentManager;

struct Runtime {
  explicit Runtime(actor::System& actor_system) : system{actor_system}, sockets{actor_system} {}

  actor::System& system;
  BytecodeCache bytecode;
  SocketTable sockets;  // of Lua services; they need `network`

  // Patterns as in package.path; the built-in library comes first so that a script's lua_path
  // cannot shadow it.
  std::string library_path;  // lua/lib/?.lua;...
  std::string lua_path;      // user modules
  std::string lua_cpath;     // C modules
  std::string service_path;  // luaservice: where newservice looks
  std::string project_service_path;  // the part of it that is the project's
  std::string preload;       // file run before every service, or empty (sk 1.0)

  // Null where the process has none of them (tests of the lower layers).
  net::Network* network = nullptr;
  store::Store* store = nullptr;
  AgentManager* agents = nullptr;
};

}  // namespace gatehouse::script
