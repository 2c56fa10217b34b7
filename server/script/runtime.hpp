// What all Lua VMs of the process share: the actor system, the code, where scripts are
// found, and the native parts that Lua modules bind to. Built in app; immutable while
// services run.
#pragma once

#include <cstdint>
#include <functional>
#include <lua.hpp>
#include <string>
#include <vector>

#include "actor/system.hpp"
#include "script/code.hpp"
#include "sockets/socket_table.hpp"
#include "tables/shared_cells.hpp"
#include "tables/shared_tables.hpp"

namespace gatehouse::net {
class Network;
}

namespace gatehouse::script {

// Refuses memory to Lua VMs, for tests: from growth number `first` on, `count` times. For VMs on
// one worker.
struct AllocationFaults {
  std::uint64_t first = 0;
  std::uint64_t count = 0;
  std::uint64_t seen = 0;  // growths so far
  bool refuses() { return ++seen >= first && seen - first < count; }
};

// A module written in C++, which every state can require and none holds before it does. `open` is
// called as a loader, with `context`, unless that is nullptr, as a light userdata in upvalue 1.
struct NativeModule {
  std::string_view name;
  lua_CFunction open;
  void* context = nullptr;
};

struct Runtime {
  // Without a network services have no sockets.
  explicit Runtime(actor::System& actor_system, net::Network* network = nullptr)
      : system{actor_system}, sockets{actor_system, network} {}

  actor::System& system;
  CodeCache code;
  tables::SharedTables tables;   // sharedata, sharetable, datasheet
  tables::SharedCells cells;     // stm
  sockets::SocketTable sockets;  // of Lua services

  // Patterns as in package.path; the built-in library comes first so that a script's lua_path
  // cannot shadow it.
  std::string library_path;  // lua/lib/?.lua;...
  std::string lua_path;      // user modules
  std::string lua_cpath;     // C modules
  std::string service_path;  // luaservice: where newservice looks
  // The library's services that scripts do not find by name, as they may have some of that name.
  std::vector<std::string> hidden_services;
  std::string preload;  // file run before every service, or empty (docs/skynet-rules.md 1.0)

  // What a new state is given, in this order, in a protected call: Lua's own library first.
  std::vector<void (*)(lua_State*)> openers;
  std::vector<NativeModule> modules;
  // Called when a service with Lua has ended, on its worker; may be left empty.
  std::function<void(ServiceId)> on_service_end;

  AllocationFaults* allocation_faults = nullptr;  // of VMs made from now on; in tests
};

}  // namespace gatehouse::script
