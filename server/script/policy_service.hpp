// The service behind LuaPolicy: each call of the login layer runs a handler of the policy file
// in a coroutine of its own.
#pragma once

#include <future>
#include <memory>
#include <string>
#include <unordered_map>

#include "login/policy.hpp"
#include "actor/system.hpp"
#include "script/lua_service.hpp"

namespace gatehouse::script {

struct PolicyHandlers {
  bool loaded = false;
  bool auth = false;
  bool login = false;
};

// One call: of auth_handler when auth_done is set, else of login_handler.
struct PolicyCall {
  protocol::Token token;
  std::string address;
  protocol::Suite suite = protocol::Suite::kSkynet;
  std::string server;
  std::string uid;
  Secret secret;
  login::Policy::AuthDone auth_done;
  login::Policy::LoginDone login_done;
};

class PolicyService final : public LuaService {
 public:
  PolicyService(Runtime& runtime, const std::string& file,
                std::shared_ptr<std::promise<PolicyHandlers>> loaded);
  ~PolicyService() override;

  // Runs a call on the service's worker; it fails when the service has ended. Any thread.
  static void post(actor::System& system, ServiceId service, std::unique_ptr<PolicyCall> call);

  // --- For bind_login, on the worker ---
  void serve(int auth, int login);
  [[nodiscard]] int auth_handler() const { return auth_; }
  [[nodiscard]] int login_handler() const { return login_; }
  // The call that a task runs.
  [[nodiscard]] const PolicyCall& call_of(const Task& task) const { return *calls_.at(&task); }
  // Ends it with success.
  void auth_ok(const Task& task, std::string_view server, std::string_view uid);
  void login_ok(const Task& task, std::string_view subid);

 protected:
  void on_start() override;
  void on_exit() override;
  void on_client_task_end(Task& task, bool ok) override;

 private:
  void run(std::unique_ptr<PolicyCall> call);

  std::shared_ptr<std::promise<PolicyHandlers>> loaded_;
  int auth_ = LUA_NOREF;
  int login_ = LUA_NOREF;
  std::unordered_map<const Task*, std::unique_ptr<PolicyCall>> calls_;
};

}  // namespace gatehouse::script
