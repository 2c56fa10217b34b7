// A skynet configuration file: a Lua chunk whose globals are the settings; `$NAME` in a value
// is the environment, include "file" reads another one (docs/skynet-rules.md 2.17, 7.1).
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/result.hpp"
#include "script/runtime.hpp"

namespace gatehouse::skynet {

struct SkynetConfig {
  std::uint16_t workers = 8;  // `thread`
  std::map<std::string, std::string> values;

  // A value, empty when it is not there.
  [[nodiscard]] std::string value(const std::string& key) const {
    const auto it = values.find(key);
    return it == values.end() ? std::string() : it->second;
  }
};

// kInvalid with the Lua error, or with the key whose value is neither string, number nor boolean.
[[nodiscard]] Result<SkynetConfig> load_skynet_config(const std::string& file);

// Puts the values into the environment and the search paths behind the built-in ones.
void apply_skynet_config(const SkynetConfig& config, script::Runtime& runtime);

}  // namespace gatehouse::skynet
