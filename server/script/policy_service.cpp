#include "script/policy_service.hpp"

#include "actor/system.hpp"
#include "script/policy_call.hpp"

namespace gatehouse::script {
namespace {

void give_up(PolicyCall& call, Errc code, const char* why) {
  if (call.auth_done) {
    call.auth_done(fail(code, why));
  } else {
    call.login_done(fail(code, why));
  }
}

}  // namespace

PolicyService::PolicyService(Runtime& runtime, const std::string& file,
                             std::shared_ptr<std::promise<PolicyHandlers>> loaded)
    : LuaService(runtime, "login_policy " + file), loaded_(std::move(loaded)) {}

PolicyService::~PolicyService() = default;

void PolicyService::serve(int auth, int login) {
  auth_ = auth;
  login_ = login;
}

void PolicyService::on_start() {
  LuaService::on_start();
  loaded_->set_value({!exiting(), auth_ != LUA_NOREF, login_ != LUA_NOREF});
}

void PolicyService::post(actor::System& system, ServiceId service,
                         std::unique_ptr<PolicyCall> call) {
  const actor::Registry::Slot* slot = system.registry().find(service);
  actor::Worker& worker = system.worker(slot->worker.load());
  worker.post([&worker, service, call = std::move(call)]() mutable {
    if (auto* policy = static_cast<PolicyService*>(worker.find(service))) {
      policy->run(std::move(call));
    } else {
      give_up(*call, Errc::kUnavailable, "the login policy has ended");
    }
  });
}

void PolicyService::run(std::unique_ptr<PolicyCall> call) {
  const bool auth = static_cast<bool>(call->auth_done);
  const auto work = [&] {
    Task& task = vm().scheduler().create_task(*this);
    task.on_client = true;
    calls_.emplace(&task, std::move(call));
    lua_pushcfunction(task.thread, auth ? policy_auth_main : policy_login_main);
    vm().scheduler().resume(task, 0);
  };
  enter(ServiceId{}, work);
}

void PolicyService::auth_ok(const Task& task, std::string_view server, std::string_view uid) {
  const auto it = calls_.find(&task);
  const std::unique_ptr<PolicyCall> call = std::move(it->second);
  calls_.erase(it);
  call->auth_done(login::AuthResult{std::string(server), std::string(uid)});
}

void PolicyService::login_ok(const Task& task, std::string_view subid) {
  const auto it = calls_.find(&task);
  const std::unique_ptr<PolicyCall> call = std::move(it->second);
  calls_.erase(it);
  call->login_done(std::string(subid));
}

void PolicyService::on_client_task_end(Task& task, bool) {
  const auto it = calls_.find(&task);
  if (it == calls_.end()) return;
  const std::unique_ptr<PolicyCall> call = std::move(it->second);
  calls_.erase(it);
  give_up(*call, Errc::kDenied, "the login policy refused");
}

void PolicyService::on_exit() {
  LuaService::on_exit();
  for (auto& [task, call] : calls_) {
    give_up(*call, Errc::kUnavailable, "the login policy has ended");
  }
  calls_.clear();
}

}  // namespace gatehouse::script
