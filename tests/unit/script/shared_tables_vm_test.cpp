// Shared tables that services hold.
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "script_system.hpp"

namespace gatehouse::script {
namespace {

// A VM that sleeps lets go of the version before when there is a new one.
TEST(SharedTablesOfServices, FollowWhileTheySleep) {
  ScriptSystem script(2);
  ASSERT_TRUE(script.run("shared_tables_service"));
  EXPECT_EQ(script.env("test_failures"), "");
  SharedTables& tables = script.runtime().tables;
  std::weak_ptr<const SharedTree> before = tables.find(SharedFace::kSharedata, "slept").tree;
  ASSERT_FALSE(before.expired());
  SharedTreeBuilder builder;
  builder.close(*builder.open(nullptr, {}), {});
  ASSERT_TRUE(tables.publish(SharedFace::kSharedata, "slept", builder.finish(),
                             SharedTables::Mode::kReplace));
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!before.expired() && std::chrono::steady_clock::now() < limit) {
    std::this_thread::yield();
  }
  EXPECT_TRUE(before.expired());
}

// A version lives as long as a VM holds a table of it.
TEST(SharedTablesOfServices, LiveAsLongAsTheyAreHeld) {
  std::weak_ptr<const SharedTree> held;
  {
    ScriptSystem script(2);
    ASSERT_TRUE(script.run("shared_tables_service"));
    SharedTables& tables = script.runtime().tables;
    for (const SharedFace face : {SharedFace::kSharedata, SharedFace::kSharetable}) {
      const std::weak_ptr<const SharedTree> dropped = tables.find(face, "dropped").tree;
      EXPECT_FALSE(dropped.expired());
      EXPECT_TRUE(tables.remove(face, "dropped"));
      EXPECT_TRUE(dropped.expired());
    }
    held = tables.find(SharedFace::kSharedata, "held").tree;
    EXPECT_TRUE(tables.remove(SharedFace::kSharedata, "held"));
    EXPECT_FALSE(held.expired());
  }
  EXPECT_TRUE(held.expired());
}

}  // namespace
}  // namespace gatehouse::script
