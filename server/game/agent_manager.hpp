// Places players: takes the account's session over, loads the player, makes the agent on a
// worker and a VM with room, and answers the login. One agent an account in this process; a
// newer login waits until the older agent has left.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "actor/system.hpp"
#include "actor/work_pool.hpp"
#include "base/clock.hpp"
#include "base/log_limit.hpp"
#include "base/metrics.hpp"
#include "base/unique_function.hpp"
#include "base/user_name.hpp"
#include "game/agent_service.hpp"
#include "game/options.hpp"
#include "gate/gate.hpp"
#include "login/placer.hpp"
#include "net/address.hpp"
#include "net/address_rules.hpp"
#include "script/hook.hpp"
#include "script/runtime.hpp"
#include "store/rescue_file.hpp"
#include "store/store.hpp"

namespace gatehouse::game {

// A player whose newest data is not saved.
struct UnsavedPlayer {
  std::string uid;
  std::string server;
  std::string code;  // the class of the refusal: "unavailable", "too_big", ... or "unsavable"
  std::string why;   // the words of the database, or of what save() did wrong
  MonotonicMs since_ms = 0;
  std::uint32_t failures = 0;
  bool leaving = false;  // logged out, and here for the save alone
};

// The session number of the system message that asks an agent to leave, stored or not.
inline constexpr std::int32_t kRescueMessage = -1;

class AgentManager final : public login::Placer {
 public:
  // All arguments outlive it; the gates are complete and do not change.
  AgentManager(script::Runtime& runtime, store::Store& store, std::vector<gate::Gate*> gates,
               AgentOptions options, MetricSet& metrics);
  // Waits for the files of rescues that are being written.
  ~AgentManager() override;
  AgentManager(const AgentManager&) = delete;
  AgentManager& operator=(const AgentManager&) = delete;

  // login::Placer
  [[nodiscard]] bool serves(std::string_view server) const override;
  [[nodiscard]] std::vector<std::string> endpoints(std::string_view server) const override;
  [[nodiscard]] std::size_t players(std::string_view server) const override;
  [[nodiscard]] bool online(const std::string& uid, std::string_view server) const override;
  void place(login::Grant grant, Done done) override;
  void withdraw(const std::string& uid, std::string_view subid) override;

  // Asks a player's agent to log out; false when the player is not online, who may be named in
  // any spelling. Any thread.
  bool kick(std::string_view uid, LogoutCode code, std::string_view reason);
  // The same for a session that may not go on, but not for one that began after this epoch. To be
  // repeated until the session is gone; true the first time. Any thread.
  bool end_barred(std::string_view uid, std::uint64_t epoch, LogoutCode code,
                  std::string_view reason);
  // The same for an agent by its address.
  void log_out(ServiceId agent, LogoutCode code, std::string_view reason) {
    send_logout(agent, code, reason);
  }
  // From now on no session goes on whose client is, or was last, in a network that the rules
  // refuse: those that there are, and those that come. Any thread. Counter `bans_enforced`.
  void set_address_rules(std::shared_ptr<const net::AddressRules> rules);
  // Places nobody from now on and logs everybody out. Any thread.
  void log_all_out(std::string_view reason);
  // Asks a player's agent to log out and, if the store does not take its data, to write that to
  // a file and leave; false when the player is not online. Any thread.
  bool rescue(std::string_view uid);
  // The same of all whose data is not stored. Any thread.
  void rescue_all();
  // Any thread.
  [[nodiscard]] std::vector<UnsavedPlayer> unsaved() const;
  // Agents that live or are being made. Any thread.
  [[nodiscard]] std::size_t online() const;
  [[nodiscard]] std::vector<std::string> online_uids() const;
  // Marks accounts as offline that could not be when their agents ended. On any thread, with its
  // driver; what fails is kept for the next time.
  [[nodiscard]] Result<> release_again(store::Driver& driver);
  // Marks all who are online as such, because the store has forgotten this process. Likewise.
  [[nodiscard]] Result<> mark_all(store::Driver& driver);
  // A worker is stuck: logins that wait for an agent there fail, players who were to be made
  // there are made elsewhere. Any thread.
  void worker_stuck(std::uint16_t worker);

  [[nodiscard]] const AgentOptions& options() const { return options_; }
  [[nodiscard]] store::Store& store() const { return store_; }
  [[nodiscard]] Metric& save_errors() const { return save_errors_; }
  [[nodiscard]] Metric& ended_for_memory() const { return ended_for_memory_; }
  [[nodiscard]] script::HookReports& hook_reports() { return hook_reports_; }
  [[nodiscard]] Metric& rescues() const { return rescues_; }
  // Sessions whose save the store refused because another has the player; `rewound`: because the
  // database has gone back.
  [[nodiscard]] Metric& fenced(bool rewound) const { return rewound ? rewound_ : fenced_; }
  // The time for a hook of a player who leaves: while the server stops, logout and save together
  // take half of shutdown.timeout_ms at most, so that the rest is left for the store. Any thread.
  [[nodiscard]] std::uint32_t leaving_ms(std::uint32_t ms) const;

