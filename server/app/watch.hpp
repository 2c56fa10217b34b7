// Looks into the store every few seconds for what ops change there by hand: bans of players who
// are online, networks that are banned or allowed, game servers; keeps true who is online
// (SessionKeeper); and trims the audit.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "app/address_watch.hpp"
#include "app/audit_trimmer.hpp"
#include "app/session_keeper.hpp"
#include "base/log_limit.hpp"
#include "base/metrics.hpp"
#include "base/result.hpp"
#include "base/world.hpp"
#include "config/watch_options.hpp"
#include "drivers/open.hpp"
#include "game/agent_manager.hpp"
#include "gate/gate.hpp"
#include "login/login_server.hpp"
#include "store/driver.hpp"

namespace gatehouse::app {

// One thread with a connection of its own. A store that is away changes nothing: what was read
// last stays in force. Metrics: counters `watch_errors`, `bans_enforced`, `sessions_revoked`, and
// those of its parts.
class Watch {
 public:
  // All of it outlives the Watch; login may be nullptr.
  struct Parts {
    const World& world;
    const store::Options& store;
    game::AgentManager& agents;
    login::LoginServer* login;
    MetricSet& metrics;
    edge::Guard& guard;
    std::uint64_t node = 0;  // AgentOptions::node
  };
  // Errors as store::open().
  [[nodiscard]] static Result<std::unique_ptr<Watch>> make(const Parts& parts,
                                                           const config::WatchOptions& options);
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  // Waits for the look that is under way, and marks everybody as offline who is still marked here.
  ~Watch();

  // Looks on the caller's thread, so that bans hold before the first login, and starts the
  // thread. Once.
  void start();
  // Has it look at once. Any thread.
  void look_now();
  // Rows of ops that have no effect. Any thread.
  [[nodiscard]] std::vector<config::BadRow> bad_rows() const { return addresses_.bad_rows(); }
  // As they were read last. Any thread.
  [[nodiscard]] std::vector<store::GameServer> game_servers() const;

 private:
  Watch(const Parts& parts, const config::WatchOptions& options);
  void run();
  void look();
  [[nodiscard]] Result<> read_addresses(std::int64_t now_s);
  [[nodiscard]] Result<> read_game_servers();
  [[nodiscard]] Result<> enforce_bans(std::int64_t now_s);
  [[nodiscard]] Result<> enforce_credentials();
  [[nodiscard]] Result<> trim_tickets(std::int64_t now_s);

  const Parts parts_;
  const config::WatchOptions options_;
  Metric connects_{"connects", "", "", false};  // of driver_
  std::int64_t seen_connects_ = 0;              // when its server was looked at
  std::unique_ptr<store::Driver> driver_;
  SessionKeeper keeper_;
  Metric& errors_;
  Metric& enforced_;
  Metric& stale_;
  std::string complaint_;           // why the last look failed; empty: it did not
  LogLimit complaints_{1, 60'000};  // about what does not change
  AddressWatch addresses_;
  AuditTrimmer audit_;

  mutable std::mutex mutex_;
  std::vector<store::GameServer> game_servers_;  // under mutex_
  std::condition_variable changed_;
  bool stopping_ = false;  // under mutex_, like the next
  bool wanted_ = false;
  std::unique_ptr<Thread> thread_;
};

}  // namespace gatehouse::app
