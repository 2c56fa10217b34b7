// What all Lua VMs of the process share: the actor system, the code, where scripts are
// found, and the native parts that Lua modules bind to. Built in app/wiring; immutable while
// services run.
#pragma once

#include <cstdint>
#include <string>

#include "actor/system.hpp"
#include "script/code.hpp"
#include "script/shared_cells.hpp"
#include "script/shared_tables.hpp"
#include "script/socket_table.hpp"
#include "store/mysql_worker.hpp"

namespace gatehouse::net {
class Network;
}
namespace gatehouse::store {
class Store;
}

namespace gatehouse::script {

class AgentManager;

// Refuses memory to Lua VMs, for tests: from growth number `first` on, `count` times. For VMs on
// one worker.
struct AllocationFaults {
  std::uint64_t first = 0;
  std::uint64_t count = 0;
  std::uint64_t seen = 0;  // growths so far
  bool refuses() { return ++seen >= first && seen - first < count; }
};

struct Runtime {
  // Without a network services have no sockets.
  explicit Runtime(actor::System& actor_system, net::Network* network = nullptr)
      : system{actor_system}, sockets{actor_system, network} {}

  actor::System& system;
  CodeCache code;
  SharedTables tables;  // sharedata, sharetable, datasheet
  SharedCells cells;    // stm
  SocketTable sockets;  // of Lua services
  store::MysqlWorkers mysql;

  // Patterns as in package.path; the built-in library comes first so that a script's lua_path
  // cannot shadow it.
  std::string library_path;  // lua/lib/?.lua;...
  std::string lua_path;      // user modules
  std::string lua_cpath;     // C modules
  std::string service_path;  // luaservice: where newservice looks
  // Whether the library's services of the roles login and gate can be launched by name. Not where
  // skynet's scripts run, which have services of these names.
  bool role_services = true;
  std::string preload;       // file run before every service, or empty (sk 1.0)

  // Null where the process has none of them (tests of the lower layers).
  store::Store* store = nullptr;
  AgentManager* agents = nullptr;

  AllocationFaults* allocation_faults = nullptr;  // of VMs made from now on; in tests
};

}  // namespace gatehouse::script
