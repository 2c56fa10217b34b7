// Configurations under test, loaded with the project's root as the current folder.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "temp_folder.hpp"

namespace gatehouse::config {

class ConfigFixture : public testing::Test {
 protected:
  void SetUp() override {
    before_ = std::filesystem::current_path();
    std::filesystem::current_path(GATEHOUSE_SOURCE_DIR);
  }
  void TearDown() override { std::filesystem::current_path(before_); }

  // The smallest configuration that runs both roles.
  static nlohmann::json smallest() {
    return nlohmann::json::parse(R"({
      "login": {"listen": [{"address": "127.0.0.1:0", "suites": ["plain"]}]},
      "gate": {"gates": [{"server": "sample", "listen": "127.0.0.1:0"}]}
    })");
  }
  Result<Config> load_text(const std::string& text, const std::vector<std::string>& settings = {}) {
    const std::string file = folder_ / "config.json";
    test::write_file(file, text);
    // It may hold secrets.
    std::filesystem::permissions(
        file, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    return load_config(file, settings);
  }
  Result<Config> load(const nlohmann::json& root, const std::vector<std::string>& settings = {}) {
    return load_text(root.dump(), settings);
  }
  // smallest() with the value at a JSON pointer.
  Result<Config> load_with(const std::string& pointer, const nlohmann::json& value) {
    nlohmann::json root = smallest();
    root[nlohmann::json::json_pointer(pointer)] = value;
    return load(root);
  }
  Result<Config> load_set(const std::vector<std::string>& settings) {
    return load(smallest(), settings);
  }
  // The lines of the error; empty when there is none.
  static std::string error_of(const Result<Config>& result) {
    if (result) return "";
    EXPECT_EQ(result.error().code, Errc::kInvalid);
    return result.error().message;
  }

  test::TempFolder folder_;

 private:
  std::filesystem::path before_;
};

}  // namespace gatehouse::config
