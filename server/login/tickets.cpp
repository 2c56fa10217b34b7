#include "login/tickets.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/assert.hpp"
#include "base/bytes.hpp"
#include "crypto/digest.hpp"
#include "crypto/encoding.hpp"

namespace gatehouse::login {
namespace {

// The numbers of a ticket, in their order.
enum Field : std::size_t {
  kAccount,
  kGeneration,
  kCredentials,  // digest
  kFamily,
  kSequence,
  kPasswordAt,
  kIssuedAt,
  kExpiresAt,
  kFields,
};
constexpr std::size_t kTicketBytes = kFields * 8;
using Numbers = std::array<std::uint64_t, kFields>;

std::string ticket_binding(std::string_view name) {
  return "gatehouse ticket 2\n" + std::string(name);
}

std::uint64_t number_at(std::string_view bytes, std::size_t at) {
  GATEHOUSE_ASSERT(at + 8 <= bytes.size());
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < 8; ++i)
    number = number << 8 | static_cast<unsigned char>(bytes[at + i]);
  return number;
}

// What must still be so when the ticket comes: the first three numbers.
void put_state(Numbers& numbers, AccountId account, const store::Credentials& credentials) {
  numbers[kAccount] = account.value;
  numbers[kGeneration] = credentials.generation;
  numbers[kCredentials] =
      number_at(crypto::sha256(credentials.password + "\n" + credentials.factor), 0);
}

std::int64_t time_of(std::uint64_t number) {
  return static_cast<std::int64_t>(number);
}

}  // namespace

// A database's integers are signed.
TicketClaim Tickets::new_family(std::int64_t now_s) const {
  const std::uint64_t number = random_.number() >> 1;
  return {.family = std::max<std::uint64_t>(number, 1), .sequence = 0, .password_at_s = now_s};
}

std::optional<Ticket> Tickets::issue(const TicketHolder& holder, const TicketClaim& claim,
                                     std::int64_t now_s) const {
  const auto keys = keys_.get();
  const std::int64_t expires_s =
      std::min(now_s + options_.lifetime_s, claim.password_at_s + options_.age_max_s);
  if (keys->empty() || expires_s <= now_s) return std::nullopt;
  Numbers numbers{};
  put_state(numbers, holder.account, holder.credentials);
  numbers[kFamily] = claim.family;
  numbers[kSequence] = claim.sequence;
  numbers[kPasswordAt] = static_cast<std::uint64_t>(claim.password_at_s);
  numbers[kIssuedAt] = static_cast<std::uint64_t>(now_s);
  numbers[kExpiresAt] = static_cast<std::uint64_t>(expires_s);
  std::string plain;
  for (const std::uint64_t number : numbers) {
    for (int shift = 56; shift >= 0; shift -= 8)
      plain.push_back(static_cast<char>(number >> shift));
  }
  GATEHOUSE_ASSERT(plain.size() == kTicketBytes);
  return Ticket{Secret(keys->seal(random_, plain, ticket_binding(holder.name))), expires_s};
}

std::optional<TicketClaim> Tickets::check(const Secret& ticket, const store::Account& account,
                                          std::int64_t now_s) const {
  const auto keys = keys_.get();
  if (keys->empty() || options_.lifetime_s == 0) return std::nullopt;
  auto plain = keys->open(ticket.reveal(), ticket_binding(account.name));
  if (!plain) {
    // Clients get it in base64, and may send that text in base64 like any other text.
    if (const auto bytes = crypto::base64_decode(ticket.reveal()))
      plain = keys->open(*bytes, ticket_binding(account.name));
  }
  if (!plain || plain->size() != kTicketBytes) return std::nullopt;
  Numbers numbers{};
  for (std::size_t i = 0; i < kFields; ++i) numbers[i] = number_at(plain->reveal(), i * 8);
  Numbers now{};
  put_state(now, account.id, store::credentials_of(account));
  if (!std::equal(now.begin(), now.begin() + kFamily, numbers.begin())) return std::nullopt;
  const std::int64_t password_at_s = time_of(numbers[kPasswordAt]);
  if (password_at_s <= account.tickets_after_s) return std::nullopt;
  // The options may have been others when it was issued.
  const std::int64_t expires_s =
      std::min({time_of(numbers[kExpiresAt]), time_of(numbers[kIssuedAt]) + options_.lifetime_s,
                password_at_s + options_.age_max_s});
  if (expires_s <= now_s) return std::nullopt;
  return TicketClaim{numbers[kFamily], numbers[kSequence], password_at_s};
}

}  // namespace gatehouse::login
