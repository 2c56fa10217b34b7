#include "actor/registry.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>
#include <unordered_set>

namespace gatehouse::actor {
namespace {

constexpr std::size_t kQuarantine = 65'536;

ServiceId reserve(Registry& registry, std::uint16_t worker = 0) {
  const auto id = registry.reserve(worker);
  return id ? *id : ServiceId{};
}

std::string numbered(int round, int i) {
  return std::to_string(round) + "/" + std::to_string(i);
}

TEST(Registry, ReservesLiveAddressesAndReleasesThem) {
  Registry registry;
  const ServiceId a = reserve(registry, 3), b = reserve(registry, 4);
  EXPECT_TRUE(a);
  EXPECT_NE(a, b);
  EXPECT_TRUE(registry.live(a));
  EXPECT_EQ(registry.find(a)->worker.load(), 3);
  EXPECT_EQ(registry.find(b)->worker.load(), 4);
  EXPECT_EQ(registry.find(a)->service, nullptr);
  EXPECT_EQ(registry.count(), 2u);
  EXPECT_EQ(registry.list(), (std::vector<ServiceId>{a, b}));
  registry.release(a);
  EXPECT_FALSE(registry.live(a));
  EXPECT_NE(registry.find(a), nullptr);  // messages on their way still find its byte count
  EXPECT_TRUE(registry.live(b));
  EXPECT_EQ(registry.count(), 1u);
  EXPECT_EQ(registry.list(), std::vector<ServiceId>{b});
}

TEST(Registry, AddressesNeverGivenOutAreNotFound) {
  Registry registry;
  const std::uint32_t strangers[] = {0, 1, 5000, 0xffffff, 0x01000001, 0xffffffff};
  for (const std::uint32_t id : strangers) {
    EXPECT_EQ(registry.find(ServiceId{id}), nullptr) << id;
    EXPECT_FALSE(registry.live(ServiceId{id})) << id;
  }
  const ServiceId a = reserve(registry);
  EXPECT_FALSE(registry.live(ServiceId{a.value + 1}));           // on the same page
  EXPECT_FALSE(registry.live(ServiceId{a.value | 0x01000000}));  // of another node
  EXPECT_EQ(registry.find(ServiceId{}), nullptr);
}

TEST(Registry, AddressReturnsOnlyAfterTheQuarantine) {
  Registry registry;
  const ServiceId first = reserve(registry);
  registry.release(first);
  std::unordered_set<std::uint32_t> others;
  std::size_t ended = 0;
  for (ServiceId id; (id = reserve(registry)) != first; ++ended) {
    ASSERT_LT(ended, 2 * kQuarantine);
    EXPECT_TRUE(others.insert(id.value).second);
    registry.release(id);
  }
  EXPECT_GE(others.size(), kQuarantine);
  EXPECT_TRUE(registry.live(first));
}

TEST(Registry, ReservesAcrossPages) {
  Registry registry;
  std::unordered_set<std::uint32_t> ids;
  for (int i = 0; i < 10'000; ++i) ids.insert(reserve(registry).value);
  EXPECT_EQ(ids.size(), 10'000u);
  EXPECT_EQ(registry.count(), 10'000u);
  EXPECT_EQ(registry.list().size(), 10'000u);
}

TEST(Registry, FirstNameWins) {
  Registry registry;
  const ServiceId a = reserve(registry), b = reserve(registry);
  EXPECT_FALSE(registry.find_name("db"));
  ASSERT_TRUE(registry.set_name("db", a));
  const auto second = registry.set_name("db", b);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::kExists);
  EXPECT_FALSE(registry.set_name("db", a));
  EXPECT_EQ(registry.find_name("db"), a);
}

TEST(Registry, NamesVanishWithTheService) {
  Registry registry;
  const ServiceId a = reserve(registry), b = reserve(registry);
  ASSERT_TRUE(registry.set_name("one", a));
  ASSERT_TRUE(registry.set_name("two", a));
  ASSERT_TRUE(registry.set_name("three", b));
  registry.release(a);
  EXPECT_FALSE(registry.find_name("one"));
  EXPECT_FALSE(registry.find_name("two"));
  EXPECT_EQ(registry.find_name("three"), b);
  EXPECT_TRUE(registry.set_name("one", b));
}

TEST(Registry, TheDeadGetNoName) {
  Registry registry;
  const ServiceId a = reserve(registry);
  registry.release(a);
  const auto named = registry.set_name("late", a);
  ASSERT_FALSE(named);
  EXPECT_EQ(named.error().code, Errc::kNotFound);
  EXPECT_FALSE(registry.set_name("nobody", ServiceId{}));
  EXPECT_FALSE(registry.find_name("late"));
}

// A name must never outlive its service, however the two calls meet.
TEST(Registry, NamingRacesWithDeath) {
  Registry registry;
  for (int round = 0; round < 300; ++round) {
    const ServiceId id = reserve(registry);
    std::thread namer([&registry, id, round] {
      for (int i = 0; i < 20; ++i) {
        static_cast<void>(registry.set_name(numbered(round, i), id));
      }
    });
    registry.release(id);
    namer.join();
    for (int i = 0; i < 20; ++i) ASSERT_FALSE(registry.find_name(numbered(round, i)));
  }
}

TEST(Registry, ThreadsReserveReleaseAndLookUp) {
  Registry registry;
  std::vector<std::thread> threads;
  for (std::uint16_t t = 0; t < 4; ++t) {
    threads.emplace_back([t, &registry] {
      std::vector<ServiceId> mine;
      for (int i = 0; i < 3000; ++i) {
        const ServiceId id = reserve(registry, t);
        EXPECT_EQ(registry.find(id)->worker.load(), t);
        mine.push_back(id);
        static_cast<void>(registry.live(ServiceId{static_cast<std::uint32_t>(i + 1)}));
        if (i % 3 != 0) {
          registry.release(mine.back());
          mine.pop_back();
        }
        if (i % 500 == 0) static_cast<void>(registry.list());
      }
      for (const ServiceId id : mine) {
        EXPECT_TRUE(registry.live(id));
        EXPECT_EQ(registry.find(id)->worker.load(), t);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(registry.count(), 4000u);
  EXPECT_EQ(registry.list().size(), 4000u);
}

}  // namespace
}  // namespace gatehouse::actor
