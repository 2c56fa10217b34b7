// How much of the process is in memory.
#pragma once

#include <cstdint>
#include <optional>

namespace gatehouse {

// Holds its file open, so that it can still tell when no descriptor is left. Any thread.
class ResidentMemory {
 public:
  ResidentMemory();
  ~ResidentMemory();
  ResidentMemory(const ResidentMemory&) = delete;
  ResidentMemory& operator=(const ResidentMemory&) = delete;

  // proc(5), statm; nothing where the system does not tell.
  [[nodiscard]] std::optional<std::uint64_t> bytes() const;

 private:
  const int fd_;
};

}  // namespace gatehouse
