#include "app/capacity.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

namespace gatehouse::app {
namespace {

// Files, logs, databases, wake-ups of workers, listeners.
constexpr std::uint64_t kOwnDescriptors = 64;
constexpr std::uint64_t kDescriptorsAWorker = 8;
// A connected player who does nothing, with what the kernel keeps for his socket.
constexpr std::uint64_t kPlayerBytes = 8 * 1'024;

std::uint64_t read_number(const char* file) {
  std::ifstream in(file);
  std::uint64_t value = 0;
  return in >> value ? value : 0;  // "max" is no number: no limit
}

std::uint64_t own_descriptors(const config::Config& config) {
  std::uint64_t count = kOwnDescriptors + kDescriptorsAWorker * config.workers;
  count += config.store.connections + config.login.listeners.size() * config.workers;
  for (const gate::GateOptions& gate : config.gates)
    count += gate.limits.gate_reserve_max + config.workers;
  return count;
}

void fill_in(config::Config& config, const Machine& machine) {
  std::uint64_t taken = own_descriptors(config);
  std::uint64_t open = 0;
  for (const gate::GateOptions& gate : config.gates) {
    if (gate.maxclient == 0) {
      ++open;
    } else {
      taken += gate.maxclient;
    }
  }
  if (open == 0) return;
  // The logins have half of what is left at most.
  const std::uint64_t left = machine.descriptors - std::min(machine.descriptors, taken);
  const std::uint64_t logins =
      std::min<std::uint64_t>(config.limits.login_connections_max, left / 2);
  const std::uint64_t each =
      std::clamp<std::uint64_t>((left - logins) / open, 1, gate::GateOptions::kMaxclientDefault);
  for (gate::GateOptions& gate : config.gates)
    if (gate.maxclient == 0) gate.maxclient = static_cast<std::uint32_t>(each);
}

void fill_in_memory(config::Config& config, const Machine& machine) {
  if (config.limits.memory_bytes != 0) return;
  config.limits.memory_bytes = machine.memory_bytes / 5 * 4;
  for (gate::GateOptions& gate : config.gates)
    gate.limits.memory_bytes = config.limits.memory_bytes;
}

}  // namespace

Machine Machine::here() {
  Machine machine;
  rlimit limit{};
  machine.descriptors = UINT64_MAX;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max != RLIM_INFINITY)
    machine.descriptors = limit.rlim_max;
  const long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);
  if (pages > 0 && page_bytes > 0)
    machine.memory_bytes =
        static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page_bytes);
  for (const char* file :
       {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    const std::uint64_t bytes = read_number(file);
    if (bytes != 0) machine.memory_bytes = std::min(machine.memory_bytes, bytes);
  }
  return machine;
}

Result<> fit_to_machine(config::Config& config, const Machine& machine) {
  fill_in(config, machine);
  fill_in_memory(config, machine);
  std::uint64_t players = 0;
  for (const gate::GateOptions& gate : config.gates) players += gate.maxclient;
  const std::uint64_t own = own_descriptors(config);
  std::string errors;
  if (players + own > machine.descriptors) {
    errors = fmt::format(
        "gate.gates: maxclient of all gates is {}, with {} for the rest of the process that takes "
        "{} descriptors, and {} are allowed: lower maxclient, or raise the limit of open files "
        "(LimitNOFILE, ulimit -n)",
        players, own, players + own, machine.descriptors);
  }
  if (machine.memory_bytes != 0 && players * kPlayerBytes > machine.memory_bytes) {
    errors += fmt::format(
        "{}gate.gates: maxclient of all gates is {}, and so many idle players take {} MiB of "
        "memory: there are {} MiB",
        errors.empty() ? "" : "\n", players, (players * kPlayerBytes) >> 20,
        machine.memory_bytes >> 20);
  }
  if (!errors.empty() && !config.without_limits) return fail(Errc::kInvalid, errors);
  if (!errors.empty()) config.warnings.push_back(errors);
  const std::uint64_t logins = config.limits.login_connections_max;
  if (errors.empty() && !config.without_limits && config.login_role &&
      players + own + logins > machine.descriptors) {
    config.warnings.push_back(fmt::format(
        "limits.login_connections_max: {} logins and {} players do not fit into {} descriptors at "
        "the same time: when all are there, connections are refused",
        logins, players, machine.descriptors));
  }
  return {};
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  static_cast<void>(setrlimit(RLIMIT_NOFILE, &limit));
}

}  // namespace gatehouse::app
