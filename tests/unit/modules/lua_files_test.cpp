// Runs every service tests/lua/test_*.lua. A test ends by calling testing.finish() (see
// tests/lua/testing.lua), which reports its failures and aborts the system.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "script_system.hpp"

namespace gatehouse::modules {
namespace {

std::vector<std::string> lua_tests() {
  std::vector<std::string> names;
  const std::filesystem::path folder = GATEHOUSE_SOURCE_DIR "/tests/lua";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().stem().string();
    if (entry.path().extension() == ".lua" && name.starts_with("test_")) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

class LuaFile : public testing::TestWithParam<std::string> {};

TEST_P(LuaFile, Passes) {
  test::ScriptSystem script;
  ASSERT_TRUE(script.run(GetParam())) << "no end after 60 s";
  EXPECT_EQ(script.env("test_failures"), "");
  EXPECT_NE(script.env("test_checks"), "");
  EXPECT_NE(script.env("test_checks"), "0");
}

INSTANTIATE_TEST_SUITE_P(Tests, LuaFile, testing::ValuesIn(lua_tests()),
                         [](const auto& param_info) { return param_info.param; });

}  // namespace
}  // namespace gatehouse::modules
