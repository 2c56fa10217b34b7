// The command line of gatectl.
#pragma once

#include "base/world.hpp"

namespace gatehouse::gatectl {

// Runs the command that the arguments name and returns the exit code: 0 done, 1 it could not be
// done, 2 wrong arguments, configuration or input.
int run_gatectl(const World& world, int argc, char** argv);

}  // namespace gatehouse::gatectl
