// SqlDriver: families of resume tickets, and sessions made under what does not hold any more.
#include <utility>

#include "base/utf8.hpp"
#include "drivers/sql_driver.hpp"
#include "drivers/sql_values.hpp"

namespace gatehouse::drivers {

Result<std::vector<store::StaleSession>> SqlDriver::list_stale_online(AccountId after,
                                                                      std::uint32_t limit) {
  std::vector<store::StaleSession> sessions;
  auto ran = run(Statement::kListStaleOnline, {after.value, std::uint64_t{limit}}, Repeat::kYes,
                 [&](const SqlRow& row) {
                   sessions.push_back({.account = AccountId{natural(row, 0)},
                                       .name = std::string(row.bytes(1)),
                                       .epoch = natural(row, 2)});
                 });
  if (!ran) return tl::unexpected(ran.error());
  return sessions;
}

Result<std::optional<store::TicketFamily>> SqlDriver::find_ticket_family(AccountId account,
                                                                         std::uint64_t family) {
  std::optional<store::TicketFamily> found;
  auto ran = run(Statement::kFindTicketFamily, {account.value, family}, Repeat::kYes,
                 [&](const SqlRow& row) {
                   found = store::TicketFamily{.sequence = natural(row, 0),
                                               .address = std::string(row.bytes(1)),
                                               .age_s = row.integer(2),
                                               .ended = row.integer(3) != 0};
                 });
  if (!ran) return tl::unexpected(ran.error());
  return found;
}

Result<bool> SqlDriver::begin_ticket_family(AccountId account, const store::NewTicketFamily& family,
                                            std::uint32_t families_max) {
  const std::string address = fit_text(family.address, kShortTextMax);
  auto ran = run(Statement::kBeginTicketFamily,
                 {account.value, family.family, valid_time(family.password_at_s), SqlText{address},
                  valid_time(family.expires_at_s)},
                 Repeat::kYes);
  if (!ran && ran.error().code == Errc::kExists) return false;
  if (!ran) return tl::unexpected(ran.error());
  std::int64_t oldest_s = 0;  // that has to go
  ran = run(Statement::kNewestTicketFamilies, {account.value, std::uint64_t{families_max}},
            Repeat::kYes, [&](const SqlRow& row) { oldest_s = row.integer(0); });
  if (ran && oldest_s > 0) {
    // First the mark: without their rows its first tickets would count as unused.
    ran = run(Statement::kRaiseTicketsAfter, {oldest_s, account.value, oldest_s}, Repeat::kYes);
    if (ran) ran = run(Statement::kForgetTicketFamilies, {account.value, oldest_s}, Repeat::kYes);
  }
  if (!ran) return tl::unexpected(ran.error());
  return true;
}

Result<bool> SqlDriver::advance_ticket_family(AccountId account, std::uint64_t family,
                                              std::uint64_t sequence, std::string_view address) {
  const std::string fitting = fit_text(address, kShortTextMax);
  auto ran = run(Statement::kAdvanceTicketFamily,
                 {SqlText{fitting}, account.value, family, sequence}, Repeat::kYes);
  if (!ran) return tl::unexpected(ran.error());
  return ran->matched > 0;
}

// The session first: when the second fails, the next use of a ticket does both again.
Result<> SqlDriver::end_ticket_family(AccountId account, std::uint64_t family) {
  auto ran = run(Statement::kRevokeFamilySession, {account.value, family}, Repeat::kYes);
  if (ran) ran = run(Statement::kEndTicketFamily, {now_s(), account.value, family}, Repeat::kYes);
  if (!ran) return tl::unexpected(ran.error());
  return {};
}

Result<std::uint64_t> SqlDriver::trim_ticket_families(std::int64_t now_s, std::uint32_t limit) {
  auto ran =
      run(Statement::kTrimTicketFamilies, {valid_time(now_s), std::uint64_t{limit}}, Repeat::kNo);
  if (!ran) return tl::unexpected(ran.error());
  return ran->matched;
}

}  // namespace gatehouse::drivers
