// What the use of a resume ticket is: every case of judge_ticket_use().
#include "login/ticket_renewal.hpp"

#include <gtest/gtest.h>

#include "crypto/random.hpp"

namespace gatehouse::login {
namespace {

constexpr std::uint32_t kLostAnswerS = 60;

net::Address client_at(const std::string& ip) { return net::Address::from(ip, 4711).value(); }

TicketUse judge(std::uint64_t sequence, std::int64_t age_s, const std::string& ip,
                bool ended = false) {
  const store::TicketFamily family{
      .sequence = 5, .address = "2001:db8:1:2::3", .age_s = age_s, .ended = ended};
  return judge_ticket_use(family, sequence, client_at(ip), kLostAnswerS);
}

TEST(TicketUse, FirstTicketIsUnspentUntilItsFamilyIsKnown) {
  EXPECT_EQ(judge_ticket_use(std::nullopt, 0, client_at("192.0.2.1"), 60), TicketUse::kNewest);
  EXPECT_EQ(judge_ticket_use(std::nullopt, 1, client_at("192.0.2.1"), 60), TicketUse::kNone);
}

TEST(TicketUse, NewestIsGoodFromAnywhere) {
  EXPECT_EQ(judge(5, 1'000'000, "192.0.2.1"), TicketUse::kNewest);
  EXPECT_EQ(judge(6, 0, "2001:db8:1:2::3"), TicketUse::kNone) << "from before a restore";
}

TEST(TicketUse, OneBeforeIsGoodForAMinuteAtItsPlace) {
  EXPECT_EQ(judge(4, 0, "2001:db8:1:2::3"), TicketUse::kAgain);
  EXPECT_EQ(judge(4, 60, "2001:db8:1:2::9"), TicketUse::kAgain) << "a /64 is one subscriber";
  EXPECT_EQ(judge(4, 61, "2001:db8:1:2::3"), TicketUse::kReused);
  EXPECT_EQ(judge(4, 0, "2001:db8:1:3::3"), TicketUse::kReused);
  EXPECT_EQ(judge(4, 0, "192.0.2.1"), TicketUse::kReused);
  EXPECT_EQ(judge(3, 0, "2001:db8:1:2::3"), TicketUse::kReused);
}

TEST(TicketUse, NothingIsGoodOfAFamilyThatEnded) {
  for (const std::uint64_t sequence : {0, 4, 5, 6})
    EXPECT_EQ(judge(sequence, 0, "2001:db8:1:2::3", true), TicketUse::kNone);
}

class TicketsTest : public testing::Test {
 protected:
  TicketsTest() {
    keys_.emplace_back(crypto::random_bytes(crypto::kSealKeyBytes));
    account_.id = AccountId{7};
    account_.name = "test1";
    account_.password_hash = "$argon2id$v=19$m=1024,t=1,p=1$c2FsdA$MDEyMzQ1Njc4OWFiY2RlZmdoaWo";
  }
  Tickets* with(const TicketOptions& options) {
    tickets_ = std::make_unique<Tickets>(options);
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

}  // namespace
}  // namespace gatehouse::login
