// A player's agent: a light service that its gate session calls without a message in between.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "actor/timer_wheel.hpp"
#include "base/log_limit.hpp"
#include "game/agent_host.hpp"
#include "game/conversations.hpp"
#include "gate/gate.hpp"
#include "login/placer.hpp"
#include "protocol/control.hpp"
#include "script/hook_watch.hpp"
#include "script/lua_service.hpp"
#include "store/driver.hpp"
#include "store/rescue_file.hpp"

namespace gatehouse::game {

// What a login hands to the new agent.
struct AgentSpec {
  login::Grant grant;
  login::Placer::Done done;
  gate::Gate* gate = nullptr;
  store::Fence fence;
  std::string subid;
  store::PlayerData data;
  std::optional<Error> refusal;  // the answer to the login, once it is not 200
};

// Why a player is logged out: the code of the control frame `kick` (protocol/control.hpp).
enum class LogoutCode : std::uint16_t {
  kReplaced = protocol::kKickReplaced,        // a newer login, here or in another process
  kRemoved = protocol::kKickRemoved,          // by the game or an operator
  kCredentials = protocol::kKickCredentials,  // they are others than those of the login
  kBanned = protocol::kKickBanned,            // the account was banned or closed
  kIdle = protocol::kKickIdle,                // away for longer than agent.afk_timeout_ms
  kShutdown = protocol::kKickShutdown,        // the server stops
  kMemory = protocol::kKickMemory,            // its VM is full, and it holds most
};

// What a save brings to the store; kept until the store has it.
struct PendingSave {
  std::uint64_t version = 0;
  std::string data;
  std::optional<std::string> replies;
  // The store's words when it does not take it, and whether that is because the database has gone
  // back: written by its thread before it answers.
  mutable std::string why;
  mutable bool rewound = false;
};

// A client's request, as the tag of the task that runs it (script::Task::tag_as).
struct Request {
  protocol::RequestTicket ticket;
  bool asked;       // a client's frame brought it: its reply goes to the gate session
  bool queued;      // it waited for an earlier one
  bool begun;       // took its content
  bool commit;      // its reply waits until data and reply are durable
  bool rolls_back;  // takes back what a request did whose commit cannot be
  // Number of the first save that has what it did, while it is not known whether that or a later
  // one was written; 0: nothing was, or it is done.
  std::uint64_t commit_save;
};

// The way out: log_out -> the game's logout() -> save -> exit. Each step has a deadline, and the
// next one follows however it ends: done, an error, ended at its deadline, skynet.exit().
class AgentService final : public script::LuaService, public gate::Agent {
 public:
  AgentService(AgentHost& host, std::unique_ptr<AgentSpec> spec);
  ~AgentService() override;

  [[nodiscard]] AgentHost& host() const { return host_; }
  [[nodiscard]] gate::Session* session() const { return session_.get(); }
  [[nodiscard]] std::string uid() const;
  [[nodiscard]] std::string server() const;
  [[nodiscard]] std::string description() const override;
  // Limited by player (log::admit), with uid and request: a client may fail as often as it likes.
  [[nodiscard]] ErrorReport error_report(const script::Task& task) override;
  [[nodiscard]] AccountId account() const { return account_; }
  [[nodiscard]] store::Fence fence() const { return fence_; }
  [[nodiscard]] const AgentSpec* spec() const { return spec_.get(); }
  // The registry reference of the player's `self`; LUA_NOREF until ready().
  [[nodiscard]] int self() const { return self_; }

