// Whether the process can hold what its configuration promises: descriptors and memory against
// gate.gates[].maxclient, before the first player is promised a place.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "config/config.hpp"

namespace gatehouse::app {

struct Machine {
  std::uint64_t descriptors = 0;   // that the process may open: its hard limit
  std::uint64_t memory_bytes = 0;  // of the control group, or of the machine; 0: unknown

  [[nodiscard]] static Machine here();
};

// Gives gates without a maxclient as many places as fit, at most GateOptions' default, and compares
// the others with the machine. kInvalid with the keys and what they need; under limits.profile
// "off", and for what admission can handle (login connections, sockets of scripts), a warning.
[[nodiscard]] Result<> fit_to_machine(config::Config& config, const Machine& machine);

// Raises the soft limit of descriptors to the hard one; what cannot be is reported by
// fit_to_machine().
void raise_descriptor_limit();

}  // namespace gatehouse::app
