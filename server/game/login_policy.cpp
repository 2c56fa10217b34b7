#include "game/login_policy.hpp"

#include <future>

#include "actor/system.hpp"
#include "base/log.hpp"

namespace gatehouse::game {

Result<std::unique_ptr<LuaPolicy>> LuaPolicy::start(script::Runtime& runtime, AgentManager& agents,
                                                    const PolicyOptions& options) {
  const std::string& file = options.file;
  if (file.find_first_of(" \t\r\n") != std::string::npos) {
    return fail(Errc::kInvalid, "login.policy: the path has blanks");
  }
  std::unique_ptr<LuaPolicy> policy(new LuaPolicy(runtime));
  auto loaded = std::make_shared<std::promise<PolicyHandlers>>();
  std::future<PolicyHandlers> handlers = loaded->get_future();
  const auto id = runtime.system.spawn(
      [&runtime, &agents, options, loaded]() -> std::unique_ptr<actor::Service> {
        return std::make_unique<PolicyService>(runtime, agents, options, loaded);
      },
      0);
  if (!id) return tl::unexpected<Error>(id.error());
  const PolicyHandlers has = handlers.get();
  if (!has.loaded) return fail(Errc::kInvalid, "login.policy: " + file + " does not load");
  policy->service_ = *id;
  policy->has_auth_ = has.auth;
  policy->has_login_ = has.login;
  return policy;
}

void LuaPolicy::auth(const protocol::Token& token, std::string_view address, protocol::Suite suite,
                     AuthDone done) {
  auto call = std::make_unique<PolicyCall>();
  call->token = token;
  call->address = address;
  call->suite = suite;
  call->auth_done = std::move(done);
  PolicyService::post(runtime_.system, service_, std::move(call));
}

void LuaPolicy::login(const std::string& server, const std::string& uid, const Secret& secret,
                      LoginDone done) {
  auto call = std::make_unique<PolicyCall>();
  call->server = server;
  call->uid = uid;
  call->secret = secret;
  call->login_done = std::move(done);
  PolicyService::post(runtime_.system, service_, std::move(call));
}

}  // namespace gatehouse::game
