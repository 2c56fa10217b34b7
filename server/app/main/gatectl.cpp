// gatectl: accounts in the store, and the running server by its admin port (DESIGN section 8).
#include "app/gatectl_command_line.hpp"
#include "base/process_output.hpp"
#include "base/signals.hpp"

int main(int argc, char** argv) {
  gatehouse::process_output::open_missing_descriptors();
  gatehouse::ignore_write_signals();  // they are errors, told by the exit code
  return gatehouse::app::run_gatectl(argc, argv);
}
