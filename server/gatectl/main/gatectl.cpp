// gatectl: accounts in the store, and the running server by its admin port (docs/gatectl.1).
#include "base/process_output.hpp"
#include "base/signals.hpp"
#include "base/system_world.hpp"
#include "gatectl/command_line.hpp"

int main(int argc, char** argv) {
  gatehouse::process_output::open_missing_descriptors();
  gatehouse::ignore_write_signals();  // they are errors, told by the exit code
  gatehouse::SystemWorld world;
  return gatehouse::gatectl::run_gatectl(world, argc, argv);
}
