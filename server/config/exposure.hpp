// Which suites a login port may offer to other machines.
#pragma once

#include "config/config.hpp"
#include "config/reader.hpp"
#include "login/options.hpp"

namespace gatehouse::config {

// Beyond this machine a suite that protects nothing is refused, or warned of where the listener
// says that it is meant. What comes to a port of transport `auto` without TLS is refused there.
void judge_exposure(ConfigReader& reader, const login::ListenerOptions& listener, Config& config);

}  // namespace gatehouse::config
