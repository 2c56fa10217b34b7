// Trees of shared tables: what is put in comes out, however many keys there are.
#include "tables/shared_tree.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

namespace gatehouse::tables {
namespace {

SharedValue key_of(SharedTreeBuilder& builder, std::uint64_t number, int form) {
  switch (form) {
    case 0:
      return SharedTreeBuilder::integer(static_cast<std::int64_t>(number));
    case 1:
      return builder.string(std::to_string(number));
    default:
      return builder.string(std::string(number % 40, 'x') + std::to_string(number));
  }
}

class Sizes : public testing::TestWithParam<std::size_t> {};

TEST_P(Sizes, EveryKeyIsFoundAndWalked) {
  std::mt19937_64 random(GetParam());
  SharedTreeBuilder builder;
  SharedTable* table = builder.open(nullptr, {});
  SharedTreeBuilder::Contents contents;
  std::map<std::string, std::int64_t> strings;
  std::map<std::int64_t, std::int64_t> integers;
  const std::size_t items = GetParam() / 2;
  for (std::size_t i = 0; i < items; ++i) {
    contents.array.push_back(SharedTreeBuilder::integer(static_cast<std::int64_t>(i) + 1));
    integers[static_cast<std::int64_t>(i) + 1] = static_cast<std::int64_t>(i) + 1;
  }
  for (std::size_t i = 0; i < GetParam(); ++i) {
    const auto value = static_cast<std::int64_t>(i);
    const SharedValue key = key_of(builder, random() | std::uint64_t{1} << 40, i % 3);
    const bool fresh = key.kind == SharedKind::kInteger
                           ? integers.emplace(key.bits.integer, value).second
                           : strings.emplace(key.bits.string->view(), value).second;
    if (fresh) contents.add(key, SharedTreeBuilder::integer(value));
  }
  builder.close(*table, contents);
  const SharedTreePtr tree = builder.finish();
  const SharedTable& root = tree->root();
  for (const auto& [key, value] : strings) EXPECT_EQ(root.find(key).bits.integer, value) << key;
  for (const auto& [key, value] : integers) EXPECT_EQ(root.find(key).bits.integer, value) << key;
  EXPECT_EQ(root.find("not there").kind, SharedKind::kNil);
  EXPECT_EQ(root.find(std::int64_t{0}).kind, SharedKind::kNil);
  EXPECT_EQ(root.find(INT64_MIN).kind, SharedKind::kNil);
  std::size_t walked = 0;
  std::uint32_t at = 0;
  SharedValue key, value;
  while ((at = root.next(at, key, value)) != 0) {
    ++walked;
    const std::uint32_t found = key.kind == SharedKind::kInteger
                                    ? root.position_of(key.bits.integer)
                                    : root.position_of(key.bits.string->view());
    EXPECT_EQ(found, at);
    EXPECT_EQ(root.find(key).bits.integer, value.bits.integer);
  }
  EXPECT_EQ(walked, strings.size() + integers.size());
}

INSTANTIATE_TEST_SUITE_P(Trees, Sizes, testing::Values(0, 1, 7, 8, 9, 10, 100, 1000, 20000));

TEST(SharedTree, StringsAreKeptOnce) {
  SharedTreeBuilder builder;
  static_cast<void>(builder.open(nullptr, {}));
  const SharedValue first = builder.string("the same");
  for (int i = 0; i < 100'000; ++i)
    EXPECT_EQ(builder.string("the same").bits.string, first.bits.string);
  EXPECT_EQ(builder.string(std::string_view("a\0b", 3)).bits.string->view().size(), 3u);
  EXPECT_LE(builder.finish()->bytes(), 1024u);
}

TEST(SharedTree, CopiesAreWhole) {
  SharedTreeBuilder builder;
  SharedTable* root = builder.open(nullptr, {});
  const SharedValue name = builder.string("part");
  SharedTable* part = builder.open(root, name);
  SharedTreeBuilder::Contents contents;
  contents.array = {SharedTreeBuilder::number(0.5), builder.string("text")};
  builder.close(*part, contents);
  contents = {};
  contents.add(name, SharedTreeBuilder::table(part));
  builder.close(*root, contents);
  SharedTreePtr tree = builder.finish();
  SharedTreeBuilder other;
  static_cast<void>(other.copy(tree->root(), nullptr, {}));
  tree.reset();
  const SharedTreePtr copy = other.finish();
  const SharedTable& copied = *copy->root().find("part").bits.table;
  EXPECT_EQ(copied.find(std::int64_t{1}).bits.number, 0.5);
  EXPECT_EQ(copied.find(std::int64_t{2}).bits.string->view(), "text");
  EXPECT_EQ(copied.path(), ".part");
  EXPECT_EQ(copied.depth, 2u);
}

TEST(SharedTree, KnowsItsLimits) {
  SharedTreeBuilder builder;
  const SharedTable* above = nullptr;
  for (std::uint32_t i = 0; i < SharedTree::kDepthMax; ++i) {
    above = builder.open(above, SharedTreeBuilder::integer(1));
  }
  EXPECT_FALSE(builder.too_deep());
  static_cast<void>(builder.open(above, SharedTreeBuilder::integer(1)));
  EXPECT_TRUE(builder.too_deep());
  EXPECT_FALSE(builder.too_large());
}

}  // namespace
}  // namespace gatehouse::tables
