// What is done when a VM runs into its memory limit: a full collection, and when that is not
// enough, a report that names who holds what. Runs after a handler, in C++ memory: the VM has
// none left.
#pragma once

#include <cstddef>
#include <lua.hpp>
#include <string>
#include <vector>

namespace gatehouse::script {

class LuaService;
class Vm;

// Collects all garbage of a VM, at intervals that grow with what it takes. True when memory is
// still above nine tenths of the limit.
[[nodiscard]] bool collect_garbage(Vm& vm);

// One line in the log for a VM that is full, at most one a second; `holders` says who holds what.
void report_full(LuaService& owner, const std::string& holders);

// What only this service's values reach: its `self` (a registry reference) and the coroutines
// that wait. What two of them reach counts for none, nor do modules and globals.
struct Holding {
  LuaService* service = nullptr;
  int self = LUA_NOREF;
  std::size_t bytes = 0;  // estimated
};

// Fills in the bytes. The work is bounded: those in front are looked at more closely.
void measure(Vm& vm, std::vector<Holding>& holdings);

}  // namespace gatehouse::script
