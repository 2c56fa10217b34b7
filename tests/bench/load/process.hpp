// A process, from outside: what it has used.
#pragma once

#include <time.h>
#include <unistd.h>

#include <fstream>
#include <string>

namespace gatehouse::bench {

class Process {
 public:
  // 0: none; then all figures are 0.
  explicit Process(int pid) : pid_(pid) {}

  [[nodiscard]] double cpu_seconds() const {
    clockid_t clock;
    return pid_ == 0 || clock_getcpuclockid(pid_, &clock) != 0 ? 0 : seconds_of(clock);
  }
  [[nodiscard]] static double own_cpu_seconds() { return seconds_of(CLOCK_PROCESS_CPUTIME_ID); }

  // Resident.
  [[nodiscard]] double memory_kib() const {
    std::ifstream file("/proc/" + std::to_string(pid_) + "/statm");
    double pages = 0, resident = 0;
    file >> pages >> resident;
    return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1024;
  }

 private:
  static double seconds_of(clockid_t clock) {
    timespec time{};
    clock_gettime(clock, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
  }

  int pid_;
};

}  // namespace gatehouse::bench
