// network list: what the tables address_ban and address_allow say, and which of their rows nobody
// can read.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>

#include "base/printable.hpp"
#include "config/network_rows.hpp"
#include "gatectl/command.hpp"
#include "gatectl/store.hpp"

namespace gatehouse::gatectl {
namespace {

using nlohmann::json;

// "  (why it has no effect)" of the row that was added last, if it has none.
std::string effect(const config::NetworkRows& rows, std::size_t bad_before, json& row) {
  const bool bad = rows.bad.size() > bad_before;
  row["effect"] = !bad;
  if (!bad) return {};
  row["why"] = rows.bad.back().why;
  return "  NO EFFECT: " + rows.bad.back().why;
}

}  // namespace

Result<> network_list(const config::Config& config, const Arguments& arguments, Output& output) {
  const auto driver = open_store(arguments.world, config);
  if (!driver) return tl::unexpected<Error>(driver.error());
  const auto bans = (*driver)->list_address_bans(arguments.world.clock.wall_s());
  if (!bans) return tl::unexpected<Error>(bans.error());
  const auto allows = (*driver)->list_address_allows();
  if (!allows) return tl::unexpected<Error>(allows.error());
  config::NetworkRows rows;
  std::string text;
  json listed_bans = json::array(), listed_allows = json::array();
  const auto line = [&text](std::string_view kind, const std::string& network,
                            const std::string& more) {
    text += fmt::format("{}{:<6} {}{}", text.empty() ? "" : "\n", kind, printable(network), more);
  };
  for (const store::AddressBan& ban : *bans) {
    const std::size_t before = rows.bad.size();
    rows.ban(ban);
    json row = {{"network", ban.network}, {"reason", ban.reason}};
    if (ban.until_s != 0) row["until"] = ban.until_s;
    std::string more = ban.until_s == 0 ? "" : "  until " + std::to_string(ban.until_s);
    if (!ban.reason.empty()) more += "  " + printable(ban.reason);
    line("ban", ban.network, more + effect(rows, before, row));
    listed_bans.push_back(std::move(row));
  }
  for (const store::AddressAllow& allow : *allows) {
    const std::size_t before = rows.bad.size();
    rows.allow(allow);
    json row = {{"network", allow.network}, {"note", allow.note}};
    const std::string more = allow.note.empty() ? "" : "  " + printable(allow.note);
    line("allow", allow.network, more + effect(rows, before, row));
    listed_allows.push_back(std::move(row));
  }
  output.say(text, {{"bans", std::move(listed_bans)}, {"allows", std::move(listed_allows)}});
  if (rows.bad.empty()) return {};
  return fail(Errc::kCorrupt, "rows without effect: " + std::to_string(rows.bad.size()));
}

}  // namespace gatehouse::gatectl
