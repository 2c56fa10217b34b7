// What a player, and an address, may take: whichever connection it comes by.
#include "gate/address_budgets.hpp"
#include "gate/player_rates.hpp"
#include "gate_world.hpp"

namespace gatehouse::gate {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

AddressBudgets::Key key(const std::string& ip) {
  const auto address = net::Address::from(ip, 1);
  EXPECT_TRUE(address);
  return net::subscriber_bytes(*address);
}

TEST(Budgets, BytesThatWaitEndAClientOfSkynetsForm) {
  World world(with_limits([](Limits& limits) { limits.gate_pending_bytes_max = 12; }));
  const Player player = world.login("p", 1);
  Client client(world);
  EXPECT_EQ(client.handshake(player, 1), "200 OK");
  for (std::uint32_t n = 1; n <= 3; ++n) client.request("hold", n);
  EXPECT_TRUE(client.is_quiet());
  EXPECT_EQ(client.ask("", 4), ok("", 4)) << "nothing more waits";
  client.request("hold", 5);
  EXPECT_TRUE(client.is_closed());
  EXPECT_EQ(world.closed("too_many_requests"), 1);
  Client back(world);
  EXPECT_EQ(back.handshake(player, 2), "200 OK");
  back.request("hold", 1);
  EXPECT_TRUE(back.is_quiet()) << "what is known already takes nothing";
  world.answer(player, 2, "two");
  back.request("hold", 6);
  EXPECT_TRUE(back.is_quiet());
}

TEST(Budgets, BytesThatWaitHoldAConversationBack) {
  World world(with_limits([](Limits& limits) { limits.gate_pending_bytes_max = 60'000; }));
  const Player player = world.login("p", 1);
  Client client(world);
  EXPECT_EQ(client.handshake(player, 1, kExtended), "200 OK");
  client.request("hold", 1);
  EXPECT_TRUE(client.is_quiet());
  const std::string big(60'000, 'x');
  client.request("hold", 2);
  EXPECT_TRUE(client.is_quiet());
  client.request(big, 3);
  client.request("after", 4);
  EXPECT_TRUE(eventually([&] { return world.metric("gate_connections_held_back") == 1; }));
  world.answer(player, 1, "one");
  EXPECT_EQ(client.response(), ok("one", 1));
  world.answer(player, 2, "two");
  EXPECT_EQ(client.response(), ok("two", 2));
  EXPECT_EQ(client.response().session, 3u);
  EXPECT_EQ(client.response(), ok("after", 4));
  EXPECT_EQ(world.with(player, [](FakeAgent& a) { return a.session->pending_bytes(); }), 0u);
}

TEST(Budgets, RequestsOfAnEarlierConversationStillCount) {
  World world(with_limits([](Limits& limits) { limits.gate_pending_bytes_max = 100; }));
  const Player player = world.login("p", 1);
  const auto pending = [&] {
    return world.with(player, [](FakeAgent& a) { return a.session->pending_bytes(); });
  };
  Client client(world);
  EXPECT_EQ(client.handshake(player, 1, Extension{0, "one", ""}), "200 OK");
  client.request("hold", 1);
  EXPECT_TRUE(eventually([&] { return world.holds(player, 1); }));
  Client other(world);
  EXPECT_EQ(other.handshake(player, 2, Extension{0, "two", ""}), "200 OK");
  EXPECT_EQ(pending(), 4u);
  world.answer(player, 1, "late");
  EXPECT_EQ(pending(), 0u);
}

TEST(Budgets, RatesBelongToThePlayer) {
  World world(with_limits([](Limits& limits) { limits.gate_frames_per_s_max = 50; }));
  const Player player = world.login("p", 1);
  std::string flood;
  for (int n = 0; n < 60; ++n) flood += request_frame("", protocol::kPingSession);
  int closed = 0;
  for (int index = 1; index <= 10; ++index) {
    Client client(world);
    if (client.handshake(player, index) != "200 OK") continue;
    client.send(flood);
    while (client.frame()) {
    }
    ++closed;
  }
  EXPECT_EQ(world.closed("frames_per_second"), closed);
  EXPECT_LT(world.metric("gate_responses"), 10 * 50) << "ten seconds' worth";
}

TEST(Budgets, AnAddressSharesTheReserve) {
  Limits limits;
  limits.gate_reserve_max = 16;  // an eighth of it
  AddressBudgets budgets(limits);
  const auto a = key("192.0.2.1"), b = key("192.0.2.2");
  const std::int64_t now = 5 * kSecond;
  EXPECT_TRUE(budgets.enter_reserve(a, now));
  EXPECT_TRUE(budgets.enter_reserve(a, now));
  EXPECT_FALSE(budgets.enter_reserve(a, now));
  EXPECT_TRUE(budgets.enter_reserve(b, now));
  budgets.leave_reserve(a);
  EXPECT_TRUE(budgets.enter_reserve(a, now));
}

TEST(Budgets, AnAddressOfIPv6IsItsNetwork) {
  EXPECT_EQ(key("2001:db8::1"), key("2001:db8::ffff:1"));
  EXPECT_NE(key("2001:db8:0:1::1"), key("2001:db8:0:2::1"));
  EXPECT_NE(key("192.0.2.1"), key("192.0.2.2"));
}

TEST(Budgets, AnAddressSharesRatesAndMemory) {
  Limits limits;
  limits.gate_address_frames_per_s_max = 640;
  limits.gate_address_bytes_per_s_max = 1'000'000;
  limits.gate_address_pending_bytes_max = 100;
  AddressBudgets budgets(limits);
  EXPECT_TRUE(budgets.is_portion(10, 0));
  EXPECT_FALSE(budgets.is_portion(9, 0));
  const auto a = key("192.0.2.1");
  const std::int64_t now = 5 * kSecond;
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(budgets.take(a, 64, 10, now));
  EXPECT_FALSE(budgets.take(a, 64, 10, now));
  EXPECT_TRUE(budgets.take(key("192.0.2.2"), 64, 10, now));
  EXPECT_FALSE(budgets.take(a, 1, 900'000, now + kSecond / 1000));
  EXPECT_TRUE(budgets.lease(a, 60, now));
  EXPECT_FALSE(budgets.lease(a, 60, now));
  budgets.give_back(a, 60);
  EXPECT_TRUE(budgets.lease(a, 60, now));
}

TEST(Budgets, AddressesThatTookNothingLatelyAreForgotten) {
  AddressBudgets budgets(Limits{});
  std::int64_t now = 5 * kSecond;
  for (int i = 0; i < 200'000; ++i) {
    const auto address = net::Address::from(
        "2001:db8:" + std::to_string(i % 10'000) + ":" + std::to_string(i / 10'000) + "::1", 1);
    ASSERT_TRUE(address);
    const auto one = net::subscriber_bytes(*address);
    ASSERT_TRUE(budgets.take(one, 1, 100, now));
    now += 100'000;
  }
  EXPECT_LT(budgets.size(), 40'000u);
}

TEST(Budgets, WhatALoginSpentItsNextOneHasSpent) {
  const Rate rate = Rate::per_second(10);
  SpentRates spent;
  PlayerRates rates;
  std::int64_t now = 5 * kSecond;
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(rates.frames.take(rate, 1, now));
  spent.remember("p", rates, now);
  PlayerRates other = spent.recall("q");
  EXPECT_TRUE(other.frames.take(rate, 1, now));
  PlayerRates again = spent.recall("p");
  EXPECT_FALSE(again.frames.take(rate, 1, now));
  spent.remember("p", again, now + 2 * kSecond);
  EXPECT_TRUE(spent.recall("p").unused(now)) << "it was full again";
}

TEST(Budgets, ASeatIsGivenUpAndTakenAgain) {
  World world(with_limits([](Limits& limits) { limits.gate_seat_keep_ms = 100; }));
  const Player player = world.login("p", 1), here = world.login("q", 0);
  EXPECT_EQ(world.gate.seat_count(), 2u);
  Client stays(world);
  EXPECT_EQ(stays.handshake(here, 1), "200 OK");
  EXPECT_TRUE(eventually([&] { return world.gate.seat_count() == 1; })) << "p never came";
  {
    Client client(world);
    EXPECT_EQ(client.handshake(player, 1), "200 OK");
    EXPECT_EQ(world.gate.seat_count(), 2u);
  }
  EXPECT_TRUE(eventually([&] { return world.gate.seat_count() == 1; }));
  world.logout(here);
  EXPECT_EQ(world.gate.seat_count(), 0u);
  EXPECT_EQ(world.gate.session_count(), 1u);
}

TEST(Budgets, AnOwnConnectionMakesRoomInAFullGate) {
  GateOptions options;
  options.maxclient = 1;
  World world(options, 2);
  const Player player = world.login("p", 1), stranger = world.login("q", 0);
  std::vector<Client> clients;
  clients.emplace_back(world);
  EXPECT_EQ(clients.back().handshake(player, 1, kExtended), "200 OK");
  EXPECT_EQ(Client(world).handshake(stranger, 1), "503 Service Unavailable full");
  for (int index = 2; index < 8; ++index) {
    Client& next = clients.emplace_back(world);
    EXPECT_EQ(next.handshake(player, index, kExtended), "200 OK");
    EXPECT_EQ(next.ask("x", 1), ok("x", 1));
    EXPECT_EQ(world.gate.connection_count(), 1u);
    EXPECT_EQ(world.metric("gate_connections"), 1);
  }
}

}  // namespace
}  // namespace gatehouse::gate
