#include "game/agent_tasks.hpp"

#include "game/agent_host.hpp"
#include "game/agent_service.hpp"
#include "game/player_data.hpp"

namespace gatehouse::game {
namespace {

AgentService& agent_of(lua_State* L) {
  return static_cast<AgentService&>(*script::Vm::of(L).scheduler().current());
}

int no_results(lua_State*, int, lua_KContext) {
  return 0;
}

void push_handler(lua_State* L, int handler) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, handler);
}

int commit_done(lua_State* L, int, lua_KContext) {
  // The handler is above the reply: committing raised nothing, so the reply may leave.
  AgentService& agent = agent_of(L);
  std::size_t size = 0;
  const char* reply = lua_tolstring(L, -1, &size);
  agent.answer(*script::Vm::of(L).scheduler().running(), true, {reply, size});
  return 0;
}

int request_done(lua_State* L, int, lua_KContext) {
  AgentService& agent = agent_of(L);
  script::Task& task = *script::Vm::of(L).scheduler().running();
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    lua_pushliteral(L, "");
  } else if (lua_type(L, -1) != LUA_TSTRING && lua_type(L, -1) != LUA_TNUMBER) {
    return luaL_error(L, "request() returns a string, got a %s", luaL_typename(L, -1));
  }
  if (!task.tag_as<Request>().commit) return commit_done(L, LUA_OK, 0);
  push_handler(L, agent.host().handlers().commit);
  push_handler(L, agent.self());
  lua_pushvalue(L, -3);
  lua_callk(L, 2, 0, 0, commit_done);
  return commit_done(L, LUA_OK, 0);
}

int rollback_done(lua_State* L, int, lua_KContext) {
  agent_of(L).rolled_back(*script::Vm::of(L).scheduler().running());
  return 0;
}

int begin_connected(lua_State* L, bool resumed) {
  AgentService& agent = agent_of(L);
  push_handler(L, agent.host().handlers().connected);
  push_handler(L, agent.self());
  lua_pushboolean(L, resumed ? 1 : 0);
  lua_callk(L, 2, 0, 0, no_results);
  return 0;
}

}  // namespace

int start_main(lua_State* L) {
  AgentService& agent = agent_of(L);
  const AgentSpec& spec = *agent.spec();
  push_handler(L, agent.host().handlers().start);
  lua_pushlstring(L, spec.grant.uid.data(), spec.grant.uid.size());
  lua_pushlstring(L, spec.grant.server.data(), spec.grant.server.size());
  if (spec.data.has_data) {
    push_player_data(L, spec.data.data);
  } else {
    lua_pushnil(L);
  }
  lua_callk(L, 3, 0, 0, no_results);
  return 0;
}

int request_main(lua_State* L) {
  AgentService& agent = agent_of(L);
  auto& request = script::Vm::of(L).scheduler().running()->tag_as<Request>();
  push_handler(L, agent.host().handlers().request);
  push_handler(L, agent.self());
  const std::string_view content = agent.starting_content(request);
  lua_pushlstring(L, content.data(), content.size());
  agent.started(request);
  lua_callk(L, 2, 1, 0, request_done);
  return request_done(L, LUA_OK, 0);
}

int rollback_main(lua_State* L) {
  AgentService& agent = agent_of(L);
  push_handler(L, agent.host().handlers().rollback);
  push_handler(L, agent.self());
  lua_callk(L, 1, 0, 0, rollback_done);
  return rollback_done(L, LUA_OK, 0);
}

int disconnected_main(lua_State* L) {
  AgentService& agent = agent_of(L);
  push_handler(L, agent.host().handlers().disconnected);
  push_handler(L, agent.self());
  lua_callk(L, 1, 0, 0, no_results);
  return 0;
}

int logout_main(lua_State* L) {
  AgentService& agent = agent_of(L);
  push_handler(L, agent.host().handlers().logout);
  push_handler(L, agent.self());
  lua_pushlstring(L, agent.logout_reason().data(), agent.logout_reason().size());
  lua_callk(L, 2, 0, 0, no_results);
  return 0;
}

int last_save_main(lua_State* L) {
  AgentService& agent = agent_of(L);
  push_handler(L, agent.host().handlers().last_save);
  push_handler(L, agent.self());
  lua_callk(L, 1, 0, 0, no_results);
  return 0;
}

int connected_main(lua_State* L) {
  return begin_connected(L, false);
}

int resumed_main(lua_State* L) {
  return begin_connected(L, true);
}

}  // namespace gatehouse::game
