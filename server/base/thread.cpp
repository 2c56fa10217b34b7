#include "base/thread.hpp"

#include <sys/resource.h>
#include <unistd.h>

namespace gatehouse {

void lower_thread_priority(int nice) {
  // Linux counts niceness by thread: the id of the calling thread names it alone.
  const auto self = static_cast<id_t>(gettid());
  setpriority(PRIO_PROCESS, self, getpriority(PRIO_PROCESS, self) + nice);
}

}  // namespace gatehouse
