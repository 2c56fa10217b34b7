// Resume tickets: only what was issued is good, and it is good only where, when and for whom it
// says. An input is one of: any bytes; a good ticket with bytes changed; any contents, well sealed.
#include "crypto/encoding.hpp"
#include "fuzz.hpp"
#include "login/tickets.hpp"
#include "simulated_world.hpp"

namespace gatehouse::login {

namespace {

constexpr std::int64_t kNow = 1'700'000'000;

crypto::SealRing ticket_keys() {
  std::vector<Secret> keys;
  keys.emplace_back(std::string(crypto::kSealKeyBytes, 'n'));  // seals
  keys.emplace_back(std::string(crypto::kSealKeyBytes, 'o'));
  return crypto::SealRing::make(std::move(keys)).value();
}

store::Account ticket_account() {
  store::Account account;
  account.id = AccountId{7};
  account.name = "test1";
  account.password_hash = "$argon2id$v=19$m=1024,t=1,p=1$c2FsdA$MDEyMzQ1Njc4OWFiY2RlZmdoaWo";
  account.ticket_generation = 3;
  account.tickets_after_s = kNow - 1'000'000;
  return account;
}

// Bytes changed as `choices` say: a place, and what it is combined with.
void change(std::string& bytes, fuzz::Input& choices) {
  while (!choices.empty() && !bytes.empty()) {
    char& byte = bytes[choices.below(bytes.size())];
    byte = static_cast<char>(byte ^ choices.byte());
  }
}

}  // namespace

FUZZ_TARGET(ticket) {
  fuzz::Input choices(input);
  test::SeededRandom random(1);
  const TicketOptions options;
  Tickets tickets(random, options);
  tickets.set_keys(ticket_keys());
  const store::Account account = ticket_account();
  const TicketClaim issued{.family = 9, .sequence = 4, .password_at_s = kNow - 100};
  const auto good = tickets.issue(TicketHolder::of(account), issued, kNow - 50);
  GATEHOUSE_ASSERT(good && good->expires_s == kNow - 50 + options.lifetime_s);

  const std::uint8_t form = choices.byte() % 3;
  std::string text;
  if (form == 0) {
    text = choices.rest();
    GATEHOUSE_ASSERT(!tickets.check(Secret(std::string(text)), account, kNow));
  } else if (form == 1) {
    const bool encoded = choices.byte() % 2 != 0;
    text = good->bytes.reveal();
    if (encoded) text = crypto::base64_encode(text);
    const std::string before = text;
    change(text, choices);
    const auto claim = tickets.check(Secret(std::string(text)), account, kNow);
    GATEHOUSE_ASSERT(claim.has_value() == (text == before));
    if (claim) {
      GATEHOUSE_ASSERT(claim->family == 9 && claim->sequence == 4);
      GATEHOUSE_ASSERT(claim->password_at_s == kNow - 100);
    }
    store::Account other = account;
    other.name = "test2";
    GATEHOUSE_ASSERT(!tickets.check(Secret(std::string(text)), other, kNow));
    GATEHOUSE_ASSERT(!tickets.check(Secret(std::string(text)), account, good->expires_s));
  } else {
    const std::string aad = "gatehouse ticket 2\n" + account.name;
    std::string plain(ticket_keys().open(good->bytes.reveal(), aad).value().reveal());
    GATEHOUSE_ASSERT(plain.size() == 64);
    if (choices.byte() % 2 == 0) plain = choices.bytes(64);
    change(plain, choices);
    const auto claim = tickets.check(Secret(ticket_keys().seal(random, plain, aad)), account, kNow);
    // Whoever has the key can write anything, but no time that is over, and none beyond the
    // options.
    if (claim) {
      GATEHOUSE_ASSERT(claim->password_at_s > account.tickets_after_s);
      GATEHOUSE_ASSERT(claim->password_at_s > kNow - std::int64_t{options.age_max_s});
    }
  }
}

}  // namespace gatehouse::login
