// What the use of a resume ticket is: every case of judge_ticket_use().
#include "login/ticket_renewal.hpp"

#include <gtest/gtest.h>

#include "test_world.hpp"

namespace gatehouse::login {
namespace {

constexpr std::uint32_t kLostAnswerS = 60;

net::Address client_at(const std::string& ip) {
  return net::Address::from(ip, 4711).value();
}

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

}  // namespace
}  // namespace gatehouse::login
