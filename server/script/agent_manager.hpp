// Places players: takes the account's session over, loads the player, makes the agent on a
// worker and a VM with room, and answers the login. One agent an account in this process; a
// newer login waits until the older agent has left.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "actor/system.hpp"
#include "base/metrics.hpp"
#include "gate/gate.hpp"
#include "login/placer.hpp"
#include "script/agent_service.hpp"
#include "script/hook.hpp"
#include "script/runtime.hpp"
#include "store/store.hpp"

namespace gatehouse::script {

struct AgentOptions {
  std::string module = "lua/game/player.lua";  // agent.module
  std::uint32_t per_vm = 500;                  // agent.per_vm
  std::uint32_t afk_timeout_ms = 60'000;       // agent.afk_timeout_ms; 0: until kicked
  std::uint32_t save_interval_ms = 60'000;     // agent.save_interval_ms; 0: at logout only
  // How long the game's functions may take, in the order in which a player meets them.
  std::uint32_t load_timeout_ms = 10'000;      // agent.load_timeout_ms
  std::uint32_t request_timeout_ms = 60'000;   // agent.request_timeout_ms; 0: none
  std::uint32_t hook_timeout_ms = 5'000;       // agent.hook_timeout_ms: resume, afk
  std::uint32_t logout_timeout_ms = 10'000;    // agent.logout_timeout_ms
  std::uint32_t save_timeout_ms = 5'000;       // agent.save_timeout_ms: save, without the store
  std::uint32_t save_failures_max = 3;         // agent.save_failures_max, in a row
  std::uint32_t shutdown_timeout_ms = 10'000;  // shutdown.timeout_ms
};

class AgentManager final : public login::Placer {
 public:
  // All arguments outlive it; the gates are complete and do not change.
  AgentManager(Runtime& runtime, store::Store& store, std::vector<gate::Gate*> gates,
               AgentOptions options, MetricSet& metrics);
  AgentManager(const AgentManager&) = delete;
  AgentManager& operator=(const AgentManager&) = delete;

  // login::Placer
  [[nodiscard]] bool serves(std::string_view server) const override;
  [[nodiscard]] std::vector<std::string> endpoints(std::string_view server) const override;
  [[nodiscard]] std::size_t players(std::string_view server) const override;
  [[nodiscard]] bool online(const std::string& uid, std::string_view server) const override;
  void place(login::Grant grant, Done done) override;

  // Asks a player's agent to log out; false when the player is not online. Any thread.
  bool kick(std::string_view uid, LogoutCode code, std::string_view reason);
  // The same for an agent by its address.
  void log_out(ServiceId agent, LogoutCode code, std::string_view reason) {
    send_logout(agent, code, reason);
  }
  // Takes a placement back that nobody will hear of: the session that has this subid ends. Any
  // thread.
  void withdraw(const std::string& uid, std::string_view subid);
  // Places nobody from now on and logs everybody out. Any thread.
  void log_all_out(std::string_view reason);
  // Agents that live or are being made. Any thread.
  [[nodiscard]] std::size_t online() const;

  [[nodiscard]] const AgentOptions& options() const { return options_; }
  [[nodiscard]] store::Store& store() const { return store_; }
  [[nodiscard]] Metric& save_errors() const { return save_errors_; }
  [[nodiscard]] Metric& ended_for_memory() const { return ended_for_memory_; }
  [[nodiscard]] HookReports& hook_reports() { return hook_reports_; }
  // Players whose last save failed, for good or for now.
  [[nodiscard]] Metric& unsaved() const { return unsaved_metric_; }
  // The time for a hook of a player who leaves: while the server stops, logout and save together
  // take half of shutdown.timeout_ms at most, so that the rest is left for the store. Any thread.
  [[nodiscard]] std::uint32_t leaving_ms(std::uint32_t ms) const;

  // Loads the game's actor module in the first of the VMs that will hold players. kInvalid: it
  // cannot be used, and the log says why. Waits; once, at the start, not on a worker.
  [[nodiscard]] Result<> check_module();

  // Makes the agent of a player whose session is claimed, on its worker's thread; begin() does
  // this after the store. Without a VM with room the spec's `done` gets kFull.
  void spawn(actor::Worker& worker, std::unique_ptr<AgentSpec> spec);

  // --- Called by agents and hosts, on their worker ---
  void agent_ended(AgentService& agent);
  // The agent cannot leave now, its data is not saved: logins that wait for it fail.
  void agent_stuck(AgentService& agent);
  void host_ended(AgentHost& host);

 private:
  struct Placing {
    login::Grant grant;
    Done done;
    gate::Gate* gate = nullptr;
  };
  struct Online {
    ServiceId agent;  // 0 while it is being made
    std::string server;
    std::string subid;
    std::vector<std::unique_ptr<Placing>> waiting;
  };

  [[nodiscard]] gate::Gate* choose_gate(std::string_view server) const;
  void begin(std::unique_ptr<Placing> placing);
  void claim(std::unique_ptr<Placing> placing);
  // The job of claim().
  [[nodiscard]] store::Store::Reply claim_in_store(store::Driver& driver,
                                                   std::unique_ptr<Placing> placing);
  void give_up(Placing& placing, const Error& error);
  [[nodiscard]] AgentHost* host_with_room(actor::Worker& worker);
  void release(const std::string& uid);
  [[nodiscard]] std::vector<std::unique_ptr<Placing>> take_waiting(const std::string& uid,
                                                                   bool forget);
  void send_logout(ServiceId agent, LogoutCode code, std::string_view reason);

  Runtime& runtime_;
  store::Store& store_;
  const std::vector<gate::Gate*> gates_;
  const AgentOptions options_;
  Metric& agents_metric_;
  Metric& save_errors_;
  Metric& unsaved_metric_;
  Metric& ended_for_memory_;
  HookReports hook_reports_;

  mutable std::mutex mutex_;
  std::unordered_map<std::string, Online> online_;  // by uid
  std::atomic<bool> stopping_{false};

  // By worker, touched by that worker only.
  std::array<std::vector<AgentHost*>, actor::kWorkersMax> hosts_;
};

}  // namespace gatehouse::script
