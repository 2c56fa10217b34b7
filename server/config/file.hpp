// The text of a configuration: a file, and what the command line changes of it.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace gatehouse::config {

inline constexpr std::size_t kConfigBytesMax = 1u << 20;

// The file's object, changed by the settings "a.b=value" in order: the value is JSON where it
// parses as JSON, else a string. Relative paths of the file become those of its folder,
// `program_root` has the program's own Lua (config/paths.hpp). kInvalid with one line for
// each error: the file is no JSON object (config/strict_json.hpp), others may write it, or others
// may read it and it holds a secret (base/file_trust.hpp). kIo: it cannot be read.
[[nodiscard]] Result<nlohmann::json> read_config_file(const std::string& file,
                                                      const std::vector<std::string>& settings,
                                                      const std::string& program_root);

}  // namespace gatehouse::config
