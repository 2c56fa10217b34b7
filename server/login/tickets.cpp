#include "login/tickets.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/bytes.hpp"
#include "crypto/digest.hpp"
#include "crypto/encoding.hpp"

namespace gatehouse::login {
namespace {

constexpr std::size_t kNumbers = 5;
constexpr std::size_t kTicketBytes = kNumbers * 8;
using Numbers = std::array<std::uint64_t, kNumbers>;

std::string bound_to(const store::Account& account) {
  return "gatehouse ticket 1\n" + account.name;
}

std::uint64_t number_at(std::string_view bytes, std::size_t at) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < 8; ++i)
    number = number << 8 | static_cast<unsigned char>(bytes[at + i]);
  return number;
}

// id, generation, digest of the stored password: what must still be so when the ticket comes.
Numbers state_of(const store::Account& account) {
  return {account.id.value, account.ticket_generation,
          number_at(crypto::sha256(account.password_hash), 0)};
}

}  // namespace

std::optional<Ticket> Tickets::issue(const store::Account& account, std::int64_t since_s,
                                     std::int64_t now_s) const {
  const auto keys = keys_.get();
  const std::int64_t expires_s =
      std::min(now_s + options_.lifetime_s, since_s + options_.age_max_s);
  if (keys->empty() || expires_s <= now_s) return std::nullopt;
  Numbers numbers = state_of(account);
  numbers[3] = static_cast<std::uint64_t>(since_s);
  numbers[4] = static_cast<std::uint64_t>(expires_s);
  std::string plain;
  for (const std::uint64_t number : numbers) {
    for (int shift = 56; shift >= 0; shift -= 8)
      plain.push_back(static_cast<char>(number >> shift));
  }
  return Ticket{Secret(keys->seal(plain, bound_to(account))), expires_s};
}

std::optional<std::int64_t> Tickets::check(const Secret& ticket, const store::Account& account,
                                           std::int64_t now_s) const {
  const auto keys = keys_.get();
  if (keys->empty()) return std::nullopt;
  auto plain = keys->open(ticket.reveal(), bound_to(account));
  if (!plain) {
    // Clients get it in base64, and may send that text in base64 like any other text.
    if (const auto bytes = crypto::base64_decode(ticket.reveal()))
      plain = keys->open(*bytes, bound_to(account));
  }
  if (!plain || plain->size() != kTicketBytes) return std::nullopt;
  Numbers numbers{};
  for (std::size_t i = 0; i < kNumbers; ++i) numbers[i] = number_at(plain->reveal(), i * 8);
  const Numbers now = state_of(account);
  if (!std::equal(now.begin(), now.begin() + 3, numbers.begin())) return std::nullopt;
  if (static_cast<std::int64_t>(numbers[4]) <= now_s) return std::nullopt;
  return static_cast<std::int64_t>(numbers[3]);
}

}  // namespace gatehouse::login
