#include "base/node_life.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <sstream>

namespace gatehouse {
namespace {

std::string first_line(const std::string& path) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  return line;
}

// "pid:[4026531836]"
std::string pid_namespace() {
  std::array<char, 64> target{};
  const ssize_t size = readlink("/proc/self/ns/pid", target.data(), target.size());
  return size > 0 ? std::string(target.data(), static_cast<std::size_t>(size)) : std::string();
}

// Of proc(5), /proc/PID/stat: state (field 3) and start time in ticks since the boot (field 22).
// An empty time: there is no such process, or it has ended and nobody has asked how.
std::string start_time(const std::string& pid) {
  const std::string line = first_line("/proc/" + pid + "/stat");
  // The name, field 2, is in brackets and may hold anything.
  const std::size_t end = line.rfind(')');
  if (end == std::string::npos) return {};
  std::istringstream fields(line.substr(end + 1));
  std::string state;
  fields >> state;
  if (state == "Z" || state == "X") return {};
  std::string time;
  for (int field = 4; field <= 22; ++field) fields >> time;
  return time;
}

// What two processes that can see each other have in common.
std::string this_machine() {
  return fmt::format("{} {}", first_line("/proc/sys/kernel/random/boot_id"), pid_namespace());
}

}  // namespace

std::string describe_this_process() {
  const std::string pid = std::to_string(getpid());
  return fmt::format("{} {} {}", this_machine(), pid, start_time(pid));
}

NodeLife life_of(std::string_view description) {
  const std::string machine = this_machine() + " ";
  // Without a boot id or a namespace the machine could be any.
  if (machine.size() < 40 || machine.find("pid:[") == std::string::npos) return NodeLife::kUnknown;
  if (!description.starts_with(machine)) return NodeLife::kUnknown;
  std::istringstream rest{std::string(description.substr(machine.size()))};
  std::string pid;
  std::string started;
  rest >> pid >> started;
  if (started.empty() || pid.find_first_not_of("0123456789") != std::string::npos)
    return NodeLife::kUnknown;
  return start_time(pid) == started ? NodeLife::kAlive : NodeLife::kDead;
}

}  // namespace gatehouse
