// Why a value cannot be stored as player data (player_data.hpp), for the one who has to find it in
// the game's code.
#pragma once

#include <lua.hpp>

namespace gatehouse::game {

// Looks for what cannot be stored in the value at `index`. True: pushes where it is and what, as in
// "bag.items[3].on_use is a function". False: nothing was found, nothing is pushed.
[[nodiscard]] bool push_unsavable(lua_State* L, int index);

}  // namespace gatehouse::game
