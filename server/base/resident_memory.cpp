#include "base/resident_memory.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cinttypes>
#include <cstdio>

namespace gatehouse {

ResidentMemory::ResidentMemory() : fd_(::open("/proc/self/statm", O_RDONLY | O_CLOEXEC)) {}

ResidentMemory::~ResidentMemory() {
  if (fd_ >= 0) ::close(fd_);
}

std::optional<std::uint64_t> ResidentMemory::bytes() const {
  std::array<char, 128> text{};  // seven numbers; the last byte stays 0
  if (::pread(fd_, text.data(), text.size() - 1, 0) <= 0) return std::nullopt;
  std::uint64_t pages = 0;
  if (std::sscanf(text.data(), "%*u %" SCNu64, &pages) != 1) return std::nullopt;
  return pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace gatehouse
