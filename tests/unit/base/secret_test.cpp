#include "base/secret.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <string>

namespace gatehouse {
namespace {

template <class T>
concept Streamable = requires(std::ostream& out, const T& value) {
  out << value;
};

static_assert(!fmt::is_formattable<Secret>::value);
static_assert(!Streamable<Secret>);
static_assert(!std::is_convertible_v<Secret, std::string>);
static_assert(!std::is_convertible_v<Secret, std::string_view>);
static_assert(!std::is_convertible_v<std::string, Secret>);

const std::string kShort = "8 bytes.";  // inside the string object
const std::string kLong(200, 'k');      // on the heap

bool all_zero(const char* bytes, std::size_t size) {
  return std::all_of(bytes, bytes + size, [](char c) { return c == '\0'; });
}

TEST(Secret, RevealsWhatItWasGiven) {
  for (const std::string& text : {std::string(), kShort, kLong, std::string("a\0b", 3)}) {
    const Secret secret(text);
    EXPECT_EQ(secret.reveal(), text);
    EXPECT_EQ(secret.size(), text.size());
    EXPECT_EQ(secret.empty(), text.empty());
  }
}

TEST(Secret, ClearWipesTheBytesWhereTheyWere) {
  for (const std::string& text : {kShort, kLong}) {
    Secret secret{std::string(text)};
    const char* bytes = secret.reveal().data();
    secret.clear();
    EXPECT_TRUE(secret.empty());
    EXPECT_TRUE(all_zero(bytes, text.size()));
  }
}

TEST(Secret, WipesTheStringItIsMadeFrom) {
  for (const std::string& text : {kShort, kLong}) {
    std::string source = text;
    const Secret secret(std::move(source));
    source.resize(source.capacity(), '\0');  // fills only what lies beyond the wiped bytes
    EXPECT_EQ(source.find(text[0]), std::string::npos);
    EXPECT_TRUE(all_zero(source.data(), source.size()));
    EXPECT_EQ(secret.reveal(), text);
  }
}

TEST(Secret, MovedFromIsEmptyAndWiped) {
  for (const std::string& text : {kShort, kLong}) {
    Secret from{std::string(text)};
    const char* bytes = from.reveal().data();
    const Secret constructed(std::move(from));
    EXPECT_TRUE(from.empty());
    if (text.size() < 15) {
      EXPECT_TRUE(all_zero(bytes, text.size()));  // a longer one moved with its block
    }
    EXPECT_EQ(constructed.reveal(), text);

    Secret again{std::string(text)};
    Secret assigned{std::string(kLong)};
    assigned = std::move(again);
    EXPECT_TRUE(again.empty());
    EXPECT_EQ(assigned.reveal(), text);
  }
}

TEST(Secret, AssignmentToItselfKeepsIt) {
  Secret secret{std::string(kShort)};
  Secret& alias = secret;
  secret = alias;
  EXPECT_EQ(secret.reveal(), kShort);
  secret = std::move(alias);
  EXPECT_EQ(secret.reveal(), kShort);
}

TEST(Secret, CopiesAreIndependent) {
  Secret first{std::string(kLong)};
  Secret second = first;
  Secret third{std::string(kShort)};
  third = first;
  first.clear();
  EXPECT_EQ(second.reveal(), kLong);
  EXPECT_EQ(third.reveal(), kLong);
}

TEST(Secret, ShorterSecretLeavesNothingOfTheLongerOne) {
  Secret secret{std::string(kLong)};
  const char* bytes = secret.reveal().data();
  const Secret shorter{std::string(kShort)};
  secret = shorter;
  ASSERT_EQ(secret.reveal().data(), bytes);  // the same block, so that it may be looked at
  EXPECT_TRUE(all_zero(bytes + kShort.size(), kLong.size() - kShort.size()));
}

}  // namespace
}  // namespace gatehouse
