// SessionMap: what is put in is found until it is taken, whatever the table's order is.
#include "script/session_map.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <random>
#include <utility>
#include <vector>

namespace gatehouse::script {
namespace {

// The map never looks into a task.
Task* fake_task(std::uintptr_t number) {
  return reinterpret_cast<Task*>(number * 64);
}

constexpr ServiceId kSomeService{0x01000005};

// The map's hash: where a key's search begins in a table of 16.
std::size_t home_of(ServiceId service, std::int32_t session) {
  const std::uint64_t key =
      std::uint64_t{service.value} << 32 | static_cast<std::uint32_t>(session);
  return static_cast<std::size_t>((key * 0x9e3779b97f4a7c15ull) >> 32) & 15;
}

// So many sessions of kSomeService whose search begins at `home`.
std::vector<std::int32_t> sessions_at(std::size_t home, std::size_t count) {
  std::vector<std::int32_t> found;
  for (std::int32_t session = 1; found.size() < count; ++session) {
    if (home_of(kSomeService, session) == home) found.push_back(session);
  }
  return found;
}

TEST(SessionMap, IsEmptyAtFirst) {
  SessionMap map;
  EXPECT_EQ(map.size(), 0u);
  EXPECT_EQ(map.find(kSomeService, 1), nullptr);
  EXPECT_EQ(map.take(kSomeService, 1), nullptr);
}

TEST(SessionMap, TakesOnce) {
  SessionMap map;
  map.insert(kSomeService, 1, fake_task(1));
  EXPECT_EQ(map.find(kSomeService, 1), fake_task(1));
  EXPECT_EQ(map.size(), 1u);
  EXPECT_EQ(map.take(kSomeService, 1), fake_task(1));
  EXPECT_EQ(map.take(kSomeService, 1), nullptr);
  EXPECT_EQ(map.find(kSomeService, 1), nullptr);
  EXPECT_EQ(map.size(), 0u);
}

TEST(SessionMap, TellsServicesAndSessionsApart) {
  SessionMap map;
  const std::int32_t edges[] = {0, 1, -1, INT32_MAX, INT32_MIN};
  std::uintptr_t number = 0;
  for (const std::uint32_t service : {1u, 2u, 0x00ffffffu, 0xffffffffu}) {
    for (const std::int32_t session : edges)
      map.insert(ServiceId{service}, session, fake_task(++number));
  }
  number = 0;
  for (const std::uint32_t service : {1u, 2u, 0x00ffffffu, 0xffffffffu}) {
    for (const std::int32_t session : edges)
      EXPECT_EQ(map.take(ServiceId{service}, session), fake_task(++number));
  }
  EXPECT_EQ(map.size(), 0u);
}

TEST(SessionMap, GrowsAndLosesNobody) {
  SessionMap map;
  constexpr std::int32_t kCount = 10'000;
  for (std::int32_t session = 1; session <= kCount; ++session) {
    map.insert(kSomeService, session, fake_task(static_cast<std::uintptr_t>(session)));
    ASSERT_EQ(map.size(), static_cast<std::size_t>(session));
  }
  for (std::int32_t session = 1; session <= kCount; ++session)
    ASSERT_EQ(map.find(kSomeService, session), fake_task(static_cast<std::uintptr_t>(session)));
}

// All begin at one place: each taken leaves a hole over which the others must still be found.
TEST(SessionMap, FindsThoseBehindAHole) {
  for (std::size_t first = 0; first < 6; ++first) {
    SessionMap map;
    std::vector<std::int32_t> sessions = sessions_at(3, 6);
    for (const std::int32_t session : sessions)
      map.insert(kSomeService, session, fake_task(static_cast<std::uintptr_t>(session)));
    while (!sessions.empty()) {
      const auto at = sessions.begin() + static_cast<std::ptrdiff_t>(first % sessions.size());
      EXPECT_EQ(map.take(kSomeService, *at), fake_task(static_cast<std::uintptr_t>(*at)));
      sessions.erase(at);
      for (const std::int32_t session : sessions) {
        EXPECT_EQ(map.find(kSomeService, session), fake_task(static_cast<std::uintptr_t>(session)));
      }
    }
  }
}

// A run of full places that goes over the end of the table, with one at its own place inside.
TEST(SessionMap, FindsThoseBehindTheEnd) {
  const std::vector<std::int32_t> last = sessions_at(15, 4), next = sessions_at(0, 2);
  SessionMap map;
  std::vector<std::int32_t> in_map;
  const auto put = [&](std::int32_t session) {
    map.insert(kSomeService, session, fake_task(static_cast<std::uintptr_t>(session)));
    in_map.push_back(session);
  };
  put(last[0]);
  put(last[1]);  // at place 0
  put(next[0]);  // at 1
  put(last[2]);
  put(next[1]);
  put(last[3]);
  for (const std::int32_t taken : {last[0], next[0], last[2], last[1], next[1], last[3]}) {
    EXPECT_EQ(map.take(kSomeService, taken), fake_task(static_cast<std::uintptr_t>(taken)));
    std::erase(in_map, taken);
    for (const std::int32_t session : in_map)
      EXPECT_EQ(map.find(kSomeService, session), fake_task(static_cast<std::uintptr_t>(session)));
  }
}

// Against a map that is known to be right, at every load it can have.
TEST(SessionMap, DoesWhatAMapDoes) {
  std::mt19937 random(20240717);
  SessionMap map;
  std::map<std::pair<std::uint32_t, std::int32_t>, Task*> model;
  for (int step = 0; step < 200'000; ++step) {
    // Waves of growing and shrinking.
    const bool grow = random() % 100 < (step / 5'000 % 2 == 0 ? 65u : 35u);
    const ServiceId service{static_cast<std::uint32_t>(1 + random() % 5)};
    const auto session = static_cast<std::int32_t>(1 + random() % 2'000);
    const auto known = model.find({service.value, session});
    if (known == model.end() && grow) {
      Task* task = fake_task(1 + static_cast<std::uintptr_t>(step));
      map.insert(service, session, task);
      model.emplace(std::pair(service.value, session), task);
    } else {
      Task* const expected = known == model.end() ? nullptr : known->second;
      ASSERT_EQ(map.find(service, session), expected);
      ASSERT_EQ(map.take(service, session), expected);
      if (expected != nullptr) model.erase(known);
    }
    ASSERT_EQ(map.size(), model.size());
  }
  for (const auto& [key, task] : model) EXPECT_EQ(map.take(ServiceId{key.first}, key.second), task);
  EXPECT_EQ(map.size(), 0u);
}

}  // namespace
}  // namespace gatehouse::script