  // Loads the game's actor module in the first of the VMs that will hold players. kInvalid: it
  // cannot be used, and the log says why. Waits; once, at the start, not on a worker.
  [[nodiscard]] Result<> check_module();
  // Reads the game's code anew. Players who come from now on get it, in VMs of their own, when
  // their first VM has loaded it whole; who is here keeps what he has. False: nothing has changed.
  // kInvalid: something does not compile or load, and kTimeout: that takes longer than
  // shutdown.timeout_ms; all stays as it was. Waits for it, so not on a worker.
  [[nodiscard]] Result<bool> reload_code();

  // Makes the agent of a player whose session is claimed, on its worker's thread; begin() does
  // this after the store. Without a VM with room the spec's `done` gets kFull.
  void spawn(actor::Worker& worker, std::unique_ptr<AgentSpec> spec);

  // --- Called by agents and hosts, on their worker ---
  // The client of the agent has connected at its gate.
  void client_at(AgentService& agent);
  void agent_ended(AgentService& agent);
  // The agent cannot leave now, its data is not saved: logins that wait for it fail.
  void agent_stuck(AgentService& agent);
  void host_ended(AgentHost& host);
  // Takes the player into the list of the unsaved, or anew; player_saved() takes it out.
  void player_unsaved(UnsavedPlayer player);
  void player_saved(const std::string& uid);
  // Runs what writes a rescue's file, on a thread that waits for no database; it is started by
  // the first.
  [[nodiscard]] Result<> write_rescue(UniqueFunction<void()> work);
  // Whether a line about one more player who is not saved may be written: some a second.
  [[nodiscard]] bool may_log_unsaved();

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
    bool barred = false;      // end_barred() has named it
    net::Address client;      // where it logged in from, or connected to the gate from last
    store::HeldSession held;  // once there is an agent
    std::vector<std::unique_ptr<Placing>> waiting;
  };

  // An agent that is to be made, until its worker takes it.
  struct Spawning {
    std::uint16_t worker = 0;
    std::unique_ptr<AgentSpec> spec;
  };

  [[nodiscard]] bool on_stuck_worker(ServiceId agent) const;
  // Where the agent of a player is made who logs in now.
  [[nodiscard]] std::uint16_t choose_worker(const login::Grant& grant) const;
  void post_spawn(std::unique_ptr<AgentSpec> spec);
  [[nodiscard]] gate::Gate* choose_gate(std::string_view server) const;
  void begin(std::unique_ptr<Placing> placing);
  void claim(std::unique_ptr<Placing> placing);
  // The job of claim().
  [[nodiscard]] store::Store::Reply claim_in_store(store::Driver& driver,
                                                   std::unique_ptr<Placing> placing);
  // Claims, and takes the player over; `fence` is set by the last claim, even if it then fails.
  [[nodiscard]] Result<store::PlayerData> take_session(store::Driver& driver,
                                                       const Placing& placing, store::Fence& fence);
  void release_session(const std::string& uid, AccountId account, store::Fence fence);
  void remember_unreleased(AccountId account, store::Fence fence);
  void give_up(Placing& placing, const Error& error);
  [[nodiscard]] AgentHost* host_with_room(actor::Worker& worker);
  [[nodiscard]] AgentHost* make_host(actor::Worker& worker, std::shared_ptr<script::Code> code);
  // Of older code. On the worker.
  void end_empty_hosts(actor::Worker& worker);
  void release(const std::string& uid);
  [[nodiscard]] std::vector<std::unique_ptr<Placing>> take_waiting(const std::string& uid,
                                                                   bool forget);
  // Nobody while the player is not online, or his agent is being made.
  [[nodiscard]] ServiceId agent_of(std::string_view uid) const;
  void send_logout(ServiceId agent, LogoutCode code, std::string_view reason);
  void send_rescue(ServiceId agent);
  void kick_for_network(ServiceId agent, const std::string& uid, std::string_view reason);
  // With mutex_: why the client may not be here; nothing when it may.
  [[nodiscard]] std::optional<std::string> refusal_of(const Online& entry) const;

  script::Runtime& runtime_;
  store::Store& store_;
  const std::vector<gate::Gate*> gates_;
  const AgentOptions options_;
  Metric& agents_metric_;
  Metric& save_errors_;
  Metric& unsaved_metric_;
  Metric& ended_for_memory_;
  Metric& rescues_;
  Metric& bans_enforced_;
  Metric& fenced_;
  Metric& rewound_;
  script::HookReports hook_reports_;

  mutable std::mutex mutex_;
  std::unordered_map<std::string, Online> online_;          // by uid
  std::shared_ptr<const net::AddressRules> address_rules_;  // under mutex_; null: none read yet
  std::atomic<bool> stopping_{false};
  std::map<std::string, UnsavedPlayer> unsaved_;  // by uid
  LogLimit unsaved_lines_{10, 1'000};
  std::unique_ptr<actor::WorkPool> rescue_pool_;
  // By account: who still shows as online in the store. An account is in it once.
  std::unordered_map<std::uint64_t, store::Fence> unreleased_;
  std::unordered_map<std::uint64_t, Spawning> spawning_;
  std::uint64_t last_spawning_ = 0;

  // By worker: agents, those to be made among them.
  std::array<std::atomic<std::int32_t>, actor::kWorkersMax> agents_at_{};
  // By worker, touched by that worker only.
  std::array<std::vector<AgentHost*>, actor::kWorkersMax> hosts_;
};

}  // namespace gatehouse::game
