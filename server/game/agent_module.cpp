// "gatehouse.agent": what lua/service/msgagent.lua builds players on. serve() is called by the
// host's main chunk; the other functions by the agent that runs, unless they take an address.
#include <functional>
#include <memory>

#include "actor/system.hpp"
#include "base/log.hpp"
#include "game/agent_manager.hpp"
#include "game/agent_service.hpp"
#include "game/modules.hpp"
#include "game/player_data.hpp"
#include "game/unsavable.hpp"
#include "script/answer.hpp"
#include "script/bind_util.hpp"
#include "store/write_error.hpp"

namespace gatehouse::game {
namespace {

AgentHost& current_host(lua_State* L) {
  auto* host = dynamic_cast<AgentHost*>(&script::current_service(L));
  if (host == nullptr) luaL_error(L, "only msgagent may call this");
  return *host;
}

AgentService& current_agent(lua_State* L) {
  auto* agent = dynamic_cast<AgentService*>(&script::current_service(L));
  if (agent == nullptr) luaL_error(L, "no player's agent runs here");
  return *agent;
}

// The agent of this VM whose address is argument `index`.
AgentService& agent_argument(lua_State* L, int index) {
  actor::Service* service = script::current_service(L).worker().find(script::to_address(L, index));
  auto* agent = dynamic_cast<AgentService*>(service);
  if (agent == nullptr || &agent->vm() != &script::Vm::of(L)) {
    luaL_error(L, "no such player in this VM: reach others by self:send or self:call");
  }
  return *agent;
}

int handler_field(lua_State* L, const char* name, bool required) {
  const int type = lua_getfield(L, 1, name);
  if (type == LUA_TFUNCTION) return luaL_ref(L, LUA_REGISTRYINDEX);
  if (type != LUA_TNIL || required) luaL_error(L, "agent.serve: %s must be a function", name);
  lua_pop(L, 1);
  return LUA_NOREF;
}

// serve{start=, request=, connected=, disconnected=, logout=, last_save=, commit=, rollback=,
// concurrent=}
int l_serve(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  AgentHandlers& handlers = current_host(L).handlers();
  if (handlers.request != LUA_NOREF) return luaL_error(L, "agent.serve was called already");
  AgentHandlers given;
  given.start = handler_field(L, "start", true);
  given.connected = handler_field(L, "connected", false);
  given.disconnected = handler_field(L, "disconnected", false);
  given.logout = handler_field(L, "logout", false);
  given.last_save = handler_field(L, "last_save", true);
  given.commit = handler_field(L, "commit", true);
  given.rollback = handler_field(L, "rollback", true);
  lua_getfield(L, 1, "concurrent");
  given.concurrent = lua_toboolean(L, -1) != 0;
  given.request = handler_field(L, "request", true);
  handlers = given;
  return 0;
}

// settings() -> { module=, save_interval_ms= }
int l_settings(lua_State* L) {
  const AgentOptions& options = current_host(L).manager().options();
  lua_createtable(L, 0, 2);
  script::push_view(L, options.module);
  lua_setfield(L, -2, "module");
  lua_pushinteger(L, options.save_interval_ms);
  lua_setfield(L, -2, "save_interval_ms");
  return 1;
}

// ready(self): the player is loaded; the login is answered.
int l_ready(lua_State* L) {
  AgentService& agent = current_agent(L);
  luaL_checktype(L, 1, LUA_TTABLE);
  if (agent.spec() == nullptr) return luaL_error(L, "agent.ready was called already");
  if (agent.spec()->refusal) {  // the game kicked the player while it loaded him
    agent.worker().retire(agent);
    return lua_isyieldable(L) ? lua_yield(L, 0) : 0;
  }
  lua_settop(L, 1);
  const int self = luaL_ref(L, LUA_REGISTRYINDEX);
  {
    const auto result = agent.ready(self);
    if (result) return 0;
    luaL_unref(L, LUA_REGISTRYINDEX, self);
    script::push_owned(L, result.error().message);
  }
  return lua_error(L);
}

// push(address, text) -> true, or nil and why
int l_push(lua_State* L) {
  AgentService& agent = agent_argument(L, 1);
  const std::string_view text = script::check_view(L, 2);
  const auto result = agent.session() == nullptr
                          ? Result<>(fail(Errc::kClosed, "the player is not ready"))
                          : agent.session()->push(text);
  if (result) {
    lua_pushboolean(L, 1);
    return 1;
  }
  lua_pushnil(L);
  script::push_owned(L, result.error().message);
  return 2;
}

// kick(address[, reason]): starts the logout of an agent; one that is not ready is not let in.
int l_kick(lua_State* L) {
  AgentService& agent = agent_argument(L, 1);
  std::size_t size = 0;
  const char* reason = luaL_optlstring(L, 2, "kicked by the game", &size);
  agent.refuse_login(Errc::kDenied, {reason, size});
  agent.host().manager().kick(agent.uid(), LogoutCode::kRemoved, {reason, size});
  return 0;
}

// abandon(address, reason[, code]): ends an agent unsaved; code 409, of a kick, says that its data
// belongs to another process.
int l_abandon(lua_State* L) {
  AgentService& agent = agent_argument(L, 1);
  const std::string_view reason = script::check_view(L, 2);
  const lua_Integer code = luaL_optinteger(L, 3, protocol::kKickReplaced);
  agent.give_up(static_cast<int>(code), reason);
  if (&script::current_service(L) == &agent && lua_isyieldable(L)) return lua_yield(L, 0);
  return 0;
}

// connected(address) -> boolean
int l_connected(lua_State* L) {
  const AgentService& agent = agent_argument(L, 1);
  lua_pushboolean(L, agent.session() != nullptr && agent.session()->connected());
  return 1;
}

// peer(address) -> "ip:port" of the client, or ""
int l_peer(lua_State* L) {
  const AgentService& agent = agent_argument(L, 1);
  bool pushed = false;
  {
    const std::string peer = agent.session() == nullptr ? "" : agent.session()->peer();
    pushed = script::push_owned(L, peer);
  }
  return pushed ? 1 : lua_error(L);
}

// Sends the result of a job of the store to the waiting agent: true, or false, code, and whether
// it is certain that nothing was done.
void answer_job(actor::System& system, ServiceId agent, std::int32_t session,
                const Result<>& result) {
  script::PackBuffer values;
  script::pack_boolean(values, result.has_value());
  if (!result) {
    script::pack_string(values, name(result.error().code));
    script::pack_boolean(values, store::nothing_done(result.error().code));
  }
  script::answer(system, agent, session, values.take());
}

// Replaces the two values of a refusal on top (code, nothing done) by code and what is to come.
int push_refusal(lua_State* L, const char* outcome) {
  lua_pop(L, 1);
  lua_pushstring(L, outcome);
  return 3;
}

// The context: the save's number times two, plus one when it brings the reply of its request.
int save_done(lua_State* L, int, lua_KContext context) {
  using Outcome = AgentService::SaveOutcome;
  AgentService& agent = current_agent(L);
  agent.continue_hook();
  auto& request = script::Vm::of(L).scheduler().running()->tag_as<Request>();
  const auto version = static_cast<std::uint64_t>(context) / 2;
  const bool commits = context % 2 != 0;
  const actor::Message& answer = *script::Vm::of(L).scheduler().incoming();
  const int count = script::unpack(L, answer);
  if (lua_toboolean(L, -count)) {
    agent.end_save(version, Outcome::kDone);
    if (commits) agent.end_commit(request, true);
    return count;
  }
  const bool nothing = lua_toboolean(L, -1) != 0;
  agent.store_refused(version, script::check_view(L, -2));
  agent.end_save(version, nothing ? Outcome::kNothingDone : Outcome::kUnknown);
  // A full queue is empty again soon.
  const bool full = std::string_view(lua_tostring(L, -2)) == name(Errc::kFull);
  if (!nothing || full || agent.saves_running() > 0) return push_refusal(L, "again");
  if (!agent.nothing_saved_since(commits ? request.commit_save : version))
    return push_refusal(L, "lost");
  if (commits) agent.end_commit(request, false);
  return push_refusal(L, "never");
}

// Hands a save to the store; the answer comes as the reply to `session`.
void submit_save(AgentService& agent, std::int32_t session,
                 std::shared_ptr<const PendingSave> save) {
  actor::System& system = agent.runtime().system;
  const auto submitted = agent.host().manager().store().submit(
      store::Store::Owner::account(agent.uid()),
      [&system, id = agent.id(), session, account = agent.account(), fence = agent.fence(),
       server = agent.server(), save = std::move(save)](store::Driver& driver) {
        auto saved =
            driver.save_player(account, server, fence, save->version, save->data, save->replies);
        if (!saved && saved.error().code == Errc::kFenced)
          save->rewound = driver.rewound(account, server, fence).value_or(false);
        return [&system, id, session, save, saved = std::move(saved)](const Result<>& durable) {
          if (const Result<>& end = saved ? durable : saved; !end) save->why = end.error().message;
          answer_job(system, id, session, saved ? durable : saved);
        };
      });
  if (!submitted) answer_job(system, agent.id(), session, submitted);
}

// pcall body: (value). Encodes it into the VM's buffer.
int encode_value(lua_State* L) {
  encode_player_data(L, script::Vm::of(L).pack_buffer());
  return 0;
}

// Tells operators why the value cannot be stored, and raises that. The text is on top.
int refuse_value(lua_State* L, AgentService& agent) {
  std::size_t size = 0;
  const char* text = lua_tolstring(L, -1, &size);
  agent.save_failed(text == nullptr ? std::string_view("it cannot be encoded")
                                    : std::string_view(text, size));
  return lua_error(L);
}

// save(value[, reply]) -> true, or false, a code ("fenced", "unavailable", "full" ...) and what
// that means: "never", nothing was written, nor will be; "again", it is not known whether anything
// was, or there was no room: try again; "lost", it is not known, and trying again is of no use.
// Yields. What the store has already is not written again. With a reply, that of the running
// request, both are durable together.
int l_save(lua_State* L) {
  auto& request = script::current_task(L, "agent.save").tag_as<Request>();
  AgentService& agent = current_agent(L);
  luaL_checkany(L, 1);
  lua_settop(L, 2);
  const bool commits = !lua_isnil(L, 2);
  if (commits) {
    luaL_checkstring(L, 2);
    if (!request.asked) return luaL_error(L, "a reply is saved by its request only");
  }
  if (agent.rolling_back()) {
    lua_pushboolean(L, 0);
    lua_pushliteral(L, "busy");
    lua_pushliteral(L, "again");
    return 3;
  }
  lua_insert(L, 1);
  lua_pushcfunction(L, encode_value);
  lua_pushvalue(L, 2);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
    static_cast<void>(push_unsavable(L, 2));  // above Lua's own words, which know no place
    return refuse_value(L, agent);
  }
  const script::PackBuffer& buffer = script::Vm::of(L).pack_buffer();
  const std::string_view data(buffer.data(), buffer.size());
  const std::size_t hash = std::hash<std::string_view>{}(data) | 1;
  const bool committable = commits && agent.committable(request);
  if (hash == agent.saved_hash() && !committable) {
    agent.save_succeeded();
    if (commits) agent.end_commit(request, true);
    lua_pushboolean(L, 1);
    return 1;
  }
  script::Scheduler& scheduler = script::Vm::of(L).scheduler();
  const std::int32_t session = scheduler.new_session(agent);
  const std::uint64_t version = agent.begin_save(hash);
  if (commits && request.commit_save == 0) request.commit_save = version;
  if (committable) agent.add_committed(request, script::check_view(L, 1));
  submit_save(agent, session, agent.keep_save(data));
  agent.pause_hook();
  scheduler.await_reply(session, agent.id());
  return lua_yieldk(L, 0, static_cast<lua_KContext>(version * 2 + (commits ? 1 : 0)), save_done);
}

int load_done(lua_State* L, int, lua_KContext) {
  AgentService& agent = current_agent(L);
  agent.continue_hook();
  const actor::Message& answer = *script::Vm::of(L).scheduler().incoming();
  const int count = script::unpack(L, answer);
  if (!lua_toboolean(L, -count)) {
    const bool nothing = lua_toboolean(L, -1) != 0;
    const bool full = std::string_view(lua_tostring(L, -2)) == name(Errc::kFull);
    return push_refusal(L, nothing && !full ? "never" : "again");
  }
  // The agent keeps it while Lua may raise.
  const store::PlayerData& loaded = *agent.loading();
  if (loaded.has_data) {
    push_player_data(L, loaded.data);
  } else {
    lua_pushnil(L);
  }
  agent.forget_loading();
  return 2;
}

// load() -> true and what the store has, or false, code and "never" or "again". Yields.
int l_load(lua_State* L) {
  static_cast<void>(script::current_task(L, "agent.load"));
  AgentService& agent = current_agent(L);
  script::Scheduler& scheduler = script::Vm::of(L).scheduler();
  const std::int32_t session = scheduler.new_session(agent);
  {
    const auto loading = std::make_shared<Result<store::PlayerData>>();
    agent.set_loading(loading);
    actor::System& system = agent.runtime().system;
    const auto submitted = agent.host().manager().store().submit(
        store::Store::Owner::account(agent.uid()),
        [&system, loading, id = agent.id(), session, account = agent.account(),
         fence = agent.fence(), server = agent.server()](store::Driver& driver) {
          *loading = driver.read_player(account, server, fence);
          return [&system, loading, id, session](const Result<>& durable) {
            const Result<> read = *loading ? durable : tl::unexpected(loading->error());
            answer_job(system, id, session, read);
          };
        });
    if (!submitted) answer_job(system, agent.id(), session, submitted);
  }
  agent.pause_hook();
  scheduler.await_reply(session, agent.id());
  return lua_yieldk(L, 0, 0, load_done);
}

// undecided() -> whether it is not known what became of the running request's commit
int l_undecided(lua_State* L) {
  lua_pushboolean(L, script::current_task(L, "agent.undecided").tag_as<Request>().commit_save != 0);
  return 1;
}

// at_work() -> requests that run now, saves that run now
int l_at_work(lua_State* L) {
  const AgentService& agent = current_agent(L);
  lua_pushinteger(L, agent.requests_running());
  lua_pushinteger(L, agent.saves_running());
  return 2;
}

// why() -> the store's words about the last save that it did not take
int l_why(lua_State* L) {
  script::push_view(L, current_agent(L).refusal());
  return 1;
}

// limit() -> milliseconds: the running task calls save(), for which it has so long.
int l_limit(lua_State* L) {
  script::current_task(L, "agent.limit");
  lua_pushinteger(L, current_agent(L).limit_save());
  return 1;
}

// receiving(): the running task calls receive() for another player.
int l_receiving(lua_State* L) {
  script::current_task(L, "agent.receiving");
  current_agent(L).limit_receive();
  return 0;
}

// pause(): the running task waits for a better moment; no deadline until the next limit().
int l_pause(lua_State* L) {
  script::current_task(L, "agent.pause");
  current_agent(L).pause_hook();
  return 0;
}

// failed(why): save() raised, or the store refuses the data for good. succeeded(): there is
// nothing to save.
int l_failed(lua_State* L) {
  AgentService& agent = current_agent(L);
  agent.save_failed(script::check_view(L, 1));
  return 0;
}

int l_succeeded(lua_State* L) {
  current_agent(L).save_succeeded();
  return 0;
}

// commit(): the running request's reply leaves once data and reply are durable.
int l_commit(lua_State* L) {
  script::Task* task = script::Vm::of(L).scheduler().running();
  if (task == nullptr || !task->tag_as<Request>().asked)
    return luaL_error(L, "commit belongs into a request");
  current_agent(L).begin_commit(task->tag_as<Request>());
  return 0;
}

// players() -> addresses of the agents in this VM that are ready
int l_players(lua_State* L) {
  AgentHost& host = current_host(L);
  lua_newtable(L);
  lua_Integer n = 0;
  for (script::LuaService* service : host.vm().light_services()) {
    const auto* agent = static_cast<AgentService*>(service);
    if (agent->self() == LUA_NOREF) continue;
    lua_pushinteger(L, agent->id().value);
    lua_rawseti(L, -2, ++n);
  }
  return 1;
}

// run(address, f) -> true: f(self), a save, runs as a task of that agent of this VM, after this
// message; nothing while the one before runs, or the agent leaves.
int l_run(lua_State* L) {
  AgentHost& host = current_host(L);
  const ServiceId id = script::to_address(L, 1);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_settop(L, 2);
  for (script::LuaService* service : host.vm().light_services()) {
    auto* agent = static_cast<AgentService*>(service);
    if (agent->id() != id) continue;
    if (!agent->run_periodic_save(L)) return 0;
    lua_pushboolean(L, 1);
    return 1;
  }
  return 0;
}

// self() -> the `self` of the running agent, or nil before it is ready
int l_self(lua_State* L) {
  const int self = current_agent(L).self();
  if (self == LUA_NOREF) return 0;
  lua_rawgeti(L, LUA_REGISTRYINDEX, self);
  return 1;
}

}  // namespace

int open_agent(lua_State* L) {
  static const luaL_Reg functions[] = {
      {"serve", script::bind<l_serve>},
      {"settings", script::bind<l_settings>},
      {"ready", script::bind<l_ready>},
      {"push", script::bind<l_push>},
      {"kick", script::bind<l_kick>},
      {"abandon", script::bind<l_abandon>},
      {"connected", script::bind<l_connected>},
      {"peer", script::bind<l_peer>},
      {"save", script::bind<l_save>},
      {"why", script::bind<l_why>},
      {"limit", script::bind<l_limit>},
      {"pause", script::bind<l_pause>},
      {"failed", script::bind<l_failed>},
      {"succeeded", script::bind<l_succeeded>},
      {"receiving", script::bind<l_receiving>},
      {"commit", script::bind<l_commit>},
      {"players", script::bind<l_players>},
      {"run", script::bind<l_run>},
      {"self", script::bind<l_self>},
      {"load", script::bind<l_load>},
      {"undecided", script::bind<l_undecided>},
      {"at_work", script::bind<l_at_work>},
      {nullptr, nullptr},
  };
  luaL_newlib(L, functions);
  return 1;
}

}  // namespace gatehouse::game
