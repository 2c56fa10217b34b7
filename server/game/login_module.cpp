// "gatehouse.login": what lua/service/login_policy.lua and login policies use.
#include <chrono>

#include "actor/system.hpp"
#include "base/clock.hpp"
#include "base/user_name.hpp"
#include "game/agent_manager.hpp"
#include "game/modules.hpp"
#include "game/policy_call.hpp"
#include "game/policy_service.hpp"
#include "login/accounts.hpp"
#include "script/answer.hpp"
#include "script/bind_util.hpp"

namespace gatehouse::game {
namespace {

AgentManager* manager_of(lua_State* L) {
  return static_cast<AgentManager*>(lua_touserdata(L, lua_upvalueindex(1)));
}

PolicyService& current_policy(lua_State* L) {
  auto* policy = dynamic_cast<PolicyService*>(&script::current_service(L));
  if (policy == nullptr) luaL_error(L, "only login_policy may call this");
  return *policy;
}

// serve(auth_handler or nil, login_handler or nil)
int l_login_serve(lua_State* L) {
  PolicyService& policy = current_policy(L);
  lua_settop(L, 2);
  int handlers[2] = {LUA_NOREF, LUA_NOREF};
  for (const int i : {1, 0}) {  // luaL_ref pops the top
    if (lua_isnil(L, -1)) {
      lua_pop(L, 1);
      continue;
    }
    luaL_argexpected(L, lua_isfunction(L, -1), i + 1, "function");
    handlers[i] = luaL_ref(L, LUA_REGISTRYINDEX);
  }
  policy.serve(handlers[0], handlers[1]);
  return 0;
}

struct PlaceRequest {
  actor::System& system;
  AgentManager& agents;
  ServiceId service;
  std::int32_t session;
  login::Grant grant;
  std::shared_ptr<Placements> placements;
  std::string uid;
};

// The answer is true and the subid, or false and why not.
void answer(const PlaceRequest& request, bool placed, std::string_view text) {
  script::PackBuffer values;
  script::pack_boolean(values, placed);
  script::pack_string(values, text);
  script::answer(request.system, request.service, request.session, values.take());
}

void place(std::shared_ptr<PlaceRequest> request) {
  const auto owner = store::Store::Owner::account(request->grant.uid);
  const auto submitted = request->agents.store().submit(owner, [request](store::Driver& driver) {
    login::Grant& grant = request->grant;
    auto adopted = login::find_or_create(driver, {grant.uid, grant.server, false},
                                         request->agents.options().names,
                                         request->system.world().clock.wall_s());
    return [request, adopted = std::move(adopted)](const Result<>& durable) {
      if (!adopted) return answer(*request, false, adopted.error().message);
      if (!*adopted) return answer(*request, false, adopted->error().reason);
      if (!durable) return answer(*request, false, durable.error().message);
      request->grant.account = (*adopted)->account.id;
      request->grant.credentials = store::credentials_of((*adopted)->account);
      request->agents.place(std::move(request->grant), [request](Result<login::Placement> placed) {
        if (placed && request->placements && !request->placements->add(request->uid, placed->subid))
          return request->agents.withdraw(request->uid, placed->subid);
        answer(*request, placed.has_value(), placed ? placed->subid : placed.error().message);
      });
    };
  });
  if (!submitted) answer(*request, false, submitted.error().message);
}

int place_done(lua_State* L, int, lua_KContext) {
  if (auto* policy = dynamic_cast<PolicyService*>(&script::current_service(L)))
    policy->continue_hook();
  const actor::Message& reply = *script::Vm::of(L).scheduler().incoming();
  script::unpack(L, reply);
  if (lua_toboolean(L, -2) == 0) return luaL_error(L, "place: %s", lua_tostring(L, -1));
  return 1;
}

// place(server, uid, secret) -> subid: what happens without a login_handler. Yields; raises
// when no gate serves the server, the store is away, the account is banned, the server is closed or
// in maintenance (staff come in then), or the uid is no name (new accounts: no name of
// `auth.names`). Both names are normalised.
int l_place(lua_State* L) {
  const script::Task& task = script::current_task(L, "login.place");
  const std::string_view server = script::check_view(L, 1);
  const std::string_view uid = script::check_view(L, 2);
  const std::string_view secret = script::check_view(L, 3);
  luaL_argcheck(L, secret.size() == 8 || secret.size() == 32, 3, "a secret has 8 or 32 bytes");
  script::LuaService& service = script::current_service(L);
  AgentManager* const agents = manager_of(L);
  if (agents == nullptr) return luaL_error(L, "no gate in this process");
  if (!normalise_user_name(uid)) return luaL_argerror(L, 2, "is not a user name");
  script::Scheduler& scheduler = script::Vm::of(L).scheduler();
  const std::int32_t session = scheduler.new_session(service);
  {
    login::Grant grant;
    grant.uid = normalise_user_name(uid).value_or(std::string());
    grant.server = normalise_server_name(server).value_or(std::string(server));
    grant.secret = Secret(std::string(secret));
    grant.suite = secret.size() == 8 ? protocol::Suite::kSkynet : protocol::Suite::kPlain;
    std::shared_ptr<Placements> placements;
    if (auto* policy = dynamic_cast<PolicyService*>(&service)) {
      placements = policy->placements_of(task);
      if (placements) grant.waiter = placements->waiter();
      policy->pause_hook();
    }
    std::string name = grant.uid;
    place(std::make_shared<PlaceRequest>(PlaceRequest{script::system_of(L), *agents, service.id(),
                                                      session, std::move(grant),
                                                      std::move(placements), std::move(name)}));
  }
  scheduler.await_reply(session, service.id());
  return lua_yieldk(L, 0, 0, place_done);
}

// kick(uid[, reason]) -> boolean: was online
int l_login_kick(lua_State* L) {
  const std::string_view uid = script::check_view(L, 1);
  std::size_t size = 0;
  const char* reason = luaL_optlstring(L, 2, "kicked", &size);
  AgentManager* const agents = manager_of(L);
  lua_pushboolean(L, agents != nullptr && agents->kick(uid, LogoutCode::kRemoved, {reason, size}));
  return 1;
}

void set_field(lua_State* L, const char* name, std::string_view value) {
  script::push_view(L, value);
  lua_setfield(L, -2, name);
}

int auth_done(lua_State* L, int, lua_KContext) {
  const std::string_view server = script::check_view(L, -2);
  const std::string_view uid = script::check_view(L, -1);
  current_policy(L).auth_ok(*script::Vm::of(L).scheduler().running(), server, uid);
  return 0;
}

int login_done(lua_State* L, int, lua_KContext) {
  const std::string_view subid = luaL_tolstring(L, -1, nullptr);
  current_policy(L).login_ok(*script::Vm::of(L).scheduler().running(), subid);
  return 0;
}

}  // namespace

int policy_auth_main(lua_State* L) {
  PolicyService& policy = current_policy(L);
  const PolicyCall& call = policy.call_of(*script::Vm::of(L).scheduler().running());
  lua_rawgeti(L, LUA_REGISTRYINDEX, policy.auth_handler());
  lua_createtable(L, 0, 7);
  set_field(L, "user", call.token.user);
  set_field(L, "server", call.token.server);
  set_field(L, "password", call.token.password.reveal());
  set_field(L, "ticket", call.token.ticket.reveal());
  set_field(L, "totp", call.token.totp.reveal());
  set_field(L, "address", call.address);
  set_field(L, "suite", protocol::name(call.suite));
  lua_callk(L, 1, 2, 0, auth_done);
  return auth_done(L, LUA_OK, 0);
}

int policy_login_main(lua_State* L) {
  PolicyService& policy = current_policy(L);
  const PolicyCall& call = policy.call_of(*script::Vm::of(L).scheduler().running());
  lua_rawgeti(L, LUA_REGISTRYINDEX, policy.login_handler());
  script::push_view(L, call.server);
  script::push_view(L, call.uid);
  script::push_view(L, call.secret.reveal());
  lua_callk(L, 3, 1, 0, login_done);
  return login_done(L, LUA_OK, 0);
}

int open_login(lua_State* L) {
  static const luaL_Reg functions[] = {
      {"serve", script::bind<l_login_serve>},
      {"place", script::bind<l_place>},
      {"kick", script::bind<l_login_kick>},
      {nullptr, nullptr},
  };
  lua_newtable(L);
  lua_pushvalue(L, lua_upvalueindex(1));
  luaL_setfuncs(L, functions, 1);
  return 1;
}

}  // namespace gatehouse::game
