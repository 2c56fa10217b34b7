// Whether a process on this machine lives: what the kernel knows about it.
#pragma once

#include <string>
#include <string_view>

namespace gatehouse {

// This process for others: boot id of the machine, pid namespace, pid, start time. Printable ASCII;
// where /proc tells less, others learn less.
[[nodiscard]] std::string describe_this_process();

enum class NodeLife {
  kAlive,
  kDead,
  kUnknown,  // on another machine, or in another namespace
};
// Of a process as it described itself.
[[nodiscard]] NodeLife life_of(std::string_view description);

}  // namespace gatehouse
