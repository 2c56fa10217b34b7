#include "app/session_keeper.hpp"

#include <utility>

#include "base/log.hpp"
#include "base/node_life.hpp"

namespace gatehouse::app {
namespace {

constexpr std::uint32_t kClearRowsMax = 1'000;  // a statement, so that none locks for long

}  // namespace

SessionKeeper::SessionKeeper(game::AgentManager& agents, const SessionKeeperOptions& options,
                             MetricSet& metrics)
    : agents_(agents),
      options_(options),
      process_(describe_this_process()),
      cleared_(metrics.counter("sessions_cleared", "",
                               "Sessions marked as offline whose process had ended")) {}

Result<> SessionKeeper::keep(store::Driver& driver) {
  const auto known = driver.beat({.id = options_.node, .process = process_});
  if (!known) return tl::unexpected<Error>(known.error());
  if (!*known && known_) {
    log::warn({}, "the store had forgotten this process: its sessions are marked again");
    to_mark_ = true;
  }
  known_ = true;
  if (to_mark_) {
    if (auto marked = agents_.mark_all(driver); !marked) return marked;
    to_mark_ = false;
  }
  if (auto released = agents_.release_again(driver); !released) return released;
  const auto nodes = driver.list_nodes();
  if (!nodes) return tl::unexpected<Error>(nodes.error());
  for (const store::Node& node : *nodes) {
    if (!dead(node)) continue;
    if (auto done = clear(driver, node.id, "a process that ended without a word"); !done)
      return done;
  }
  if (strangers_cleared_) return {};
  if (auto done = clear(driver, 0, "processes that nobody knows"); !done) return done;
  strangers_cleared_ = true;
  return {};
}

bool SessionKeeper::dead(const store::Node& node) const {
  if (node.id == options_.node) return false;
  if (options_.alone) return true;
  switch (life_of(node.process)) {
    case NodeLife::kAlive:
      return false;
    case NodeLife::kDead:
      return true;
    case NodeLife::kUnknown:
      break;
  }
  return node.silent_s * 1'000 > options_.lease_ms;
}

Result<> SessionKeeper::clear(store::Driver& driver, std::uint64_t node, const char* whose) {
  std::uint64_t all = 0;
  while (true) {
    const auto cleared = driver.clear_node(node, kClearRowsMax);
    if (!cleared) return tl::unexpected<Error>(cleared.error());
    all += *cleared;
    if (*cleared < kClearRowsMax) break;
  }
  cleared_.add(static_cast<std::int64_t>(all));
  if (all > 0) log::info({}, "{} sessions of {} are marked as offline", all, whose);
  return {};
}

Result<> SessionKeeper::leave(store::Driver& driver) {
  if (!known_) return {};
  while (true) {
    const auto cleared = driver.clear_node(options_.node, kClearRowsMax);
    if (!cleared) return tl::unexpected<Error>(cleared.error());
    if (*cleared < kClearRowsMax) return {};
  }
}

}  // namespace gatehouse::app