  // The script has loaded the player: registers it with EntityMgr, opens the gate session and
  // answers the login. Takes over the reference.
  [[nodiscard]] Result<> ready(int self);
  // Before ready(): the player does not come in. The first word is what the login is told; the
  // agent ends when it would be ready.
  void refuse_login(Errc code, std::string_view reason);
  // Starts the way out, once. Not inside a handler of this VM: there, AgentManager::log_out.
  void log_out(LogoutCode code, std::string_view reason);
  [[nodiscard]] bool leaving() const { return leaving_; }
  [[nodiscard]] std::string_view logout_reason() const { return *logout_reason_; }
  // The running task calls save() for the server and has so many milliseconds for it; 0: as long
  // as the hook that it runs may take.
  std::uint32_t limit_save();
  // The running task calls receive() for another player, which has the time of a request.
  void limit_receive();
  // The running task waits for the store, or between two attempts, and went on.
  void pause_hook();
  void continue_hook();
  // Player data could not be stored for a reason that does not pass: `why`, for operators. Tells
  // them, and after agent.save_failures_max in a row ends the player's session. `code`: the class
  // of the store's refusal, or what save() itself did wrong.
  void save_failed(std::string_view why, std::string_view code = "unsavable");
  // The store has not taken a save; `code` is the name of the class (base/result.hpp). While
  // leaving, what it never takes is written to a file when it is time (rescue_due()).
  void store_refused(std::uint64_t version, std::string_view code);
  // The store holds what save() returned last, or there is nothing to save.
  void save_succeeded();
  // Of the data that the store holds; 0: unknown, and while a save is under way.
  [[nodiscard]] std::size_t saved_hash() const { return saved_hash_; }
  // Starts a save of data with this hash; its number (store::Driver::save_player).
  [[nodiscard]] std::uint64_t begin_save(std::size_t hash);
  enum class SaveOutcome : std::uint8_t { kDone, kNothingDone, kUnknown };
  // What the store said of it; what that says of the hash only the newest save knows.
  void end_save(std::uint64_t version, SaveOutcome outcome);
  // Why the store has not taken the newest save, or not given the data; empty: it has, or nothing
  // is known.
  [[nodiscard]] std::string_view refusal() const {
    if (loading_ && !**loading_) return (**loading_).error().message;
    return unsaved_ ? std::string_view(unsaved_->why) : std::string_view();
  }
  // Keeps what the save that began brings, so that it can be rescued.
  [[nodiscard]] std::shared_ptr<const PendingSave> keep_save(std::string_view data);
  [[nodiscard]] std::uint32_t saves_running() const { return saves_running_; }
  // Certainly no save from this number on has written anything, or will.
  [[nodiscard]] bool nothing_saved_since(std::uint64_t version) const {
    return saves_running_ == 0 && saved_max_ < version;
  }
  // Nothing may be saved: the player's `self` holds what is about to be taken back.
  [[nodiscard]] bool rolling_back() const { return rolling_back_; }
  // Where agent.load puts what the store has.
  using Loading = std::shared_ptr<Result<store::PlayerData>>;
  void set_loading(Loading loading) { loading_ = std::make_unique<Loading>(std::move(loading)); }
  void forget_loading() { loading_.reset(); }
  [[nodiscard]] const Result<store::PlayerData>& loading() const { return **loading_; }

  // The running request asked for commit: only its outcome is an answer from now on.
  void begin_commit(Request& request);
  // In a conversation, in which the client could ask again: the reply becomes part of every save.
  [[nodiscard]] bool committable(const Request& request) const;
  void add_committed(const Request& request, std::string_view reply);
  // The outcome of the request's commit is certain.
  void end_commit(Request& request, bool done);
  // What every save stores with the data: a save that overtakes an earlier one brings its replies
  // along. Nothing when no request of a conversation has run.
  [[nodiscard]] std::optional<std::string> replies() const;
  // Requests that run now.
  [[nodiscard]] std::uint32_t requests_running() const { return requests_running_; }
  // `self` is what the store has: the request is answered as failed.
  void rolled_back(script::Task& task);
  // Ends the player without a save: whoever waits for an answer finds it after the next login.
  void give_up(int code, std::string_view reason);

  // gate::Agent
  void on_request(protocol::RequestTicket ticket, std::string_view content) override;
  void on_conversation(std::string_view name, std::uint32_t number) override;
  void on_connected(bool resumed) override;
  void on_disconnected() override;

  // Runs a task of this agent now and then: f(self), on top of L's stack; false while the one
  // before runs.
  [[nodiscard]] bool run_periodic_save(lua_State* L);

  // The content of the request whose task starts now; its first function calls it once.
  [[nodiscard]] std::string_view starting_content(const Request& request) const;
  void started(Request& request);
  void answer(script::Task& task, bool ok, std::string_view reply);

