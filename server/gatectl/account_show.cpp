// Commands that show accounts.
#include <nlohmann/json.hpp>
#include <string>

#include "gatectl/account_form.hpp"
#include "gatectl/command.hpp"
#include "gatectl/store.hpp"

namespace gatehouse::gatectl {

Result<> account_show(const config::Config& config, const Arguments& arguments, Output& output) {
  const auto driver = open_store(arguments.world, config);
  if (!driver) return tl::unexpected<Error>(driver.error());
  const auto account = find_account(**driver, arguments.name);
  if (!account) return tl::unexpected<Error>(account.error());
  const auto bans = (*driver)->list_bans(account->id);
  if (!bans) return tl::unexpected<Error>(bans.error());
  const HashForm hash = arguments.with_hash ? HashForm::kShown : HashForm::kHidden;
  nlohmann::json form = account_json(*account, hash, arguments.world.clock.wall_s());
  if (!bans->empty()) form["bans"] = bans_json(*bans);
  output.say(account_text(*account, hash, arguments.world.clock.wall_s()) + bans_text(*bans), form);
  return {};
}

Result<> account_list(const config::Config& config, const Arguments& arguments, Output& output) {
  const auto driver = open_store(arguments.world, config);
  if (!driver) return tl::unexpected<Error>(driver.error());
  const auto accounts = (*driver)->list_accounts(arguments.after, arguments.limit);
  if (!accounts) return tl::unexpected<Error>(accounts.error());
  if (output.json()) {
    nlohmann::json rows = nlohmann::json::array();
    for (const auto& account : *accounts)
      rows.push_back(account_json(account, HashForm::kHidden, arguments.world.clock.wall_s()));
    output.say("", rows);
    return {};
  }
  for (const auto& account : *accounts)
    output.say(account_line(account, arguments.world.clock.wall_s()), nullptr);
  if (accounts->size() == arguments.limit) output.say("(there may be more: --after NAME)", nullptr);
  return {};
}

}  // namespace gatehouse::gatectl
