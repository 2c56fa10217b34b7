// The service behind LuaPolicy: each call of the login layer runs a handler of the policy file
// in a coroutine of its own, which has login.policy_timeout_ms; then it is ended, the login gets
// its answer, and what the handler did so far is undone.
#pragma once

#include <future>
#include <memory>
#include <string>

#include "actor/system.hpp"
#include "game/policy_call.hpp"
#include "script/hook.hpp"
#include "script/hook_watch.hpp"
#include "script/lua_service.hpp"

namespace gatehouse::game {

class AgentManager;

struct PolicyOptions {
  std::string file;                  // login.policy
  std::uint32_t timeout_ms = 5'000;  // login.policy_timeout_ms: of one call
  std::uint32_t calls_max = 2'048;   // login.policy_calls_max
};

struct PolicyHandlers {
  bool loaded = false;
  bool auth = false;
  bool login = false;
};

class PolicyService final : public script::LuaService {
 public:
  PolicyService(script::Runtime& runtime, AgentManager& agents, const PolicyOptions& options,
                std::shared_ptr<std::promise<PolicyHandlers>> loaded);
  ~PolicyService() override;

  // Runs a call on the service's worker; it fails when the service has ended. Any thread.
  static void post(actor::System& system, ServiceId service, std::unique_ptr<PolicyCall> call);

  // --- For login_module.cpp, on the worker ---
  void serve(int auth, int login);
  [[nodiscard]] int auth_handler() const { return auth_; }
  [[nodiscard]] int login_handler() const { return login_; }
  // The call that a task runs.
  [[nodiscard]] static const PolicyCall& call_of(const script::Task& task) {
    return *task.tag_as<PolicyCall*>();
  }
  // Those of the call that a task runs; none: it runs no call of login_handler.
  [[nodiscard]] std::shared_ptr<Placements> placements_of(const script::Task& task) const;
  // The running task waits for a placement, which has deadlines of its own.
  void pause_hook() { watch_.pause(*vm().scheduler().running()); }
  void continue_hook() { watch_.go_on(*vm().scheduler().running()); }
  // Ends it with success.
  void auth_ok(script::Task& task, std::string_view server, std::string_view uid);
  void login_ok(script::Task& task, std::string_view subid);

 protected:
  void on_start() override;
  void on_exit() override;
  void on_watched_task_end(script::Task& task, bool ok) override;

 private:
  void run(std::unique_ptr<PolicyCall> call);
  static void on_overdue(script::LuaService& service, script::Task& task);
  [[nodiscard]] std::unique_ptr<PolicyCall> take_call(script::Task& task);
  void give_up(PolicyCall& call, Errc code, const char* why);

  std::shared_ptr<std::promise<PolicyHandlers>> loaded_;
  AgentManager& agents_;
  const PolicyOptions options_;
  script::HookReports reports_;
  Metric& busy_metric_;
  script::HookWatch watch_;
  int auth_ = LUA_NOREF;
  int login_ = LUA_NOREF;
  std::size_t calls_ = 0;  // that run; each is the tag of its task
};

}  // namespace gatehouse::game
