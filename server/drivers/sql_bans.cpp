// SqlDriver: bans of accounts, those in force and those that are over.
#include <utility>

#include "drivers/sql_driver.hpp"
#include "drivers/sql_values.hpp"

namespace gatehouse::drivers {
namespace {

// Whether the ban in the account's row is none of those recorded: somebody wrote it by hand.
bool by_hand(const store::Account& account, const std::vector<store::BanRecord>& bans) {
  if (account.status != store::AccountStatus::kBanned) return false;
  return std::ranges::none_of(bans, [&account](const store::BanRecord& ban) {
    return ban.lifted_at_s == 0 && ban.until_s == account.banned_until_s &&
           ban.reason == account.ban_reason && ban.note == account.ban_note;
  });
}

}  // namespace

Result<std::vector<store::BanRecord>> SqlDriver::list_bans(AccountId account) {
  std::vector<store::BanRecord> bans;
  auto ran = run(Statement::kListBans, {account.value}, Repeat::kYes, [&](const SqlRow& row) {
    bans.push_back({.at_s = row.integer(0),
                    .until_s = row.integer(1),
                    .reason = std::string(row.bytes(2)),
                    .note = std::string(row.bytes(3)),
                    .lifted_at_s = row.integer(4)});
  });
  if (!ran) return tl::unexpected(ran.error());
  return bans;
}

Result<> SqlDriver::set_ban(std::string_view name, bool banned, std::int64_t until_s,
                            std::string_view reason, std::string_view note) {
  if (until_s < 0) return invalid("end of a ban");
  if (!valid_text(reason, kLongTextMax)) return invalid("reason of a ban");
  if (!valid_text(note, kLongTextMax)) return invalid("note of a ban");
  return transaction([&]() -> Result<> {
    const SqlValue key[] = {SqlBytes{name}};
    auto locked = connection_->run(Statement::kLockAccount, key, Repeat::kNo, {});
    if (!locked) return tl::unexpected(locked.error());
    const auto account = find_account(name);
    if (!account) return tl::unexpected(account.error());
    if (!*account) return fail(Errc::kNotFound, "no such account");
    return change_ban(**account, banned, valid_time(until_s), reason, note);
  });
}

Result<> SqlDriver::change_ban(const store::Account& account, bool banned, std::int64_t until_s,
                               std::string_view reason, std::string_view note) {
  const auto bans = list_bans(account.id);
  if (!bans) return tl::unexpected(bans.error());
  const bool unrecorded = by_hand(account, *bans);
  const std::uint64_t id = account.id.value;
  const auto status = banned ? store::AccountStatus::kBanned : store::AccountStatus::kActive;
  Result<SqlOutcome> ran;
  if (unrecorded) ran = run(Statement::kAdoptBan, {id}, Repeat::kNo);
  if (ran) ran = run(Statement::kLiftBans, {now_s(), id, now_s()}, Repeat::kNo);
  if (ran) {
    const std::uint64_t rise = banned || unrecorded ? 1 : 0;
    if (!banned) until_s = 0, reason = note = std::string_view();
    ran = run(Statement::kSetBan,
              {SqlText{store::name(status)}, until_s, SqlText{reason}, SqlText{note}, rise, id},
              Repeat::kNo);
  }
  if (ran && banned)
    ran = run(Statement::kAddBan, {id, now_s(), until_s, SqlText{reason}, SqlText{note}},
              Repeat::kNo);
  if (!ran) return tl::unexpected(ran.error());
  return {};
}

}  // namespace gatehouse::drivers
