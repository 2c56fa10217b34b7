// gatectl promote, restore-fixups and online.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "base/node_life.hpp"
#include "gatectl/command.hpp"
#include "gatectl/store.hpp"

namespace gatehouse::gatectl {
namespace {

using nlohmann::json;

// These commands write every account at once.
constexpr std::uint32_t kFixUpTimeoutMs = 3'600'000;
constexpr std::uint32_t kOnlinePage = 1'000;

Result<StoreDriver> open_for_fix_up(const World& world, const config::Config& config) {
  config::Config patient = config;
  patient.store.driver.io_timeout_ms = kFixUpTimeoutMs;
  patient.store.driver.lock_timeout_ms = kFixUpTimeoutMs;
  return open_store(world, patient);
}

std::string pid_of(const store::Node& node) {
  // As describe_this_process(): boot id, namespace, pid, start time.
  const std::size_t end = node.process.rfind(' ');
  const std::size_t begin = node.process.rfind(' ', end - 1) + 1;
  return node.process.substr(begin, end - begin);
}

}  // namespace

Result<> promote(const config::Config& config, const Arguments& arguments, Output& output) {
  const auto driver = open_for_fix_up(arguments.world, config);
  if (!driver) return tl::unexpected<Error>(driver.error());
  const auto accounts = (*driver)->fix_up(store::Driver::Past::kPromoted);
  if (!accounts) return tl::unexpected<Error>(accounts.error());
  output.say(
      fmt::format("the epochs of {} accounts are above all that the old primary gave", *accounts),
      {{"done", "promoted"}, {"accounts", *accounts}});
  return {};
}

Result<> restore_fixups(const config::Config& config, const Arguments& arguments, Output& output) {
  const auto driver = open_for_fix_up(arguments.world, config);
  if (!driver) return tl::unexpected<Error>(driver.error());
  const auto nodes = (*driver)->list_nodes();
  if (!nodes) return tl::unexpected<Error>(nodes.error());
  for (const store::Node& node : *nodes) {
    if (life_of(node.process) == NodeLife::kAlive)
      return fail(Errc::kExists, fmt::format("the server with pid {} runs on this database; stop "
                                             "all servers first",
                                             pid_of(node)));
  }
  const auto accounts = (*driver)->fix_up(store::Driver::Past::kRestored);
  if (!accounts) return tl::unexpected<Error>(accounts.error());
  output.say(fmt::format("{} accounts: no session and no ticket from before the restore is good "
                         "any more, and nobody is online",
                         *accounts),
             {{"done", "fixed up"}, {"accounts", *accounts}});
  return {};
}

Result<> online(const config::Config& config, const Arguments& arguments, Output& output) {
  const auto driver = open_store(arguments.world, config);
  if (!driver) return tl::unexpected<Error>(driver.error());
  const auto nodes = (*driver)->list_nodes();
  if (!nodes) return tl::unexpected<Error>(nodes.error());
  std::unordered_map<std::uint64_t, bool> lives;
  for (const store::Node& node : *nodes) {
    const NodeLife life = life_of(node.process);
    lives[node.id] =
        life == NodeLife::kAlive ||
        (life == NodeLife::kUnknown && node.silent_s * 1'000 <= config.watch.session_lease_ms);
  }
  json list = json::array();
  std::string text;
  std::size_t count = 0;
  std::string after;
  while (true) {
    const auto page = (*driver)->list_online(after, kOnlinePage);
    if (!page) return tl::unexpected<Error>(page.error());
    for (const store::OnlineSession& session : *page) {
      const auto node = lives.find(session.node);
      if (node == lives.end() || !node->second) continue;
      if (++count > arguments.limit) continue;
      text += fmt::format("\n{}@{} at {} from {}", session.name, session.server, session.gate,
                          session.address);
      list.push_back({{"name", session.name},
                      {"server", session.server},
                      {"gate", session.gate},
                      {"epoch", session.epoch},
                      {"node", fmt::format("{:016x}", session.node)},
                      {"address", session.address},
                      {"since", session.since_s}});
    }
    if (page->size() < kOnlinePage) break;
    after = page->back().name;
  }
  output.say(fmt::format("players online: {}", count) + text,
             {{"players", count}, {"online", std::move(list)}});
  return {};
}

}  // namespace gatehouse::gatectl
