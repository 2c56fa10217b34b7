#include "game/policy_service.hpp"

#include <fmt/format.h>

#include <utility>

#include "actor/system.hpp"
#include "base/assert.hpp"
#include "game/agent_manager.hpp"
#include "game/policy_call.hpp"
#include "script/runtime.hpp"

namespace gatehouse::game {

namespace {

void fail_call(PolicyCall& call, Errc code, const char* why) {
  if (call.auth_done) {
    call.auth_done(fail(code, why));
  } else {
    call.login_done(fail(code, why));
  }
}

}  // namespace

bool Placements::add(const std::string& uid, const std::string& subid) {
  std::lock_guard lock(mutex_);
  if (waiter_->cancelled.load()) return false;
  made_.emplace_back(uid, subid);
  return true;
}

void Placements::undo(AgentManager& agents) {
  decltype(made_) made;
  {
    std::lock_guard lock(mutex_);
    waiter_->cancelled.store(true);
    made.swap(made_);
  }
  for (const auto& [uid, subid] : made) agents.withdraw(uid, subid);
}

PolicyService::PolicyService(script::Runtime& runtime, AgentManager& agents,
                             const PolicyOptions& options,
                             std::shared_ptr<std::promise<PolicyHandlers>> loaded)
    : script::LuaService(runtime, "login_policy " + options.file),
      loaded_(std::move(loaded)),
      agents_(agents),
      options_(options),
      reports_(runtime.system.world().clock, runtime.system.metrics()),
      busy_metric_(runtime.system.metrics().counter(
          "login_policy_refused", "", "Logins refused because too many wait for the policy")),
      watch_(*this, on_overdue) {}

PolicyService::~PolicyService() = default;

void PolicyService::serve(int auth, int login) {
  auth_ = auth;
  login_ = login;
}

void PolicyService::on_start() {
  script::LuaService::on_start();
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
      fail_call(*call, Errc::kUnavailable, "the login policy has ended");
    }
  });
}

void PolicyService::run(std::unique_ptr<PolicyCall> call) {
  if (calls_ >= options_.calls_max) {
    busy_metric_.add();
    reports_.error(id(), "the login policy has login.policy_calls_max calls that wait: 503");
    return fail_call(*call, Errc::kFull, "too many logins wait for the policy");
  }
  const bool auth = static_cast<bool>(call->auth_done);
  GATEHOUSE_ASSERT(auth != static_cast<bool>(call->login_done));
  if (!auth) call->placements = std::make_shared<Placements>();
  const auto work = [&] {
    script::Task* task = vm().scheduler().create_task(*this);
    if (task == nullptr) return give_up(*call, Errc::kFull, "no memory for the login policy");
    watch_.limit(*task, auth ? script::Hook::kAuth : script::Hook::kLogin, options_.timeout_ms);
    task->tag_as<PolicyCall*>() = call.release();
    ++calls_;
    lua_pushcfunction(task->thread, auth ? policy_auth_main : policy_login_main);
    vm().scheduler().resume(*task, 0);
    if (calls_ != 0 && !exiting()) watch_.look_in(options_.timeout_ms);
  };
  enter(ServiceId{}, work);
}

std::unique_ptr<PolicyCall> PolicyService::take_call(script::Task& task) {
  std::unique_ptr<PolicyCall> call(std::exchange(task.tag_as<PolicyCall*>(), nullptr));
  if (call) --calls_;
  return call;
}

// The client hears no, so no session of it may be left.
void PolicyService::give_up(PolicyCall& call, Errc code, const char* why) {
  if (call.placements) call.placements->undo(agents_);
  fail_call(call, code, why);
}

std::shared_ptr<Placements> PolicyService::placements_of(const script::Task& task) const {
  const PolicyCall* call = task.tag_as<PolicyCall*>();
  return call == nullptr ? nullptr : call->placements;
}

void PolicyService::auth_ok(script::Task& task, std::string_view server, std::string_view uid) {
  const std::unique_ptr<PolicyCall> call = take_call(task);
  if (call) call->auth_done(login::AuthResult{std::string(server), std::string(uid)});
}

void PolicyService::login_ok(script::Task& task, std::string_view subid) {
  const std::unique_ptr<PolicyCall> call = take_call(task);
  if (call) call->login_done(std::string(subid));
}

void PolicyService::on_overdue(script::LuaService& service, script::Task& task) {
  auto& policy = static_cast<PolicyService&>(service);
  script::Scheduler& scheduler = policy.vm().scheduler();
  const std::string text = fmt::format("{} of {} takes longer than {} ms: 503", name(task.hook),
                                       policy.options_.file, policy.options_.timeout_ms);
  policy.reports_.timed_out(policy.id(), task.hook, scheduler.with_traceback(task, text));
  const std::unique_ptr<PolicyCall> call = policy.take_call(task);
  if (call) policy.give_up(*call, Errc::kTimeout, "the login policy takes too long");
  scheduler.kill(task);
}

void PolicyService::on_watched_task_end(script::Task& task, bool) {
  const std::unique_ptr<PolicyCall> call = take_call(task);
  if (call) give_up(*call, Errc::kDenied, "the login policy refused");
}

void PolicyService::on_exit() {
  watch_.cancel();
  for (script::Task* task = tasks(); task != nullptr; task = task->next) {
    const std::unique_ptr<PolicyCall> call = take_call(*task);
    if (call) give_up(*call, Errc::kUnavailable, "the login policy has ended");
  }
  script::LuaService::on_exit();
  GATEHOUSE_ASSERT(calls_ == 0);
}

}  // namespace gatehouse::game
