#include "login/ticket_renewal.hpp"

#include "net/network_set.hpp"

namespace gatehouse::login {
namespace {

bool same_place(const std::string& text, const net::Address& address) {
  const auto last = net::Address::from(text, 0);
  return last && net::subscriber_bytes(*last) == net::subscriber_bytes(address);
}

}  // namespace

TicketUse judge_ticket_use(const std::optional<store::TicketFamily>& family, std::uint64_t sequence,
                           const net::Address& address, std::uint32_t lost_answer_s) {
  if (!family) return sequence == 0 ? TicketUse::kNewest : TicketUse::kNone;
  // A number that nobody gave out yet is one of before the database was restored.
  if (family->ended || sequence > family->sequence) return TicketUse::kNone;
  if (sequence == family->sequence) return TicketUse::kNewest;
  const bool lost = sequence + 1 == family->sequence && family->age_s <= lost_answer_s &&
                    same_place(family->address, address);
  return lost ? TicketUse::kAgain : TicketUse::kReused;
}

Result<TicketUse> look_at_ticket(store::Driver& driver, AccountId account, const TicketClaim& claim,
                                 const net::Address& address, const TicketOptions& options) {
  const auto family = driver.find_ticket_family(account, claim.family);
  if (!family) return tl::unexpected<Error>(family.error());
  const TicketUse use = judge_ticket_use(*family, claim.sequence, address, options.lost_answer_s);
  if (use != TicketUse::kReused) return use;
  if (auto ended = driver.end_ticket_family(account, claim.family); !ended)
    return tl::unexpected<Error>(ended.error());
  return use;
}

// The statement that spends it decides between two at once; the other then finds it spent.
Result<TicketUse> spend_ticket(store::Driver& driver, AccountId account, const TicketClaim& claim,
                               const net::Address& address, TicketOptions options,
                               std::uint32_t waited_s) {
  const std::int64_t expires_s = claim.password_at_s + options.age_max_s;
  const auto spent =
      claim.sequence == 0
          ? driver.begin_ticket_family(account,
                                       {claim.family, claim.password_at_s, expires_s, address.ip()},
                                       options.families_max)
          : driver.advance_ticket_family(account, claim.family, claim.sequence, address.ip());
  if (!spent) return tl::unexpected<Error>(spent.error());
  if (*spent) return TicketUse::kNewest;
  options.lost_answer_s += waited_s;
  const auto use = look_at_ticket(driver, account, claim, address, options);
  return use == TicketUse::kNewest ? TicketUse::kNone : use;  // it has ended meanwhile
}

}  // namespace gatehouse::login
