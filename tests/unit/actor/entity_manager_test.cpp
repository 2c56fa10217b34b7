#include "actor/entity_manager.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>

namespace gatehouse::actor {
namespace {

constexpr ServiceId kAlice{1}, kBob{17};  // of the same owner shard

TEST(EntityManager, RegistersAnIdOnce) {
  EntityManager entities;
  ASSERT_TRUE(entities.add("player", "test1@cocos1", kAlice));
  for (const ServiceId actor : {kAlice, kBob}) {
    const auto again = entities.add("player", "test1@cocos1", actor);
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code, Errc::kExists);
  }
  EXPECT_EQ(entities.find("player", "test1@cocos1"), kAlice);
  EXPECT_FALSE(entities.find("player", "test2@cocos1"));
  EXPECT_FALSE(entities.find("room", "test1@cocos1"));
}

TEST(EntityManager, RefusesKindsThatWouldBeAmbiguous) {
  EntityManager entities;
  EXPECT_EQ(entities.add("", "x", kAlice).error().code, Errc::kInvalid);
  EXPECT_EQ(entities.add(std::string("a\0b", 3), "x", kAlice).error().code, Errc::kInvalid);
  ASSERT_TRUE(entities.add("a", std::string("b\0c", 3), kAlice));  // any id is an id
  EXPECT_EQ(entities.find("a", std::string("b\0c", 3)), kAlice);
  EXPECT_FALSE(entities.find("a", "b"));
  EXPECT_TRUE(entities.add("a", "", kAlice));
}

TEST(EntityManager, RemovedIdMayBeRegisteredAgain) {
  EntityManager entities;
  EXPECT_EQ(entities.remove("player", "x").error().code, Errc::kNotFound);
  ASSERT_TRUE(entities.add("player", "x", kAlice));
  ASSERT_TRUE(entities.remove("player", "x"));
  EXPECT_FALSE(entities.find("player", "x"));
  ASSERT_TRUE(entities.add("player", "x", kBob));
  entities.remove_all(kAlice);  // owns nothing any more
  EXPECT_EQ(entities.find("player", "x"), kBob);
}

TEST(EntityManager, RemoveAllDropsOneActorsEntriesOnly) {
  EntityManager entities;
  for (int i = 0; i < 40; ++i) {
    ASSERT_TRUE(
        entities.add(i % 2 == 0 ? "player" : "room", std::to_string(i), i % 4 < 2 ? kAlice : kBob));
  }
  entities.remove_all(kAlice);
  EXPECT_EQ(entities.count("player") + entities.count("room"), 20u);
  for (const char* kind : {"player", "room"}) {
    for (const auto& entry : entities.list(kind)) EXPECT_EQ(entry.actor, kBob);
  }
  entities.remove_all(kBob);
  EXPECT_EQ(entities.count("player") + entities.count("room"), 0u);
  entities.remove_all(kBob);
}

TEST(EntityManager, CountsAndListsByKind) {
  EntityManager entities;
  ASSERT_TRUE(entities.add("player", "a", kAlice));
  ASSERT_TRUE(entities.add("player", "b", kBob));
  ASSERT_TRUE(entities.add("players", "c", kBob));  // a kind that begins like another
  EXPECT_EQ(entities.count("player"), 2u);
  EXPECT_EQ(entities.count("players"), 1u);
  EXPECT_EQ(entities.count("play"), 0u);
  auto list = entities.list("player");
  std::sort(list.begin(), list.end(), [](const auto& x, const auto& y) { return x.id < y.id; });
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].id, "a");
  EXPECT_EQ(list[0].actor, kAlice);
  EXPECT_EQ(list[1].id, "b");
  EXPECT_EQ(list[1].actor, kBob);
}

TEST(EntityManager, OneOfFourThreadsWinsEachId) {
  constexpr int kThreads = 4, kIds = 2000;
  EntityManager entities;
  std::atomic<int> won{0};
  std::vector<std::thread> threads;
  for (std::uint32_t t = 1; t <= kThreads; ++t) {
    threads.emplace_back([t, &entities, &won] {
      for (int i = 0; i < kIds; ++i) {
        if (entities.add("player", std::to_string(i), ServiceId{t})) ++won;
        if (i % 200 == 0) static_cast<void>(entities.list("player"));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(won, kIds);
  EXPECT_EQ(entities.count("player"), static_cast<std::size_t>(kIds));
  for (std::uint32_t t = 1; t <= kThreads; ++t) entities.remove_all(ServiceId{t});
  EXPECT_EQ(entities.count("player"), 0u);
}

TEST(EntityManager, ThreadsAddAndRemoveTheirOwn) {
  EntityManager entities;
  std::vector<std::thread> threads;
  for (std::uint32_t t = 1; t <= 4; ++t) {
    threads.emplace_back([t, &entities] {
      for (int i = 0; i < 3000; ++i) {
        const std::string id = std::to_string(t) + "/" + std::to_string(i % 10);
        ASSERT_TRUE(entities.add("e", id, ServiceId{t}));
        EXPECT_EQ(entities.find("e", id), ServiceId{t});
        if (i % 2 == 0) {
          ASSERT_TRUE(entities.remove("e", id));
        } else {
          entities.remove_all(ServiceId{t});
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(entities.count("e"), 0u);
}

}  // namespace
}  // namespace gatehouse::actor
