// Starts the services every process with Lua has: logger (1), bootstrap (2), which launches the
// launcher (3), service_mgr and the `start` service (docs/skynet-rules.md 2.9, 2.17).
#pragma once

#include <chrono>
#include <string>

#include "script/runtime.hpp"

namespace gatehouse::skynet {

// Where `require` finds Lua modules in the tree under `lua_root`: patterns as in package.path.
[[nodiscard]] std::string module_patterns(const std::string& lua_root);

// Sets the runtime's library and service paths to the tree under `lua_root` (the folder lua/).
void set_library_root(script::Runtime& runtime, const std::string& lua_root);

// Call once, after System::start. The environment key "start" names the service to launch. The
// logger is the Lua service `logger`, or the log itself when that is empty. When one of them, or
// the start service, cannot be started, the log says why and the process is asked to end with
// kBootFailed (System::request_abort); else the environment has the key kBooted in the end.
inline constexpr int kBootFailed = 1;
inline constexpr const char* kBooted = "gatehouse_booted";
void boot_services(script::Runtime& runtime, const std::string& logger = {});

// SIGHUP: a logger that is a Lua service gets a message of type system (docs/skynet-rules.md 2.15).
void tell_logger_of_reopening(actor::System& system);

// Sends log records to service 1 as text messages of who wrote them; its own, and all without it or
// when its mailbox is full, are written. Before System::start; end it with log::divert(nullptr).
void divert_log(actor::System& system);

// Whether service 1 has handled all that was sent to it, or has ended: a look from outside, which
// is right when nothing else is sent. Waiting for it longer than kLoggerTimeout is of no use.
bool logger_is_idle(actor::System& system);
inline constexpr std::chrono::milliseconds kLoggerTimeout{1'000};

}  // namespace gatehouse::skynet
