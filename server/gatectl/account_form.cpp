#include "gatectl/account_form.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/printable.hpp"
#include "gatectl/csv.hpp"
#include "gatectl/output.hpp"

namespace gatehouse::gatectl {
namespace {

using nlohmann::json;
using store::Account;

std::string status_text(const Account& account, std::int64_t now_s) {
  if (account.status != store::AccountStatus::kBanned) return std::string(name(account.status));
  if (account.banned_until_s == 0) return "banned for ever";
  const bool over = !banned_at(account, now_s);
  return (over ? "active, was banned until " : "banned until ") + time_text(account.banned_until_s);
}

}  // namespace

json account_json(const Account& account, HashForm hash, std::int64_t now_s) {
  json form = {{"id", account.id.value},
               {"name", account.name},
               {"status", name(account.status)},
               {"banned", banned_at(account, now_s)},
               {"banned_until", account.banned_until_s},
               {"ban_reason", account.ban_reason},
               {"ban_note", account.ban_note},
               {"staff", account.staff},
               {"second_factor", !account.totp_secret.empty()},
               {"ticket_generation", account.ticket_generation},
               {"session_epoch", account.session_epoch},
               {"session_gate", account.session_gate},
               {"session_server", account.session_server},
               {"session_subid", account.session_subid},
               {"created_at", account.created_at_s},
               {"last_login_at", account.last_login_at_s},
               {"last_login_addr", account.last_login_addr}};
  if (hash == HashForm::kShown) {
    form["hash"] = account.password_hash;
    form["totp"] = account.totp_secret;
  }
  return form;
}

std::string account_text(const Account& account, HashForm hash, std::int64_t now_s) {
  std::string text;
  const auto line = [&text](std::string_view key, const std::string& value) {
    text += fmt::format("{}{:<14} {}", text.empty() ? "" : "\n", key, printable(value));
  };
  line("name", account.name);
  line("id", std::to_string(account.id.value));
  line("status", status_text(account, now_s));
  if (!account.ban_reason.empty()) line("ban reason", account.ban_reason);
  if (!account.ban_note.empty()) line("ban note", account.ban_note);
  line("staff", account.staff ? "yes" : "no");
  line("second factor", account.totp_secret.empty() ? "no" : "yes");
  line("tickets", fmt::format("generation {}", account.ticket_generation));
  line("created", time_text(account.created_at_s));
  line("last login", account.last_login_at_s == 0
                         ? "never"
                         : time_text(account.last_login_at_s) + " from " + account.last_login_addr);
  line("session", account.session_gate.empty()
                      ? "none"
                      : account.session_server + " at " + account.session_gate + ", subid " +
                            account.session_subid);
  if (hash == HashForm::kShown) line("hash", account.password_hash);
  return text;
}

json bans_json(const std::vector<store::BanRecord>& bans) {
  json list = json::array();
  for (const store::BanRecord& ban : bans) {
    list.push_back({{"at", ban.at_s},
                    {"until", ban.until_s},
                    {"reason", ban.reason},
                    {"note", ban.note},
                    {"lifted_at", ban.lifted_at_s}});
  }
  return list;
}

std::string bans_text(const std::vector<store::BanRecord>& bans) {
  std::string text;
  for (const store::BanRecord& ban : bans) {
    std::string words = ban.at_s == 0 ? "by hand" : time_text(ban.at_s);
    words += ban.until_s == 0 ? " for ever" : " until " + time_text(ban.until_s);
    if (ban.lifted_at_s != 0) words += ", lifted " + time_text(ban.lifted_at_s);
    if (!ban.reason.empty()) words += "; reason: " + ban.reason;
    if (!ban.note.empty()) words += "; note: " + ban.note;
    text += fmt::format("\n{:<14} {}", "ban", printable(words));
  }
  return text;
}

std::string account_line(const Account& account, std::int64_t now_s) {
  return fmt::format(
      "{}\t{}\tlast login {}\t{}", printable(account.name), status_text(account, now_s),
      time_text(account.last_login_at_s),
      account.session_gate.empty() ? "offline" : "session on " + printable(account.session_server));
}

std::string_view account_csv_header(HashForm hash) {
  return hash == HashForm::kShown
             ? "name,hash,status,banned_until,ban_reason,ban_note,staff,totp,created_at,"
               "last_login_at\n"
             : "name,status,banned_until,ban_reason,ban_note,staff,created_at,last_login_at\n";
}

std::string account_csv(const Account& account, HashForm hash) {
  const bool shown = hash == HashForm::kShown;
  std::string row = csv_field(account.name) + ",";
  if (shown) row += csv_field(account.password_hash) + ",";
  row += fmt::format("{},{},{},{},{},", name(account.status), account.banned_until_s,
                     csv_field(account.ban_reason), csv_field(account.ban_note),
                     account.staff ? 1 : 0);
  if (shown) row += csv_field(account.totp_secret) + ",";
  row += fmt::format("{},{}\n", account.created_at_s, account.last_login_at_s);
  return row;
}

}  // namespace gatehouse::gatectl
