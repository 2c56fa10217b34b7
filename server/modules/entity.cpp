// "entity": the EntityMgr of the process (docs/lua-api.md). Every function answers at once,
// without a message. Ids are strings; a number stands for its text.
#include "actor/system.hpp"
#include "base/user_name.hpp"
#include "modules/modules.hpp"
#include "script/bind_util.hpp"

namespace gatehouse::modules {
namespace {

std::string_view check_kind(lua_State* L, int index) {
  const std::string_view kind = script::check_view(L, index);
  luaL_argcheck(L, !kind.empty() && kind.find('\0') == std::string_view::npos, index,
                "a kind is a non-empty name");
  return kind;
}

// true, or nil, message, code
int push_outcome(lua_State* L, const Error* error) {
  if (error == nullptr) {
    lua_pushboolean(L, 1);
    return 1;
  }
  lua_pushnil(L);
  script::push_owned(L, error->message);
  script::push_owned(L, name(error->code));
  return 3;
}

int push_address(lua_State* L, ServiceId id) {
  if (id) {
    lua_pushinteger(L, id.value);
  } else {
    lua_pushnil(L);
  }
  return 1;
}

// register(kind, id[, actor]) -> true; actor: an address, the running service when left out
int l_register(lua_State* L) {
  const std::string_view kind = check_kind(L, 1), id = script::check_view(L, 2);
  const ServiceId actor =
      lua_isnoneornil(L, 3) ? script::current_service(L).id() : script::to_address(L, 3);
  actor::System& system = script::system_of(L);
  auto added = system.entities().add(kind, id, actor);
  // An actor that ended meanwhile has had its entries removed, this one perhaps not.
  if (added && !system.registry().live(actor)) {
    system.entities().remove_all(actor);
    added = fail(Errc::kNotFound, "the actor has ended");
  }
  return push_outcome(L, added ? nullptr : &added.error());
}

// unregister(kind, id) -> true
int l_unregister(lua_State* L) {
  const std::string_view kind = check_kind(L, 1), id = script::check_view(L, 2);
  const auto removed = script::system_of(L).entities().remove(kind, id);
  return push_outcome(L, removed ? nullptr : &removed.error());
}

// find(kind, id) -> address or nil
int l_find(lua_State* L) {
  const std::string_view kind = check_kind(L, 1), id = script::check_view(L, 2);
  return push_address(L, script::system_of(L).entities().find(kind, id));
}

// online(uid) -> address or nil; the uid in any spelling, as a player may type it
int l_online(lua_State* L) {
  const std::string_view uid = script::check_view(L, 1);
  ServiceId found = script::system_of(L).entities().find("player", uid);
  if (!found) {
    if (const auto normal = normalise_user_name(uid))
      found = script::system_of(L).entities().find("player", *normal);
  }
  return push_address(L, found);
}

// count(kind) -> integer
int l_count(lua_State* L) {
  const std::string_view kind = check_kind(L, 1);
  lua_pushinteger(L, static_cast<lua_Integer>(script::system_of(L).entities().count(kind)));
  return 1;
}

// Upvalues: list of id, address, id, address ...; place of the next.
int next_entity(lua_State* L) {
  const lua_Integer at = lua_tointeger(L, lua_upvalueindex(2));
  lua_pushinteger(L, at + 2);
  lua_replace(L, lua_upvalueindex(2));
  lua_rawgeti(L, lua_upvalueindex(1), at);
  lua_rawgeti(L, lua_upvalueindex(1), at + 1);
  return 2;
}

// each(kind) -> iterator of id, address over the entries of this moment
int l_each(lua_State* L) {
  const std::string_view kind = check_kind(L, 1);
  bool pushed = false;
  {
    const auto entries = script::system_of(L).entities().list(kind);
    pushed = script::push_guarded(L, [&entries](lua_State* state) {
      lua_createtable(state, static_cast<int>(2 * entries.size()), 0);
      lua_Integer at = 0;
      for (const auto& entry : entries) {
        script::push_view(state, entry.id);
        lua_rawseti(state, -2, ++at);
        lua_pushinteger(state, entry.actor.value);
        lua_rawseti(state, -2, ++at);
      }
    });
  }
  if (!pushed) return lua_error(L);
  lua_pushinteger(L, 1);
  lua_pushcclosure(L, next_entity, 2);
  return 1;
}

const luaL_Reg kEntityFunctions[] = {
    {"register", script::bind<l_register>},
    {"unregister", script::bind<l_unregister>},
    {"find", script::bind<l_find>},
    {"online", script::bind<l_online>},
    {"count", script::bind<l_count>},
    {"each", script::bind<l_each>},
    {nullptr, nullptr},
};

}  // namespace

int open_entity(lua_State* L) {
  luaL_newlib(L, kEntityFunctions);
  return 1;
}

}  // namespace gatehouse::modules
