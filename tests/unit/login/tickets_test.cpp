// Tickets: what a resume ticket is good for, and what makes it void.
#include "login/tickets.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "crypto/encoding.hpp"
#include "test_world.hpp"

namespace gatehouse::login {
namespace {

class TicketsTest : public testing::Test {
 protected:
  TicketsTest() {
    keys_.emplace_back(random_bytes(crypto::kSealKeyBytes));
    account_.id = AccountId{7};
    account_.name = "test1";
    account_.password_hash = "$argon2id$v=19$m=1024,t=1,p=1$c2FsdA$MDEyMzQ1Njc4OWFiY2RlZmdoaWo";
  }
  Tickets* with(const TicketOptions& options) {
    tickets_ = std::make_unique<Tickets>(test_world().random, options);
    tickets_->set_keys(crypto::SealRing::make(copies()).value());
    return tickets_.get();
  }
  std::vector<Secret> copies() {
    std::vector<Secret> keys;
    for (const Secret& key : keys_) keys.emplace_back(std::string(key.reveal()));
    return keys;
  }

  std::vector<Secret> keys_;
  store::Account account_;
  std::unique_ptr<Tickets> tickets_;
};

TEST_F(TicketsTest, OptionsOfTodayDecide) {
  const auto ticket = with({.lifetime_s = 1'000, .age_max_s = 5'000})
                          ->issue(TicketHolder::of(account_), {9, 3, 10'000}, 12'000);
  ASSERT_TRUE(ticket);
  EXPECT_EQ(ticket->expires_s, 13'000);
  const auto good = [&](const TicketOptions& options, std::int64_t now_s) {
    return with(options)->check(ticket->bytes, account_, now_s).has_value();
  };
  EXPECT_TRUE(good({.lifetime_s = 1'000, .age_max_s = 5'000}, 12'999));
  EXPECT_FALSE(good({.lifetime_s = 1'000, .age_max_s = 5'000}, 13'000));
  EXPECT_FALSE(good({.lifetime_s = 2'000, .age_max_s = 5'000}, 13'000)) << "it says so itself";
  EXPECT_TRUE(good({.lifetime_s = 500, .age_max_s = 5'000}, 12'499));
  EXPECT_FALSE(good({.lifetime_s = 500, .age_max_s = 5'000}, 12'500));
  EXPECT_FALSE(good({.lifetime_s = 1'000, .age_max_s = 2'100}, 12'100));
  EXPECT_FALSE(good({.lifetime_s = 0, .age_max_s = 5'000}, 12'000));
}

TEST_F(TicketsTest, AccountDecides) {
  Tickets* tickets = with({});
  const auto ticket = tickets->issue(TicketHolder::of(account_), {9, 3, 10'000}, 12'000);
  const auto claim = tickets->check(ticket->bytes, account_, 12'000);
  ASSERT_TRUE(claim);
  EXPECT_EQ(claim->family, 9u);
  EXPECT_EQ(claim->sequence, 3u);
  EXPECT_EQ(claim->password_at_s, 10'000);
  const store::Account before = account_;
  const auto void_after = [&](auto change) {
    account_ = before;
    change(account_);
    return !tickets->check(ticket->bytes, account_, 12'000);
  };
  EXPECT_TRUE(void_after([](store::Account& a) { a.id = AccountId{8}; }));
  EXPECT_TRUE(void_after([](store::Account& a) { a.name = "test2"; }));
  EXPECT_TRUE(void_after([](store::Account& a) { a.password_hash = ""; }));
  EXPECT_TRUE(void_after([](store::Account& a) { a.totp_secret = "c2VhbGVk"; }));
  EXPECT_TRUE(void_after([](store::Account& a) { ++a.ticket_generation; }));
  EXPECT_TRUE(void_after([](store::Account& a) { a.tickets_after_s = 10'000; }));
  EXPECT_FALSE(void_after([](store::Account& a) { a.tickets_after_s = 9'999; }));
  EXPECT_FALSE(void_after([](store::Account& a) {
    const std::string anew = "$argon2id$v=19$m=2048,t=1,p=1$c2FsdA$bmV3bmV3bmV3bmV3bmV3bmV3";
    a.password_origin = store::origin_of(a, anew);
    a.password_hash = anew;
  }));
}

constexpr std::int64_t kNowS = 12'000;

TEST_F(TicketsTest, NeedKeys) {
  Tickets without(test_world().random, {});
  EXPECT_FALSE(without.issue(TicketHolder::of(account_), {9, 3, 10'000}, kNowS));
  const auto ticket = with({})->issue(TicketHolder::of(account_), {9, 3, 10'000}, kNowS);
  ASSERT_TRUE(ticket);
  EXPECT_FALSE(without.check(ticket->bytes, account_, kNowS));
}

TEST_F(TicketsTest, AreNotIssuedBehindTheAgeOfTheirPassword) {
  Tickets* tickets = with({.lifetime_s = 1'000, .age_max_s = 5'000});
  const TicketHolder holder = TicketHolder::of(account_);
  EXPECT_EQ(tickets->issue(holder, {9, 0, 10'000}, 14'500)->expires_s, 15'000) << "it ends there";
  EXPECT_FALSE(tickets->issue(holder, {9, 0, 10'000}, 15'000));
  EXPECT_FALSE(with({.lifetime_s = 0})->issue(holder, {9, 0, 10'000}, 10'000));
}

TEST_F(TicketsTest, OldKeysOpenUntilTheyAreTakenOut) {
  const auto old = with({})->issue(TicketHolder::of(account_), {9, 3, 10'000}, kNowS);
  keys_.insert(keys_.begin(), Secret(random_bytes(crypto::kSealKeyBytes)));
  Tickets* tickets = with({});
  EXPECT_TRUE(tickets->check(old->bytes, account_, kNowS));
  const auto fresh = tickets->issue(TicketHolder::of(account_), {9, 4, 10'000}, kNowS);
  keys_.pop_back();
  tickets->set_keys(crypto::SealRing::make(copies()).value());
  EXPECT_TRUE(tickets->check(fresh->bytes, account_, kNowS));
  EXPECT_FALSE(tickets->check(old->bytes, account_, kNowS));
}

TEST_F(TicketsTest, AreReadInBase64AsWell) {
  Tickets* tickets = with({});
  const auto ticket = tickets->issue(TicketHolder::of(account_), {9, 3, 10'000}, kNowS);
  const Secret text(crypto::base64_encode(ticket->bytes.reveal()));
  EXPECT_TRUE(tickets->check(text, account_, kNowS));
  EXPECT_FALSE(tickets->check(Secret(crypto::base64_encode(text.reveal())), account_, kNowS))
      << "twice is nobody's";
}

// Every byte counts, and every one that is missing.
TEST_F(TicketsTest, CannotBeForged) {
  Tickets* tickets = with({});
  const auto ticket = tickets->issue(TicketHolder::of(account_), {9, 3, 10'000}, kNowS);
  const std::string good(ticket->bytes.reveal());
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string changed = good;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_FALSE(tickets->check(Secret(changed), account_, kNowS)) << at;
    EXPECT_FALSE(tickets->check(Secret(good.substr(0, at)), account_, kNowS)) << at;
  }
  EXPECT_FALSE(tickets->check(Secret(good + '\0'), account_, kNowS));
  // Sealed with the key, but no ticket.
  const crypto::SealRing ring = crypto::SealRing::make(copies()).value();
  for (const std::size_t size : {0u, 63u, 64u, 65u, 72u}) {
    const Secret other(
        ring.seal(test_world().random, std::string(size, '\0'), "gatehouse ticket 2\ntest1"));
    EXPECT_FALSE(tickets->check(other, account_, kNowS)) << size;
  }
}

TEST_F(TicketsTest, AFamilyBeginsWithAPassword) {
  const Tickets tickets(test_world().random, {});
  std::set<std::uint64_t> families;
  for (int i = 0; i < 1'000; ++i) {
    const TicketClaim claim = tickets.new_family(kNowS);
    EXPECT_EQ(claim.sequence, 0u);
    EXPECT_EQ(claim.password_at_s, kNowS);
    EXPECT_GT(claim.family, 0u);
    EXPECT_LE(claim.family, static_cast<std::uint64_t>(INT64_MAX)) << "the database's are signed";
    families.insert(claim.family);
  }
  EXPECT_EQ(families.size(), 1'000u);
}

}  // namespace
}  // namespace gatehouse::login
