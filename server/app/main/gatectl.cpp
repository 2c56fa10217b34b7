// gatectl: accounts in the store, and the running server by its admin port (DESIGN section 8).
#include "app/gatectl_command_line.hpp"

int main(int argc, char** argv) {
  return gatehouse::app::run_gatectl(argc, argv);
}
