// Directory, and the exact counting of places.
#include "gate/directory.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "gate/connection_slots.hpp"
#include "protocol/gate_handshake.hpp"

namespace gatehouse::gate {
namespace {

// Never followed.
Session* some_session(std::uintptr_t number) {
  return reinterpret_cast<Session*>(number * 64);
}

TEST(DirectoryTest, ANameIsTakenUntilItIsRemoved) {
  Directory directory;
  const std::string name = protocol::make_gate_name("ann", "sample", "7");
  EXPECT_FALSE(directory.find(name));
  EXPECT_TRUE(directory.add(name, {1, some_session(1)}));
  EXPECT_FALSE(directory.add(name, {2, some_session(2)})) << "the first one stays";
  ASSERT_TRUE(directory.find(name));
  EXPECT_EQ(directory.find(name)->worker, 1);
  EXPECT_EQ(directory.find(name)->session, some_session(1));
  EXPECT_EQ(directory.count(), 1u);
  directory.remove(name);
  EXPECT_FALSE(directory.find(name));
  EXPECT_EQ(directory.count(), 0u);
  EXPECT_TRUE(directory.add(name, {2, some_session(2)}));
}

TEST(DirectoryTest, FindsANameAsAClientMaySpellIt) {
  Directory directory;
  const std::string name = protocol::make_gate_name("\xc3\xa9va", "sample", "7");  // éva
  ASSERT_TRUE(directory.add(name, {1, some_session(1)}));
  const std::string decomposed = protocol::make_gate_name("e\xcc\x81va", "sample", "7");
  EXPECT_FALSE(directory.find(decomposed));
  ASSERT_TRUE(directory.find_spelled(decomposed));
  EXPECT_EQ(directory.find_spelled(decomposed)->session, some_session(1));
  EXPECT_TRUE(directory.find_spelled(name));
  EXPECT_FALSE(directory.find_spelled(protocol::make_gate_name("eva", "sample", "7")));
  EXPECT_FALSE(directory.find_spelled("no name at all"));
}

TEST(DirectoryTest, EachNameIsFoundAmongMany) {
  Directory directory;
  std::vector<std::string> names;
  for (int i = 0; i < 2'000; ++i)
    names.push_back(protocol::make_gate_name("p" + std::to_string(i), "sample", "1"));
  for (std::size_t i = 0; i < names.size(); ++i)
    ASSERT_TRUE(directory.add(names[i], {static_cast<std::uint16_t>(i % 4), some_session(i + 1)}));
  EXPECT_EQ(directory.count(), names.size());
  for (std::size_t i = 0; i < names.size(); i += 2) directory.remove(names[i]);
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto found = directory.find(names[i]);
    ASSERT_EQ(found.has_value(), i % 2 == 1) << i;
    if (!found) continue;
    EXPECT_EQ(found->session, some_session(i + 1));
  }
}

TEST(ConnectionSlotsTest, ThereAreSoManyAndNoMore) {
  ConnectionSlots slots(2);
  Slot first = slots.try_take();
  Slot second = slots.try_take();
  EXPECT_TRUE(first);
  EXPECT_TRUE(second);
  EXPECT_FALSE(slots.try_take());
  EXPECT_EQ(slots.taken(), 2u);
  second.give_back();
  second.give_back();
  EXPECT_EQ(slots.taken(), 1u) << "given back once";
  {
    const Slot moved = std::move(first);
    EXPECT_TRUE(moved);
    EXPECT_FALSE(first);  // NOLINT: empty, as it says
    EXPECT_EQ(slots.taken(), 1u);
  }
  EXPECT_EQ(slots.taken(), 0u);
}

TEST(ConnectionSlotsTest, WhatIsAssignedOverIsGivenBack) {
  ConnectionSlots here(1), there(1);
  Slot slot = here.try_take();
  slot = there.try_take();
  EXPECT_EQ(here.taken(), 0u);
  EXPECT_EQ(there.taken(), 1u);
  slot = Slot();
  EXPECT_EQ(there.taken(), 0u);
}

TEST(ConnectionSlotsTest, ManyThreadsNeverHoldMore) {
  constexpr int kSlots = 3;
  ConnectionSlots slots(kSlots);
  std::atomic<int> held{0}, granted{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 2'000; ++i) {
        Slot slot = slots.try_take();
        if (!slot) continue;
        EXPECT_LT(held.fetch_add(1), kSlots);
        ++granted;
        held.fetch_sub(1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GT(granted, 0);
  EXPECT_EQ(slots.taken(), 0u);
}

}  // namespace
}  // namespace gatehouse::gate
