// Tells the guard and the gates what memory the process uses.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "actor/system.hpp"
#include "base/clock.hpp"
#include "base/resident_memory.hpp"
#include "edge/guard.hpp"
#include "gate/gate.hpp"

namespace gatehouse::app {

// Done by the first worker whose clock is due: one may be stuck. Destroyed after System::stop().
class MemoryWatch {
 public:
  struct Parts {
    actor::System& system;
    edge::Guard& guard;
    std::vector<gate::Gate*> gates;
    std::uint64_t limit_bytes;  // limits.memory_bytes
  };
  explicit MemoryWatch(Parts parts);
  MemoryWatch(const MemoryWatch&) = delete;
  MemoryWatch& operator=(const MemoryWatch&) = delete;
  ~MemoryWatch();

  // The system runs.
  void start();

 private:
  class Clock;

  // Looks if it is due; returns when it is due next. Any worker.
  MonotonicMs look(std::int64_t now_ns);

  const Parts parts_;
  const ResidentMemory memory_;
  std::atomic<MonotonicMs> due_{0};
  std::vector<std::unique_ptr<Clock>> clocks_;
};

}  // namespace gatehouse::app
