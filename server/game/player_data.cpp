#include "game/player_data.hpp"

#include <cstring>

namespace gatehouse::game {
namespace {
constexpr char kString = 'S';
constexpr char kPacked = 'P';
}  // namespace

void push_player_data(lua_State* L, std::string_view stored) {
  if (stored.empty()) luaL_error(L, "player data is empty");
  const std::string_view body = stored.substr(1);
  if (stored.front() == kString) {
    lua_pushlstring(L, body.data(), body.size());
  } else if (stored.front() != kPacked || script::unpack(L, body) != 1) {
    luaL_error(L, "player data has an unknown format");
  }
}

void encode_player_data(lua_State* L, script::PackBuffer& buffer) {
  if (lua_type(L, -1) == LUA_TSTRING) {
    std::size_t size = 0;
    const char* text = lua_tolstring(L, -1, &size);
    buffer.reset();
    char* out = buffer.extend(1 + size);
    *out = kString;
    std::memcpy(out + 1, text, size);
    return;
  }
  buffer.reset();
  buffer.durable = true;
  *buffer.extend(1) = kPacked;
  pack_more(L, lua_gettop(L), buffer);
}

}  // namespace gatehouse::game
