#include "config/file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/file_text.hpp"
#include "base/file_trust.hpp"
#include "config/paths.hpp"
#include "config/strict_json.hpp"

namespace gatehouse::config {
namespace {

using nlohmann::json;

// The keys whose values are secrets, as JSON pointers (RFC 6901).
constexpr std::array kSecretKeys = {"/store/mysql/password", "/auth/tickets/keys",
                                    "/auth/totp/keys", "/console/password"};

bool holds_secret(const json& root) {
  return std::ranges::any_of(kSecretKeys, [&root](const char* key) {
    const json::json_pointer at(key);
    if (!root.contains(at)) return false;
    const json& value = root.at(at);
    return value.is_string() ? !value.get_ref<const std::string&>().empty() : !value.empty();
  });
}

tl::unexpected<Error> in_file(const std::string& file, const Error& error) {
  return fail(Errc::kInvalid, file + ": " + error.message);
}

Result<json> read_object(const std::string& file) {
  const auto trusted = check_trusted(file);
  const auto read = trusted ? read_file(file, kConfigBytesMax, Pipes::kRead)
                            : tl::unexpected<Error>(trusted.error());
  if (!read) {
    const Errc code = read.error().code;
    const bool unreadable = code == Errc::kNotFound || code == Errc::kIo;
    return fail(unreadable ? Errc::kIo : Errc::kInvalid, read.error().message);
  }
  auto root = parse_strictly(read->text);
  if (!root) return in_file(file, root.error());
  if (!root->is_object()) return fail(Errc::kInvalid, file + ": must be a JSON object");
  if (!read->readers.empty() && holds_secret(*root)) {
    return fail(Errc::kInvalid,
                fmt::format("{}: holds secrets, and {}: chmod 600, or root's with the service's "
                            "group and chmod 640",
                            file, read->readers));
  }
  return root;
}

Result<> apply(json& root, const std::string& setting) {
  const auto refuse = [&setting](std::string_view why) {
    return fail(Errc::kInvalid, fmt::format("--set {}: {}", setting, why));
  };
  const std::size_t equals = setting.find('=');
  if (equals == std::string::npos || equals == 0) return refuse("must be a.b=value");
  const std::string text = setting.substr(equals + 1);
  auto value = parse_strictly(text);
  // What is JSON by a more lenient reading is not meant as text.
  if (!value && json::accept(text)) return refuse(value.error().message);
  json* at = &root;
  std::string path = setting.substr(0, equals);
  for (std::size_t dot; (dot = path.find('.')) != std::string::npos; path = path.substr(dot + 1)) {
    at = &(*at)[path.substr(0, dot)];
    if (!at->is_object() && !at->is_null()) return refuse(path + " is inside no object");
  }
  (*at)[path] = value ? std::move(*value) : json(text);
  return {};
}

}  // namespace

Result<json> read_config_file(const std::string& file, const std::vector<std::string>& settings,
                              const std::string& program_root) {
  auto root = read_object(file);
  if (!root) return root;
  anchor_paths(*root, folder_of(file), program_root);
  for (const std::string& setting : settings) {
    if (auto applied = apply(*root, setting); !applied)
      return tl::unexpected<Error>(applied.error());
  }
  anchor_code(*root, "", program_root);
  return root;
}

}  // namespace gatehouse::config
