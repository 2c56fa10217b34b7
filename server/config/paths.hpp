// Paths in a configuration file: a relative one starts at the file's folder, whatever the current
// folder of who reads it is. One of --set starts at the current folder, where it was typed.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "config/reader.hpp"

namespace gatehouse::config {

// `path` as seen from `folder`, unless it is absolute or empty; "unix:PATH" likewise.
[[nodiscard]] std::string path_in(const std::string& folder, std::string_view path);
// The folder of a configuration file.
[[nodiscard]] std::string folder_of(const std::string& file);

// Makes the relative paths of a configuration start at `folder`. Lua files of the game
// (agent.module, login.policy) that are not there are looked for in `program_root`, which has
// those that came with the program. What is no text is left for the checks of its key.
void anchor_paths(nlohmann::json& root, const std::string& folder, const std::string& program_root);
// Only the latter, for paths of the current folder.
void anchor_code(nlohmann::json& root, const std::string& folder, const std::string& program_root);

[[nodiscard]] bool is_file(const std::string& path);
// Refuses a key whose file's content is obeyed, if it is not there or others may write it.
void check_file(ConfigReader& reader, const char* key, const std::string& path);

}  // namespace gatehouse::config
