// Keeps true what the store says about who is online: says that this process lives, takes away what
// processes left that ended without a word, and catches up with what the store did not take.
#pragma once

#include <cstdint>

#include "base/metrics.hpp"
#include "base/result.hpp"
#include "game/agent_manager.hpp"
#include "store/driver.hpp"

namespace gatehouse::app {

struct SessionKeeperOptions {
  std::uint64_t node = 0;  // as AgentOptions::node
  // store.session_lease_ms: a process of another machine that is silent for so long is dead.
  std::uint32_t lease_ms = 30'000;
  bool alone = false;  // the database serves this process only: any other is dead
};

// One thread at a time, which may block. Metric: counter `sessions_cleared`.
class SessionKeeper {
 public:
  SessionKeeper(game::AgentManager& agents, const SessionKeeperOptions& options,
                MetricSet& metrics);

  // To be called every few seconds, well within the lease, and before the first login.
  [[nodiscard]] Result<> keep(store::Driver& driver);
  // The process ends in order: nobody is online here any more.
  [[nodiscard]] Result<> leave(store::Driver& driver);

 private:
  [[nodiscard]] bool dead(const store::Node& node) const;
  [[nodiscard]] Result<> clear(store::Driver& driver, std::uint64_t node, const char* whose);

  game::AgentManager& agents_;
  const SessionKeeperOptions options_;
  const std::string process_;
  Metric& cleared_;
  bool known_ = false;              // the store had this process once
  bool strangers_cleared_ = false;  // once is enough: whoever starts later does it, too
  bool to_mark_ = false;            // the store has forgotten who is online here
};

}  // namespace gatehouse::app
