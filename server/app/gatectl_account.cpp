#include "app/gatectl_account.hpp"

#include <fmt/chrono.h>

#include <charconv>
#include <ctime>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string_view>

#include "base/clock.hpp"
#include "crypto/password.hpp"

namespace gatehouse::app {
namespace {

using nlohmann::json;
using store::Account;

// One line of JSON; bytes that are not UTF-8 are replaced.
std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

// Text of the database for a terminal: no control characters.
std::string printable(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return text;
}

std::string time_text(std::int64_t unix_s) {
  if (unix_s == 0) return "never";
  const std::time_t time = unix_s;
  std::tm utc{};
  gmtime_r(&time, &utc);
  return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", utc);
}

std::string status_text(const Account& account) {
  if (account.status != store::AccountStatus::kBanned) return std::string(name(account.status));
  if (account.banned_until_s == 0) return "banned for ever";
  const bool over = !banned_at(account, wall_ms() / 1'000);
  return (over ? "active, was banned until " : "banned until ") + time_text(account.banned_until_s);
}

json to_json(const Account& account) {
  return {{"id", account.id.value},
          {"name", account.name},
          {"status", name(account.status)},
          {"banned", banned_at(account, wall_ms() / 1'000)},
          {"banned_until", account.banned_until_s},
          {"ban_reason", account.ban_reason},
          {"session_epoch", account.session_epoch},
          {"session_gate", account.session_gate},
          {"session_server", account.session_server},
          {"session_subid", account.session_subid},
          {"created_at", account.created_at_s},
          {"last_login_at", account.last_login_at_s},
          {"last_login_addr", account.last_login_addr}};
}

void print(const Account& account, std::ostream& out) {
  const auto line = [&out](std::string_view key, const std::string& value) {
    out << fmt::format("{:<12} {}\n", key, printable(value));
  };
  line("name", account.name);
  line("id", std::to_string(account.id.value));
  line("status", status_text(account));
  if (!account.ban_reason.empty()) line("ban reason", account.ban_reason);
  line("created", time_text(account.created_at_s));
  line("last login", account.last_login_at_s == 0
                         ? "never"
                         : time_text(account.last_login_at_s) + " from " + account.last_login_addr);
  line("session", account.session_gate.empty()
                      ? "none"
                      : account.session_server + " at " + account.session_gate + ", subid " +
                            account.session_subid);
}

// Seconds of a unit of time; 0: there is no such unit.
std::int64_t unit_s(char unit) {
  switch (unit) {
    case 's':
      return 1;
    case 'm':
      return 60;
    case 'h':
      return 3'600;
    case 'd':
      return 86'400;
    case 'w':
      return 7 * 86'400;
    default:
      return 0;
  }
}

}  // namespace

Result<std::int64_t> parse_duration_s(const std::string& text) {
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  const std::int64_t unit = error == std::errc() && rest + 1 == end ? unit_s(*rest) : 0;
  constexpr std::int64_t kYears100S = std::int64_t{36'500} * 86'400;
  if (unit == 0 || number <= 0 || number > kYears100S / unit) {
    return fail(Errc::kInvalid, text + ": must be a time such as 90s, 30m, 2h, 7d or 1w");
  }
  return number * unit;
}

Result<AccountTool> AccountTool::open(const Config& config) {
  auto driver = store::open(config.store.driver);
  if (!driver) return tl::unexpected<Error>(driver.error());
  return AccountTool(config, std::move(*driver));
}

// Keeps a wrong path from making a database, and says what an empty or older one needs.
Result<> AccountTool::check_schema() {
  const store::Options& options = config_->store.driver;
  std::error_code error;
  if (options.kind == store::Options::Kind::kSqlite &&
      !std::filesystem::exists(options.sqlite.path, error)) {
    return fail(Errc::kUnavailable, "store.sqlite.path: " + options.sqlite.path +
                                        " does not exist; `gatectl migrate` makes it");
  }
  const auto version = driver_->schema_version();
  if (!version) return tl::unexpected<Error>(version.error());
  if (*version == 0) {
    return fail(Errc::kUnavailable, "the database has no tables; `gatectl migrate` makes them");
  }
  const auto missing = driver_->missing_migrations();
  if (!missing) return tl::unexpected<Error>(missing.error());
  if (*missing > 0) {
    return fail(Errc::kUnavailable, fmt::format("the database has schema version {}, not {}; "
                                                "`gatectl migrate` brings it up to date",
                                                *version, *version + *missing));
  }
  return {};
}

Result<Account> AccountTool::find(const std::string& name) {
  if (auto checked = check_schema(); !checked) return tl::unexpected<Error>(checked.error());
  auto account = driver_->find_account(name);
  if (!account) return tl::unexpected<Error>(account.error());
  if (!*account) return fail(Errc::kNotFound, "there is no account " + name);
  return std::move(**account);
}

Result<> AccountTool::migrate(std::ostream& out) {
  const auto version = driver_->migrate();
  if (!version) return tl::unexpected<Error>(version.error());
  out << "the schema has version " << *version << "\n";
  return {};
}

Result<> AccountTool::add(const std::string& name, const Secret& password) {
  const auto version = driver_->schema_version();
  if (!version) return tl::unexpected<Error>(version.error());
  if (*version == 0) {
    if (auto migrated = driver_->migrate(); !migrated) {
      return tl::unexpected<Error>(migrated.error());
    }
  }
  const auto hash = crypto::hash_password(password, config_->login.auth.cost);
  if (!hash) return tl::unexpected<Error>(hash.error());
  const auto created = driver_->create_account(name, *hash);
  if (created) return {};
  if (created.error().code == Errc::kExists) {
    return fail(Errc::kExists, "there is an account " + name + " already");
  }
  return tl::unexpected<Error>(created.error());
}

Result<> AccountTool::set_password(const std::string& name, const Secret& password) {
  const auto account = find(name);
  if (!account) return tl::unexpected<Error>(account.error());
  const auto hash = crypto::hash_password(password, config_->login.auth.cost);
  if (!hash) return tl::unexpected<Error>(hash.error());
  return driver_->set_password_hash(account->id, *hash);
}

Result<> AccountTool::ban(const std::string& name, std::int64_t until_s,
                          const std::string& reason) {
  if (auto account = find(name); !account) return tl::unexpected<Error>(account.error());
  return driver_->set_ban(name, true, until_s, reason);
}

Result<> AccountTool::unban(const std::string& name) {
  if (auto account = find(name); !account) return tl::unexpected<Error>(account.error());
  return driver_->set_ban(name, false, 0, "");
}

Result<> AccountTool::show(const std::string& name, OutputForm form, std::ostream& out) {
  const auto account = find(name);
  if (!account) return tl::unexpected<Error>(account.error());
  if (form == OutputForm::kJson) {
    out << dump(to_json(*account)) << "\n";
  } else {
    print(*account, out);
  }
  return {};
}

Result<> AccountTool::list(const std::string& after, std::uint32_t limit, OutputForm form,
                           std::ostream& out) {
  if (auto checked = check_schema(); !checked) return checked;
  const auto accounts = driver_->list_accounts(after, limit);
  if (!accounts) return tl::unexpected<Error>(accounts.error());
  if (form == OutputForm::kJson) {
    json rows = json::array();
    for (const Account& account : *accounts) rows.push_back(to_json(account));
    out << dump(rows) << "\n";
    return {};
  }
  for (const Account& account : *accounts) {
    out << fmt::format("{}\t{}\tlast login {}\t{}\n", printable(account.name), status_text(account),
                       time_text(account.last_login_at_s),
                       account.session_gate.empty()
                           ? "offline"
                           : "session on " + printable(account.session_server));
  }
  if (accounts->size() == limit) out << "(there may be more: --after NAME)\n";
  return {};
}

}  // namespace gatehouse::app
