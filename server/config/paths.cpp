#include "config/paths.hpp"

#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>

#include "base/file_trust.hpp"

namespace gatehouse::config {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// As JSON pointers (RFC 6901).
constexpr std::array kPathKeys = {"/login/identity_key_file", "/agent/rescue_folder",
                                  "/store/sqlite/path",       "/store/mysql/socket",
                                  "/store/mysql/tls/ca",      "/store/mysql/tls/cert",
                                  "/store/mysql/tls/key",     "/log/file"};
constexpr std::array kCodeKeys = {"/agent/module", "/login/policy"};
constexpr const char* kConsoleKey = "/console/listen";
constexpr std::string_view kUnix = "unix:";

std::string* text_at(json& root, const char* key) {
  const json::json_pointer at(key);
  if (!root.contains(at)) return nullptr;
  json& value = root.at(at);
  return value.is_string() ? value.get_ptr<std::string*>() : nullptr;
}

bool exists(const std::string& path) {
  std::error_code error;
  return fs::exists(path, error);
}

}  // namespace

std::string path_in(const std::string& folder, std::string_view path) {
  if (path.starts_with(kUnix))
    return std::string(kUnix) + path_in(folder, path.substr(kUnix.size()));
  if (path.empty() || path.starts_with('/') || folder.empty()) return std::string(path);
  return (fs::path(folder) / path).lexically_normal().string();
}

std::string folder_of(const std::string& file) {
  return fs::path(file).parent_path().string();
}

void anchor_code(json& root, const std::string& folder, const std::string& program_root) {
  for (const char* key : kCodeKeys) {
    std::string* const path = text_at(root, key);
    // Of agent.module the rest are names of modules.
    if (path == nullptr || !path->ends_with(".lua")) continue;
    const std::string beside = path_in(folder, *path);
    const std::string own = path_in(program_root, *path);
    *path = !exists(beside) && exists(own) ? own : beside;
  }
}

void anchor_paths(json& root, const std::string& folder, const std::string& program_root) {
  for (const char* key : kPathKeys) {
    if (std::string* const path = text_at(root, key)) *path = path_in(folder, *path);
  }
  const json::json_pointer certificates("/tls/certificates");
  if (root.contains(certificates) && root.at(certificates).is_array()) {
    for (json& entry : root.at(certificates)) {
      for (const char* key : {"/certificate_file", "/key_file"}) {
        if (!entry.is_object()) continue;
        if (std::string* const path = text_at(entry, key)) *path = path_in(folder, *path);
      }
    }
  }
  std::string* const console = text_at(root, kConsoleKey);
  if (console != nullptr && console->starts_with(kUnix)) *console = path_in(folder, *console);
  anchor_code(root, folder, program_root);
}

bool is_file(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_regular_file(path, error);
}

void check_file(ConfigReader& reader, const char* key, const std::string& path) {
  if (!is_file(path)) return reader.reject(key, path + " does not exist");
  if (auto trusted = check_trusted(path); !trusted) reader.reject(key, trusted.error().message);
}

}  // namespace gatehouse::config
