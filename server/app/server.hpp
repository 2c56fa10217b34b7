// The wiring: builds every part of the process from its configuration, runs it until a signal,
// and takes it down in order. Nothing else knows all the parts.
#pragma once

#include <functional>
#include <string>

#include "app/config.hpp"

namespace gatehouse::app {

// Exit codes of the program.
inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;   // could not start, or did not end in order
inline constexpr int kExitUsage = 2;    // wrong arguments or configuration

// Runs login and gates until SIGTERM or SIGINT. Returns an exit code. `ready_file` is written
// when every listener is up; empty: none. `reload` reads the configuration again at SIGHUP: the
// keys of tickets and second factors are taken over, the rest needs a new start.
int run_server(const Config& config, const std::string& ready_file,
               const std::function<Result<Config>()>& reload);

// Runs a skynet configuration file (DESIGN section 4, sk 2.17) until skynet.abort or a signal.
int run_skynet(const std::string& file);

}  // namespace gatehouse::app
