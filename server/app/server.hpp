// The wiring: builds every part of the process from its configuration, runs it until a signal,
// and takes it down in order. Nothing else knows all the parts.
#pragma once

#include <functional>
#include <string>

#include "base/exit_codes.hpp"
#include "base/world.hpp"
#include "config/config.hpp"

namespace gatehouse::app {

// Runs login and gates until a signal, an operator or a script ends it. Returns an exit code.
// `ready_file` is written when every listener is up; empty: none. `load` reads the configuration,
// at the start and at SIGHUP: then the keys of tickets and second factors are taken over, the rest
// needs a new start. After take_signals().
int run_server(const World& world, const std::function<Result<config::Config>()>& load,
               const std::string& ready_file);

// Runs a skynet configuration file (docs/skynet-rules.md 2.17) until a script or a signal ends it.
// The exit code is what the script asks for; kExitFailed when the start fails. After
// take_signals(). `program_folder` is --root (config/program_root.hpp).
int run_skynet(const World& world, const std::string& file, const std::string& program_folder);

}  // namespace gatehouse::app
