// How an actor module's data is stored: one tag byte, then a string as it is, or any other
// value in skynet's serialisation (codec.hpp), which keeps integer keys and nesting.
#pragma once

#include <lua.hpp>
#include <string_view>

#include "script/codec.hpp"

namespace gatehouse::game {

// Pushes the value of stored data; raises for data that no version of this function wrote.
void push_player_data(lua_State* L, std::string_view stored);

// Encodes the value on top of the stack into `buffer`; raises for what cannot be stored.
void encode_player_data(lua_State* L, script::PackBuffer& buffer);

}  // namespace gatehouse::game
