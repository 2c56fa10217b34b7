// Shared tables that services hold.
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "script_system.hpp"

namespace gatehouse::modules {
namespace {

// A VM that sleeps lets go of the version before when there is a new one.
TEST(SharedTablesOfServices, FollowWhileTheySleep) {
  test::ScriptSystem script(2);
  ASSERT_TRUE(script.run("shared_tables_service"));
  EXPECT_EQ(script.env("test_failures"), "");
  tables::SharedTables& tables = script.runtime().tables;
  std::weak_ptr<const tables::SharedTree> before =
      tables.find(tables::SharedFace::kSharedata, "slept").tree;
  ASSERT_FALSE(before.expired());
  tables::SharedTreeBuilder builder;
  builder.close(*builder.open(nullptr, {}), {});
  ASSERT_TRUE(tables.publish(tables::SharedFace::kSharedata, "slept", builder.finish(),
                             tables::SharedTables::Mode::kReplace));
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!before.expired() && std::chrono::steady_clock::now() < limit) {
    std::this_thread::yield();
  }
  EXPECT_TRUE(before.expired());
}

// A version lives as long as a VM holds a table of it.
TEST(SharedTablesOfServices, LiveAsLongAsTheyAreHeld) {
  std::weak_ptr<const tables::SharedTree> held;
  {
    test::ScriptSystem script(2);
    ASSERT_TRUE(script.run("shared_tables_service"));
    tables::SharedTables& tables = script.runtime().tables;
    for (const tables::SharedFace face :
         {tables::SharedFace::kSharedata, tables::SharedFace::kSharetable}) {
      const std::weak_ptr<const tables::SharedTree> dropped = tables.find(face, "dropped").tree;
      EXPECT_FALSE(dropped.expired());
      EXPECT_TRUE(tables.remove(face, "dropped"));
      EXPECT_TRUE(dropped.expired());
    }
    held = tables.find(tables::SharedFace::kSharedata, "held").tree;
    EXPECT_TRUE(tables.remove(tables::SharedFace::kSharedata, "held"));
    EXPECT_FALSE(held.expired());
  }
  EXPECT_TRUE(held.expired());
}

}  // namespace
}  // namespace gatehouse::modules
