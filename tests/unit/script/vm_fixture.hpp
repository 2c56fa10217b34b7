// A Lua VM without a worker, with Lua's own library.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

#include "actor/system.hpp"
#include "base/metrics.hpp"
#include "script/runtime.hpp"
#include "script/vm.hpp"
#include "test_world.hpp"

namespace gatehouse::script {

class VmTest : public ::testing::Test {
 protected:
  VmTest() {
    runtime_.openers.push_back(luaL_openlibs);
    vm_ = make_vm();
  }

  std::shared_ptr<Vm> make_vm() {
    auto vm = Vm::create(runtime_, 0, runtime_.code.current());
    EXPECT_TRUE(vm.has_value());
    return *vm;
  }

  // Pushes what "return <expressions>" returns. In a protected call.
  static void evaluate(lua_State* L, const char* expressions) {
    lua_pushfstring(L, "return %s", expressions);
    if (luaL_loadstring(L, lua_tostring(L, -1)) != LUA_OK) lua_error(L);
    lua_remove(L, -2);
    lua_call(L, 0, LUA_MULTRET);
  }

  MetricSet metrics_;
  actor::System system_{test_world(), actor::SystemOptions{}, metrics_};
  Runtime runtime_{system_};
  std::shared_ptr<Vm> vm_;
};

}  // namespace gatehouse::script
