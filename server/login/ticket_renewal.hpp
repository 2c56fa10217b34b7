// What becomes of a resume ticket that is used.
//
// A login with ticket n of a family gets ticket n + 1, and n is spent. A spent ticket that comes
// again is one of two things. The answer was lost: the client has nothing newer, comes from where
// it came from, and soon. Or two have the ticket, and nobody can say which of them is the player:
// the family ends, with the session that it made, and the password decides (as refresh tokens do,
// RFC 9700 section 4.14.2).
//
// Invariant: at most one ticket of a family is unspent, and the newest was given to one place.
#pragma once

#include <cstdint>
#include <optional>

#include "base/result.hpp"
#include "login/tickets.hpp"
#include "net/address.hpp"
#include "store/driver.hpp"

namespace gatehouse::login {

enum class TicketUse {
  kNewest,  // spends it
  kAgain,   // the answer to its use was lost
  kReused,  // two have it
  kNone,    // its family has ended, or was forgotten
};

// What the use of ticket `sequence` from `address` is, by what the store knows of its family;
// nothing: none of its tickets was used.
[[nodiscard]] TicketUse judge_ticket_use(const std::optional<store::TicketFamily>& family,
                                         std::uint64_t sequence, const net::Address& address,
                                         std::uint32_t lost_answer_s);

// Both run on a thread of the store; errors are those of the Driver.

// Whether the ticket may log in now. Ends the family that it finds reused.
[[nodiscard]] Result<TicketUse> look_at_ticket(store::Driver& driver, AccountId account,
                                               const TicketClaim& claim,
                                               const net::Address& address,
                                               const TicketOptions& options);
// Spends the ticket, once its login has come to a good end, waited_s after it was looked at. After
// kNewest and kAgain the client gets the ticket behind it. Ends the family that it finds reused.
[[nodiscard]] Result<TicketUse> spend_ticket(store::Driver& driver, AccountId account,
                                             const TicketClaim& claim, const net::Address& address,
                                             TicketOptions options, std::uint32_t waited_s);

}  // namespace gatehouse::login
