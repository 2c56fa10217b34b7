// Starts the services every process with Lua has: logger (1), bootstrap (2), which launches the
// launcher (3), service_mgr and the `start` service (sk 2.9, 2.17).
#pragma once

#include <string>

#include "script/runtime.hpp"

namespace gatehouse::script {

// Sets the runtime's library and service paths to the tree under `lua_root` (the folder lua/).
void set_library_root(Runtime& runtime, const std::string& lua_root);

// Call once, after System::start. The environment key "start" names the service to launch.
void boot_services(Runtime& runtime);

}  // namespace gatehouse::script
