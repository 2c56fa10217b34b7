// Invariants, checked in release builds too. Never for what a peer controls.
#pragma once

namespace gatehouse {

// Prints the condition and its place to stderr and aborts.
[[noreturn]] void assert_failed(const char* condition, const char* file, int line);

}  // namespace gatehouse

#define GATEHOUSE_ASSERT(condition)                    \
  (static_cast<bool>(condition) ? static_cast<void>(0) \
                                : ::gatehouse::assert_failed(#condition, __FILE__, __LINE__))
