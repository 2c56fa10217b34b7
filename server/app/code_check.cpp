#include "app/code_check.hpp"

#include <algorithm>
#include <string>

#include "script/code.hpp"
#include "skynet/boot.hpp"

namespace gatehouse::app {
namespace {

Result<> check_module_code(const std::string& module, const std::string& patterns) {
  if (module.ends_with(".lua")) return script::check_code(module, patterns);
  std::string name = module;
  std::replace(name.begin(), name.end(), '.', '/');
  const script::Code::Found file = script::Code().find(patterns, name);
  if (file.path.empty()) return fail(Errc::kInvalid, "no module " + module + ":\n\t" + file.tried);
  return script::check_code(file.path, patterns);
}

}  // namespace

Result<> check_game_code(const config::Config& config) {
  const std::string patterns = skynet::module_patterns(config.program_root + "/lua");
  std::string errors;
  const auto note = [&errors](const char* key, const Result<>& checked) {
    if (!checked) errors += (errors.empty() ? "" : "\n") + (key + (": " + checked.error().message));
  };
  note("agent.module", check_module_code(config.agent.module, patterns));
  if (config.login_role && !config.login_policy.empty())
    note("login.policy", script::check_code(config.login_policy, patterns));
  if (errors.empty()) return {};
  return fail(Errc::kInvalid, errors);
}

}  // namespace gatehouse::app