 protected:
  void on_start() override;
  void on_message(actor::MessagePtr message) override;
  void on_exit() override;
  [[nodiscard]] bool ends_when_asked(bool itself) override;
  void on_watched_task_end(script::Task& task, bool ok) override;

 private:
  struct Waiting {
    protocol::RequestTicket ticket;
    std::string content;
  };
  // Counts the time away, then the time a logout may take.
  class Clock final : public actor::Timer {
   public:
    explicit Clock(AgentService& agent) : agent_(agent) {}
    void fire() override { agent_.on_clock(); }

   private:
    AgentService& agent_;
  };

  // What is known while the store has not taken the newest save.
  struct Unsaved {
    std::string code;
    std::string why;
    MonotonicMs for_good_since_ms = 0;  // refused without a hope; 0: it may yet be taken
    LogLimit lines{1, 60'000};
    std::uint32_t failures = 0;
  };

  void on_clock();
  void load_replies(std::string_view stored);
  void note_accepted(protocol::RequestTicket ticket);
  void note_started(protocol::RequestTicket ticket);
  void begin_rollback(const Request& failed);
  void run_next();
  // The store has refused the newest save because another session has the player.
  void fenced();
  // Of the newest save, without its bytes.
  [[nodiscard]] store::RescuedPlayer rescued_player() const;
  // Has ops see the player among those who are not saved.
  void list_unsaved(std::string_view code, std::string_view why, std::uint32_t failures);
  // An operator, or the end of the process, wants the player out, stored or not.
  void want_rescue();
  [[nodiscard]] bool rescue_due() const;
  void start_rescue();
  void rescued(const Result<std::string>& file);
  void arm(std::uint32_t ms);
  // Runs a hook as a task that starts with `main`, with its deadline.
  void run_hook(script::Hook hook, lua_CFunction main, std::uint32_t ms);
  // The same inside a handler: it runs after this message.
  void fork_hook(script::Hook hook, lua_CFunction main, std::uint32_t ms);
  // There is no memory for a coroutine that runs the hook.
  void on_no_memory(script::Hook hook);
  static void on_overdue(script::LuaService& service, script::Task& task);
  void on_request_end(script::Task& task, bool ok);
  void report_loss(std::string_view why);
  void drop_front();

  AgentHost& host_;
  std::unique_ptr<AgentSpec> spec_;  // until ready
  AccountId account_;
  store::Fence fence_;
  std::uint64_t version_;  // of the last save that started, or of the loaded data
  std::unique_ptr<gate::Session> session_;
  std::unique_ptr<std::deque<Waiting>> waiting_;
  std::unique_ptr<Conversations> conversations_;
  std::unique_ptr<Loading> loading_;
  std::string_view content_;                    // of the request that starts now
  std::shared_ptr<const PendingSave> pending_;  // the newest save, until it is stored
  std::unique_ptr<Unsaved> unsaved_;
  std::unique_ptr<std::string> logout_reason_;
  std::size_t saved_hash_ = 0;
  std::size_t newest_hash_ = 0;              // of save number version_
  std::unique_ptr<std::string> save_error_;  // of the last save, while failed_saves_ > 0
  MonotonicMs saved_ms_ = 0;                 // when the data was last known to be in the store
  std::uint64_t saved_max_ = 0;              // the highest save that was written, or may have been
  std::uint32_t saves_running_ = 0;
  std::uint32_t requests_running_ = 0;
  Clock clock_;
  script::HookWatch watch_;
  int self_ = LUA_NOREF;
  std::uint32_t failed_saves_ = 0;  // in a row
  bool busy_ = false;
  bool leaving_ = false;
  bool save_waits_ = false;  // the last save, for memory
  bool listed_ = false;      // among those who are not saved
  bool rescue_wanted_ = false;
  bool rescuing_ = false;       // a file is being written
  bool rescued_ = false;        // the file has the data, and the agent ends
  bool stuck_ = false;          // leaving, for longer than its scripts may take
  bool periodic_save_ = false;  // one is under way
  bool saved_again_ = false;    // the last save was begun a second time
  bool rolling_back_ = false;
  bool conversations_changed_ = false;  // they hold more than what was loaded
};

// Every logged-in player has one: it fills an allocator's class of that size.
static_assert(sizeof(AgentService) <= 512);

}  // namespace gatehouse::game
