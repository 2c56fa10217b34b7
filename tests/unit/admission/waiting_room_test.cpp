#include "admission/waiting_room.hpp"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "admission/server_rooms.hpp"
#include "test_world.hpp"

namespace gatehouse::admission {
namespace {

using Priority = WaitingRoom::Priority;
using Turn = WaitingRoom::Turn;

class WaitingRoomTest : public testing::Test {
 protected:
  std::shared_ptr<Waiter> enter(const std::string& key, Priority priority = Priority::kNormal) {
    auto waiter = std::make_shared<Waiter>();
    const bool taken = room_.enter(key, priority, waiter, [this, key](Turn turn) {
      const char* const words[] = {"", " left", " pushed out"};
      told_ += (told_.empty() ? "" : ",") + key + words[static_cast<int>(turn)];
    });
    if (!taken) told_ += (told_.empty() ? "" : ",") + key + " full";
    return waiter;
  }
  // Frees slots one by one and returns who was told what since the last call.
  std::string free(int slots = 0) {
    for (int i = 0; i < slots; ++i) {
      ++slots_;
      room_.admit();
    }
    return std::exchange(told_, {});
  }

  MetricSet metrics_;
  Metric& gauge_ = metrics_.gauge("waiting", "", "");
  int slots_ = 0;
  std::string told_;
  WaitingRoom room_{
      {.places_max = 4, .keep_ms = 1'000}, [this] { return slots_ > 0 && slots_-- > 0; }, gauge_};
};

TEST_F(WaitingRoomTest, NobodyWaitsWhileThereAreSlots) {
  slots_ = 2;
  EXPECT_EQ(enter("a")->position, 0u);
  enter("b");
  EXPECT_EQ(free(), "a,b");
  enter("c");
  EXPECT_EQ(free(), "");
  EXPECT_EQ(gauge_.value(), 1);
  EXPECT_EQ(free(1), "c");
  EXPECT_EQ(gauge_.value(), 0);
}

TEST_F(WaitingRoomTest, FirstComeFirstServedWithPositions) {
  const auto a = enter("a"), b = enter("b"), c = enter("c");
  EXPECT_TRUE(room_.update(0));
  EXPECT_EQ(a->position, 1u);
  EXPECT_EQ(b->position, 2u);
  EXPECT_EQ(c->position, 3u);
  EXPECT_EQ(free(1), "a");
  EXPECT_EQ(a->position, 0u);
  room_.update(0);
  EXPECT_EQ(c->position, 2u);
  EXPECT_EQ(free(2), "b,c");
  EXPECT_FALSE(room_.update(0));
}

// Who is told, and when: by the room, what has changed, and not too often.
TEST_F(WaitingRoomTest, TellsAPositionThatHasChanged) {
  struct Listener final : Waiter {
    void on_position(std::uint32_t at) override { heard.push_back(at); }
    std::vector<std::uint32_t> heard;
  };
  const auto listener = std::make_shared<Listener>();
  listener->tell_ms = 200;
  enter("a");
  enter("b");
  ASSERT_TRUE(room_.enter("c", Priority::kNormal, listener, [](Turn) {}));
  EXPECT_EQ(listener->position, 3u);
  room_.update(199);
  EXPECT_TRUE(listener->heard.empty()) << "most need not be told";
  room_.update(200);
  room_.update(5'000);
  EXPECT_EQ(listener->heard, std::vector<std::uint32_t>{3}) << "once";
  free(1);
  room_.update(5'000);
  free(1);
  room_.update(5'999);
  EXPECT_EQ(listener->position, 1u);
  EXPECT_EQ(listener->heard, (std::vector<std::uint32_t>{3, 2})) << "not before update_ms is over";
  room_.update(6'000);
  EXPECT_EQ(listener->heard, (std::vector<std::uint32_t>{3, 2, 1}));
  ++slots_;
  room_.update(60'000);
  EXPECT_EQ(listener->heard.size(), 3u) << "who is let in is told nothing more";
}

TEST_F(WaitingRoomTest, HigherPriorityComesFirstAndPushesOut) {
  enter("suspect1", Priority::kSuspect);
  enter("normal1");
  enter("suspect2", Priority::kSuspect);
  enter("known", Priority::kKnown);
  EXPECT_EQ(free(), "");
  enter("normal2");
  EXPECT_EQ(free(), "suspect2 pushed out");
  enter("suspect3", Priority::kSuspect);
  EXPECT_EQ(free(), "suspect3 full");
  EXPECT_EQ(free(4), "known,normal1,normal2,suspect1");
}

TEST_F(WaitingRoomTest, APlaceIsKeptForAClientThatDrops) {
  enter("a");
  enter("b");
  room_.drop("a", 0);
  EXPECT_EQ(free(), "a left");
  room_.drop("a", 0);
  room_.drop("stranger", 0);
  EXPECT_EQ(free(), "");
  room_.update(999);
  const auto c = enter("c"), again = enter("a");
  room_.update(999);
  EXPECT_EQ(again->position, 1u) << "in front of b, as before";
  EXPECT_EQ(c->position, 3u);
  EXPECT_EQ(free(3), "a,b,c");
}

TEST_F(WaitingRoomTest, AKeptPlaceDoesNotHoldUpTheOthersAndIsForgotten) {
  enter("a");
  enter("b");
  room_.drop("a", 0);
  EXPECT_EQ(free(1), "a left,b");
  enter("c");
  enter("a");
  EXPECT_EQ(free(1), "a") << "before c, who came later";
  EXPECT_EQ(free(1), "c");

  enter("d");
  enter("e");
  room_.drop("d", 0);
  room_.update(1'000);
  enter("d");
  EXPECT_EQ(free(2), "d left,e,d");
}

TEST_F(WaitingRoomTest, AFullRoomForgetsKeptPlacesFirst) {
  for (const char* key : {"a", "b", "c", "d"}) enter(key);
  for (const char* key : {"a", "b", "d"}) room_.drop(key, 0);
  free();
  enter("e");
  enter("f");
  const auto a = enter("a");
  EXPECT_EQ(free(), "");
  room_.update(0);
  EXPECT_EQ(a->position, 1u) << "the latest places were given away, d's and b's";
  enter("b");
  EXPECT_EQ(free(), "b full");
  EXPECT_EQ(free(4), "a,c,e,f");
}

TEST_F(WaitingRoomTest, TwoOfOneKeyWaitEachForItself) {
  enter("a");
  enter("a");
  enter("b");
  EXPECT_EQ(free(3), "a,a,b");
}

TEST_F(WaitingRoomTest, EverybodyHasATurnInTheEnd) {
  enter("suspect", Priority::kSuspect);
  std::string told;
  for (int i = 0; i < 20 && told.find("suspect") == std::string::npos; ++i) {
    enter("known" + std::to_string(i), Priority::kKnown);
    told += free(1);
  }
  EXPECT_NE(told.find("suspect"), std::string::npos);
  EXPECT_NE(told.find("known0"), std::string::npos);
  room_.close();
}

TEST_F(WaitingRoomTest, AClosedRoomTellsEverybodyAndTakesNobody) {
  enter("a");
  enter("b");
  room_.drop("b", 0);
  room_.close();
  enter("c");
  EXPECT_EQ(free(1), "b left,a pushed out,c full");
  EXPECT_EQ(gauge_.value(), 0);
}

TEST(WaitingRoom, ManyThreadsEveryVisitorIsToldOnce) {
  MetricSet metrics;
  std::atomic<int> slots{0};
  WaitingRoom room(
      {.places_max = 1'000, .keep_ms = 0},
      [&] {
        int have = slots.load();
        while (have > 0 && !slots.compare_exchange_weak(have, have - 1)) {
        }
        return have > 0;
      },
      metrics.gauge("waiting", "", ""));
  constexpr int kThreads = 4, kEach = 2'000;
  std::atomic<int> told{0}, refused{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        const std::string key = std::to_string(t) + "/" + std::to_string(i);
        const auto priority = static_cast<Priority>(i % 3);
        if (!room.enter(key, priority, std::make_shared<Waiter>(), [&](Turn) { ++told; }))
          ++refused;
        if (i % 5 == 0) room.drop(key, 0);
        if (i % 2 == 0) ++slots;
        room.update(1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  room.close();
  EXPECT_EQ(told + refused, kThreads * kEach);
}

class ServerRoomsTest : public testing::Test {
 protected:
  std::shared_ptr<Waiter> enter(const std::string& uid) {
    auto waiter = std::make_shared<Waiter>();
    EXPECT_TRUE(rooms_->enter("sample", uid, waiter, [this, uid](Turn turn, Pass pass) {
      told_ += uid + (turn == Turn::kEnter ? "" : "!");
      if (turn == Turn::kEnter) passes_.push_back(std::move(pass));
    }));
    return waiter;
  }
  std::string told() { return std::exchange(told_, {}); }

  MetricSet metrics_;
  Limits limits_;
  std::atomic<std::size_t> players_{0};
  std::string told_;
  std::vector<Pass> passes_;
  std::unique_ptr<ServerRooms> rooms_ = std::make_unique<ServerRooms>(
      test_world().clock, limits_, metrics_, [this](std::string_view) { return players_.load(); });
};

TEST_F(ServerRoomsTest, PlayersAndThoseOnTheWayFillAServer) {
  rooms_->set_capacity("sample", 3);
  players_ = 1;
  for (const char* uid : {"a", "b", "c", "d"}) enter(uid);
  EXPECT_EQ(told(), "ab");
  passes_.erase(passes_.begin());  // a could not be placed
  EXPECT_EQ(told(), "c");
  players_ = 3;
  passes_.clear();  // b and c are players now
  EXPECT_EQ(told(), "");
  players_ = 2;
  rooms_->update(0);
  EXPECT_EQ(told(), "d");
}

TEST_F(ServerRoomsTest, CapacityAndStateMayChangeWhileSomebodyWaits) {
  rooms_->set_capacity("sample", 1);
  players_ = 1;
  enter("a");
  enter("b");
  rooms_->set_game_servers(
      {{.name = "other"},
       {.name = "sample", .state = store::ServerState::kMaintenance, .capacity = 9}});
  EXPECT_TRUE(rooms_->update(0));
  EXPECT_EQ(told(), "");
  rooms_->set_game_servers({{.name = "other", .state = store::ServerState::kClosed}});
  EXPECT_FALSE(rooms_->update(0));
  EXPECT_EQ(told(), "ab") << "without a row it is open and has no limit";
}

TEST_F(ServerRoomsTest, PassesOutliveTheRooms) {
  rooms_->set_capacity("sample", 1);
  enter("a");
  enter("b");
  EXPECT_EQ(told(), "a");
  rooms_.reset();
  EXPECT_EQ(told(), "b!");
  passes_.clear();
}

TEST(ServerRooms, LetsInAtARate) {
  MetricSet metrics;
  Limits limits;
  limits.login_rate_per_s = 1;
  ServerRooms rooms(test_world().clock, limits, metrics,
                    [](std::string_view) { return std::size_t{0}; });
  int entered = 0;
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(rooms.enter("sample", std::to_string(i), std::make_shared<Waiter>(),
                            [&](Turn turn, Pass) { entered += turn == Turn::kEnter; }));
  }
  EXPECT_EQ(entered, 1) << "the next one a second later";
  const auto end = monotonic_ms() + 30'000;
  while (entered < 3 && monotonic_ms() < end) {
    rooms.update(monotonic_ms());
    std::this_thread::yield();
  }
  EXPECT_EQ(entered, 3);
}

}  // namespace
}  // namespace gatehouse::admission
