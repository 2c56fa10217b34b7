// Lua's patterns over a stranger's text: our matcher, which can be interrupted, says what the stock
// library says.
#include "lua_target.hpp"

namespace gatehouse::stdlib {

FUZZ_TARGET(patterns) {
  static const std::string opened = fuzz::raised_by([](lua_State* L) {
    lua_pushcfunction(L, luaopen_string);
    lua_call(L, 0, 1);
    lua_setglobal(L, "stock");
  });
  GATEHOUSE_ASSERT(opened.empty());
  fuzz::run_lua_target("patterns", input);
}

}  // namespace gatehouse::stdlib
