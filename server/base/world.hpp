// What a program may not take for granted, and what nothing below `app` reaches for by itself: it
// comes in through constructors. `app` wires the system's (system_world.hpp), a simulation its own.
#pragma once

#include "base/clock.hpp"
#include "base/executor.hpp"
#include "base/random.hpp"

namespace gatehouse {

// Outlived by all three.
struct World {
  const Clock& clock;
  Random& random;
  Executor& executor;
};

}  // namespace gatehouse
