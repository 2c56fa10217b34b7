// A player's agent: a light service that its gate session calls without a message in between.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "actor/timer_wheel.hpp"
#include "gate/gate.hpp"
#include "login/placer.hpp"
#include "protocol/control.hpp"
#include "script/agent_host.hpp"
#include "script/committed_replies.hpp"
#include "script/lua_service.hpp"
#include "store/driver.hpp"

namespace gatehouse::script {

// What a login hands to the new agent.
struct AgentSpec {
  login::Grant grant;
  login::Placer::Done done;
  gate::Gate* gate = nullptr;
  std::uint64_t epoch = 0;
  std::string subid;
  store::PlayerData data;
};

// Why a player is logged out: the code of the control frame `kick` (protocol/control.hpp).
enum class LogoutCode : std::uint16_t {
  kReplaced = protocol::kKickReplaced,  // a newer login, here or in another process
  kRemoved = protocol::kKickRemoved,    // by the game or an operator
  kBanned = protocol::kKickBanned,      // the account was banned or closed
  kIdle = protocol::kKickIdle,          // away for longer than agent.afk_timeout_ms
  kShutdown = protocol::kKickShutdown,  // the server stops
};

class AgentService final : public LuaService, public gate::Agent {
 public:
  AgentService(AgentHost& host, std::unique_ptr<AgentSpec> spec);
  ~AgentService() override;

  [[nodiscard]] AgentHost& host() const { return host_; }
  [[nodiscard]] gate::Session* session() const { return session_.get(); }
  [[nodiscard]] std::string uid() const;
  [[nodiscard]] std::string server() const;
  [[nodiscard]] std::string description() const override;
  [[nodiscard]] AccountId account() const { return account_; }
  [[nodiscard]] std::uint64_t epoch() const { return epoch_; }
  [[nodiscard]] const AgentSpec* spec() const { return spec_.get(); }
  // The registry reference of the player's `self`; LUA_NOREF until ready().
  [[nodiscard]] int self() const { return self_; }

  // The script has loaded the player: registers it with EntityMgr, opens the gate session and
  // answers the login. Takes over the reference.
  [[nodiscard]] Result<> ready(int self);
  // Starts the logout, once; ends the service within agent.logout_timeout_ms.
  void log_out(LogoutCode code, std::string_view reason);
  [[nodiscard]] LogoutCode logout_code() const { return logout_code_; }
  [[nodiscard]] std::string_view logout_reason() const { return *logout_reason_; }
  // A save is under way, or the last one failed and will be tried again.
  void set_saving(bool saving) { saving_ = saving; }
  // Of the data that the store holds; 0: unknown, and while a save is under way.
  [[nodiscard]] std::size_t saved_hash() const { return saved_hash_; }
  // Starts a save of data with this hash; its number (store::Driver::save_player).
  [[nodiscard]] std::uint64_t begin_save(std::size_t hash);
  // The store has it; what that says of the hash only the newest save knows.
  void end_save(std::uint64_t version);

  // Adds the reply of a request that commits. Only in a conversation, in which the client could
  // ask again.
  void add_committed(const Task& task, std::string_view reply);
  // What every save stores: a save that overtakes an earlier one brings its replies along.
  // Nothing when no request of this session has committed.
  [[nodiscard]] std::optional<std::string> committed() const;
  void drop_committed(const Task& task);

  // gate::Agent
  void on_request(protocol::RequestTicket ticket, std::string_view content) override;
  void on_connected(bool resumed) override;
  void on_disconnected() override;

  // The content of the request whose task starts now; its first function calls it once.
  [[nodiscard]] std::string_view starting_content(const Task& task) const;
  void started(const Task& task);
  void answer(Task& task, bool ok, std::string_view reply);

 protected:
  void on_start() override;
  void on_message(actor::MessagePtr message) override;
  void on_exit() override;
  void on_client_task_end(Task& task, bool ok) override;

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

  void on_clock();
  void restore_replies(std::string_view stored);
  void arm(std::uint32_t ms);
  // Runs a task of this agent that starts with `main`.
  void run_handler(lua_CFunction main);

  AgentHost& host_;
  std::unique_ptr<AgentSpec> spec_;  // until ready
  AccountId account_;
  std::uint64_t epoch_;
  std::uint64_t version_;  // of the last save that started, or of the loaded data
  std::unique_ptr<gate::Session> session_;
  std::unique_ptr<std::deque<Waiting>> waiting_;
  std::unique_ptr<CommittedReplies> committed_;
  std::string_view content_;  // of the request that starts now
  std::unique_ptr<std::string> logout_reason_;
  LogoutCode logout_code_ = LogoutCode::kRemoved;
  std::size_t saved_hash_ = 0;
  std::size_t newest_hash_ = 0;  // of save number version_
  Clock clock_;
  int self_ = LUA_NOREF;
  bool busy_ = false;
  bool leaving_ = false;
  bool saving_ = false;
  bool committed_changed_ = false;  // committed_ holds more than what was loaded
};

}  // namespace gatehouse::script
