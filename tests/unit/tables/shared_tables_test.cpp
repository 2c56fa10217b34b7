// The names of shared tables, and versions that change under readers.
#include "tables/shared_tables.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "tables/shared_cells.hpp"

namespace gatehouse::tables {
namespace {

constexpr SharedFace kFace = SharedFace::kSharedata;
using Mode = SharedTables::Mode;

// {first = n, second = "n"}
SharedTreePtr version(std::int64_t number) {
  SharedTreeBuilder builder;
  SharedTable* root = builder.open(nullptr, {});
  SharedTreeBuilder::Contents contents;
  contents.add(builder.string("first"), SharedTreeBuilder::integer(number));
  contents.add(builder.string("second"), builder.string(std::to_string(number)));
  builder.close(*root, contents);
  return builder.finish();
}

TEST(SharedTables, ModesOfPublishing) {
  SharedTables tables;
  EXPECT_EQ(tables.publish(kFace, "a", version(1), Mode::kReplace).error().code, Errc::kNotFound);
  EXPECT_TRUE(tables.publish(kFace, "a", version(1), Mode::kNew));
  EXPECT_EQ(tables.publish(kFace, "a", version(2), Mode::kNew).error().code, Errc::kExists);
  const auto before = tables.find(kFace, "a");
  EXPECT_EQ(before.tree->root().find("first").bits.integer, 1);
  EXPECT_TRUE(tables.publish(kFace, "a", version(2), Mode::kSet));
  EXPECT_EQ(tables.find(kFace, "a").lineage, before.lineage);
  EXPECT_EQ(tables.find(SharedFace::kSharetable, "a").tree, nullptr);
  EXPECT_EQ(tables.names(kFace), std::vector<std::string>{"a"});
  EXPECT_TRUE(tables.remove(kFace, "a"));
  EXPECT_FALSE(tables.remove(kFace, "a"));
  EXPECT_EQ(tables.find(kFace, "a").tree, nullptr);
  EXPECT_TRUE(tables.publish(kFace, "a", version(3), Mode::kSet));
  EXPECT_NE(tables.find(kFace, "a").lineage, before.lineage);
  EXPECT_EQ(before.tree->root().find("second").bits.string->view(), "1");
}

TEST(SharedTables, NamesAreBounded) {
  SharedTables tables;
  const std::string longest(SharedTables::kNameBytesMax, 'n');
  EXPECT_TRUE(tables.publish(kFace, longest, version(1), Mode::kNew));
  EXPECT_EQ(tables.publish(kFace, longest + "n", version(1), Mode::kNew).error().code,
            Errc::kInvalid);
}

// Readers hold a version whole, whatever the writer does; nothing is left at the end.
TEST(SharedTables, ManyReadersWhileOneWrites) {
  constexpr std::int64_t kVersions = 3000;
  SharedTables tables;
  ASSERT_TRUE(tables.publish(kFace, "a", version(0), Mode::kNew));
  std::atomic<bool> wrong{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([&tables, &wrong] {
      std::uint64_t seen = 0;
      SharedTables::Current current;
      std::int64_t last = 0;
      while (last < kVersions && !wrong) {
        if (tables.epoch() != seen) {
          seen = tables.epoch();
          current = tables.find(kFace, "a");
        }
        const SharedTable& root = current.tree->root();
        const std::int64_t number = root.find("first").bits.integer;
        if (number < last || root.find("second").bits.string->view() != std::to_string(number)) {
          wrong = true;
        }
        last = number;
      }
    });
  }
  std::weak_ptr<const SharedTree> old = tables.find(kFace, "a").tree;
  for (std::int64_t i = 1; i <= kVersions; ++i) {
    if (!tables.publish(kFace, "a", version(i), Mode::kReplace)) wrong = true;
  }
  for (std::thread& reader : readers) reader.join();
  EXPECT_FALSE(wrong);
  EXPECT_TRUE(old.expired());
}

TEST(SharedCells, ManyReadersWhileOneWrites) {
  constexpr int kWrites = 3000;
  SharedCells cells;
  auto cell = std::make_shared<SharedCell>();
  std::vector<std::thread> readers;
  std::atomic<int> wrong{0};
  for (int i = 0; i < 4; ++i) {
    const std::uint64_t id = cells.send(cell);
    readers.emplace_back([&cells, &wrong, id] {
      const SharedCellPtr mine = cells.take(id);
      std::uint64_t seen = 0;
      int last = 0;
      while (last < kWrites) {
        const SharedCell::Content content = mine->read(seen);
        if (content == nullptr) continue;
        const int number = std::stoi(std::string(content->view()));
        if (number < last) ++wrong;
        last = number;
      }
    });
  }
  for (int i = 1; i <= kWrites; ++i) {
    cell->write(SharedCell::Content(actor::make_message(std::to_string(i)).release(),
                                    actor::MessageDeleter()));
  }
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(wrong, 0);
  const std::uint64_t id = cells.send(cell);
  cells.drop(cell);
  EXPECT_EQ(cells.take(id), nullptr);
}

}  // namespace
}  // namespace gatehouse::tables
