// SqlDriver: accounts.
#include <array>
#include <utility>

#include "drivers/sql_driver.hpp"
#include "drivers/sql_values.hpp"

namespace gatehouse::drivers {
namespace {

store::AccountStatus account_status(std::string_view word) {
  if (word == name(store::AccountStatus::kActive)) return store::AccountStatus::kActive;
  if (word == name(store::AccountStatus::kBanned)) return store::AccountStatus::kBanned;
  return store::AccountStatus::kClosed;  // a word of a later version locks out, never in
}

// The values of Statement::kAddAccount, which point into `account`.
std::array<SqlValue, 9> new_row(const store::NewAccount& account, SqlValue now_s) {
  const bool banned = account.status == store::AccountStatus::kBanned;
  return {SqlText{account.name},
          SqlText{account.password_hash},
          SqlText{name(account.status)},
          banned ? valid_time(account.banned_until_s) : std::int64_t{0},
          SqlText{banned ? account.ban_reason : std::string_view()},
          std::uint64_t{account.staff ? 1u : 0u},
          SqlText{account.totp_secret},
          SqlText{banned ? account.ban_note : std::string_view()},
          now_s};
}

Result<> check(const store::NewAccount& account) {
  if (!store::valid_account_name(account.name)) return invalid("account name");
  if (!valid_ascii(account.password_hash, kLongTextMax)) return invalid("password hash");
  if (account.banned_until_s < 0) return invalid("end of a ban");
  if (!valid_text(account.ban_reason, kLongTextMax)) return invalid("reason of a ban");
  if (!valid_text(account.ban_note, kLongTextMax)) return invalid("note of a ban");
  if (!valid_ascii(account.totp_secret, kLongTextMax)) return invalid("sealed secret");
  return {};
}

}  // namespace

store::Account account_of(const SqlRow& row) {
  store::Account account;
  account.id = AccountId{natural(row, 0)};
  account.name = row.bytes(1);
  account.password_hash = row.bytes(2);
  account.status = account_status(row.bytes(3));
  account.banned_until_s = row.integer(4);
  account.ban_reason = row.bytes(5);
  account.session_epoch = natural(row, 6);
  account.session_gate = row.bytes(7);
  account.session_server = row.bytes(8);
  account.session_subid = row.bytes(9);
  account.created_at_s = row.integer(10);
  account.last_login_at_s = row.integer(11);
  account.last_login_addr = row.bytes(12);
  account.staff = row.integer(13) != 0;
  account.ticket_generation = natural(row, 14);
  account.totp_secret = row.bytes(15);
  account.totp_step = natural(row, 16);
  account.password_origin = row.bytes(17);
  account.tickets_after_s = row.integer(18);
  account.ban_note = row.bytes(19);
  return account;
}

Result<std::optional<store::Account>> SqlDriver::find_account(std::string_view name) {
  std::optional<store::Account> found;
  auto ran = run(Statement::kFindAccount, {SqlBytes{name}}, Repeat::kYes,
                 [&](const SqlRow& row) { found = account_of(row); });
  if (!ran) return tl::unexpected(ran.error());
  return found;
}

Result<store::Account> SqlDriver::create_account(std::string_view name,
                                                 std::string_view password_hash) {
  if (!store::valid_account_name(name)) return invalid("account name");
  if (!valid_ascii(password_hash, kLongTextMax)) return invalid("password hash");
  std::optional<store::Account> account;
  auto created = run(Statement::kCreateAccount, {SqlText{name}, SqlText{password_hash}, now_s()},
                     Repeat::kNo, [&](const SqlRow& row) { account = account_of(row); });
  if (!created) return tl::unexpected(created.error());
  if (account) return std::move(*account);
  auto found = find_account(name);
  if (!found) return tl::unexpected(found.error());
  if (!*found) return fail(Errc::kUnavailable, "the account was deleted while it was created");
  return std::move(**found);
}

Result<bool> SqlDriver::add_account(const store::NewAccount& account) {
  auto added = connection_->run_rows(Statement::kAddAccount, 1, new_row(account, now_s()));
  if (added) return true;
  if (added.error().code == Errc::kExists) return false;
  return tl::unexpected(added.error());
}

// Many rows go as one statement. Where a name among them exists it adds none, and the rows go one
// by one.
Result<std::vector<bool>> SqlDriver::create_accounts(std::span<const store::NewAccount> accounts) {
  for (const store::NewAccount& account : accounts) {
    if (auto valid = check(account); !valid) return tl::unexpected(valid.error());
  }
  std::vector<bool> made;
  if (accounts.empty()) return made;
  auto done = transaction([&]() -> Result<> {
    made.clear();
    for (auto rest = accounts; !rest.empty(); rest = accounts.subspan(made.size())) {
      const auto some = rest.first(std::min(rest.size(), kRowsMax));
      std::vector<SqlValue> values;
      for (const store::NewAccount& account : some) {
        for (const SqlValue& value : new_row(account, now_s())) values.push_back(value);
      }
      auto added = connection_->run_rows(Statement::kAddAccount, some.size(), values);
      if (added) {
        made.insert(made.end(), some.size(), true);
        continue;
      }
      if (added.error().code != Errc::kExists) return tl::unexpected(added.error());
      for (const store::NewAccount& account : some) {
        auto one = add_account(account);
        if (!one) return tl::unexpected(one.error());
        made.push_back(*one);
      }
    }
    return {};
  });
  if (!done) return tl::unexpected(done.error());
  return made;
}

// The lock keeps a login from adding a row of player_data in between.
Result<> SqlDriver::delete_account(std::string_view name) {
  return transaction([&]() -> Result<> {
    std::uint64_t id = 0;
    const SqlValue key[] = {SqlBytes{name}};
    auto ran = connection_->run(Statement::kLockAccount, key, Repeat::kNo,
                                [&](const SqlRow& row) { id = natural(row, 0); });
    if (ran && id == 0) return fail(Errc::kNotFound, "no such account");
    const SqlValue row[] = {id};
    if (ran) ran = connection_->run(Statement::kDeletePlayers, row, Repeat::kNo, {});
    if (ran) ran = connection_->run(Statement::kDeleteTicketFamilies, row, Repeat::kNo, {});
    if (ran) ran = connection_->run(Statement::kDeleteBans, row, Repeat::kNo, {});
    if (ran) ran = connection_->run(Statement::kDeleteAccount, row, Repeat::kNo, {});
    if (!ran) return tl::unexpected(ran.error());
    return {};
  });
}

Result<> SqlDriver::set_password_hash(AccountId account, std::string_view hash) {
  if (!valid_ascii(hash, kLongTextMax)) return invalid("password hash");
  return run_on_account(Statement::kSetPasswordHash, {SqlText{hash}, account.value}, Repeat::kNo);
}

Result<bool> SqlDriver::replace_password_hash(AccountId account, std::string_view old_hash,
                                              std::string_view new_hash, std::string_view origin) {
  if (!valid_ascii(new_hash, kLongTextMax)) return invalid("password hash");
  if (!valid_ascii(origin, 2 * store::kCredentialCharacters))
    return invalid("origin of a password hash");
  auto ran =
      run(Statement::kReplacePasswordHash,
          {SqlText{new_hash}, SqlText{origin}, account.value, SqlBytes{old_hash}}, Repeat::kNo);
  if (!ran) return tl::unexpected(ran.error());
  return ran->matched > 0;
}

Result<> SqlDriver::revoke_tickets(std::string_view name) {
  return run_on_account(Statement::kRevokeTickets, {SqlBytes{name}}, Repeat::kYes);
}

Result<> SqlDriver::set_totp(std::string_view name, std::string_view sealed) {
  if (!valid_ascii(sealed, kLongTextMax)) return invalid("sealed secret");
  return run_on_account(Statement::kSetTotp, {SqlText{sealed}, SqlBytes{name}}, Repeat::kYes);
}

Result<bool> SqlDriver::use_totp_step(AccountId account, std::uint64_t step) {
  if (step > kNumberMax) return invalid("time step");
  auto ran = run(Statement::kUseTotpStep, {step, account.value, step}, Repeat::kNo);
  if (!ran) return tl::unexpected(ran.error());
  return ran->matched > 0;
}

Result<bool> SqlDriver::take_totp_try(AccountId account, const store::TotpBudget& budget,
                                      std::int64_t now_s) {
  const std::int64_t end_s = now_s + budget.window_s;
  auto ran = run(Statement::kTakeTotpTry,
                 {now_s, budget.cost_s, account.value, now_s, budget.cost_s, end_s}, Repeat::kNo);
  if (!ran) return tl::unexpected(ran.error());
  if (ran->matched > 0) return true;
  ran = run(Statement::kMendTotpTries, {end_s, account.value, end_s}, Repeat::kYes);
  if (!ran) return tl::unexpected(ran.error());
  return false;
}

Result<> SqlDriver::give_totp_try(AccountId account, const store::TotpBudget& budget) {
  auto ran = run(Statement::kGiveTotpTry, {budget.cost_s, account.value}, Repeat::kNo);
  if (!ran) return tl::unexpected(ran.error());
  return {};
}

Result<> SqlDriver::set_staff(std::string_view name, bool staff) {
  return run_on_account(Statement::kSetStaff, {std::uint64_t{staff ? 1u : 0u}, SqlBytes{name}},
                        Repeat::kYes);
}

Result<std::vector<store::Account>> SqlDriver::list_accounts(std::string_view after_name,
                                                             std::uint32_t limit) {
  std::vector<store::Account> accounts;
  auto ran = run(Statement::kListAccounts, {SqlBytes{after_name}, std::uint64_t{limit}},
                 Repeat::kYes, [&](const SqlRow& row) { accounts.push_back(account_of(row)); });
  if (!ran) return tl::unexpected(ran.error());
  return accounts;
}

Result<std::vector<store::StoredHash>> SqlDriver::list_password_hashes(AccountId after,
                                                                       std::uint32_t limit) {
  std::vector<store::StoredHash> hashes;
  auto ran = run(Statement::kListHashes, {after.value, std::uint64_t{limit}}, Repeat::kYes,
                 [&](const SqlRow& row) {
                   hashes.push_back({AccountId{natural(row, 0)}, std::string(row.bytes(1))});
                 });
  if (!ran) return tl::unexpected(ran.error());
  return hashes;
}

Result<std::vector<store::Account>> SqlDriver::list_barred_online(std::int64_t now_s) {
  std::vector<store::Account> accounts;
  auto ran = run(Statement::kListBarredOnline, {valid_time(now_s)}, Repeat::kYes,
                 [&](const SqlRow& row) { accounts.push_back(account_of(row)); });
  if (!ran) return tl::unexpected(ran.error());
  return accounts;
}

}  // namespace gatehouse::drivers
