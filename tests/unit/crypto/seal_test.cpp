#include "crypto/seal.hpp"

#include <set>

#include "support.hpp"
#include "test_world.hpp"

namespace gatehouse::crypto {
namespace {

Secret key(char fill) {
  return Secret(std::string(kSealKeyBytes, fill));
}

SealRing ring(std::initializer_list<char> fills) {
  std::vector<Secret> keys;
  for (const char fill : fills) keys.push_back(key(fill));
  return SealRing::make(std::move(keys)).value();
}

// The opened text, or the name of the error.
std::string opened(const SealRing& by, std::string_view sealed, std::string_view aad) {
  const auto text = by.open(sealed, aad);
  return text ? std::string(text->reveal()) : std::string(name(text.error().code));
}

TEST(Seal, OpensWhatItSealed) {
  const SealRing one = ring({'a'});
  for (const std::string& plain : {std::string(), std::string("x"), std::string(100'000, '\0')}) {
    for (const std::string& aad : {std::string(), std::string("account 7")}) {
      const std::string sealed = one.seal(test_world().random, plain, aad);
      EXPECT_EQ(sealed.size(), 4 + 12 + plain.size() + 16);
      EXPECT_EQ(opened(one, sealed, aad), plain);
    }
  }
}

// Made with Python's hashlib and the AESGCM of its cryptography package.
TEST(Seal, OpensATextSealedElsewhere) {
  EXPECT_EQ(opened(ring({'a'}),
                   bytes("889528bf000102030405060708090a0bd63a978533fd27e16c54a54668e8"
                         "ec9d2d19ca6cd568caac"),
                   "account 7"),
            "a secret");
}

TEST(Seal, FirstKeySealsAndEveryKeyOpens) {
  const SealRing old = ring({'a'});
  const SealRing rotated = ring({'b', 'a'});
  EXPECT_EQ(opened(rotated, old.seal(test_world().random, "text", "aad"), "aad"), "text");
  EXPECT_EQ(opened(old, rotated.seal(test_world().random, "text", "aad"), "aad"), "denied");
  EXPECT_EQ(opened(ring({'c', 'b'}), rotated.seal(test_world().random, "text", "aad"), "aad"),
            "text");
}

TEST(Seal, DeniesAnyChange) {
  const SealRing one = ring({'a', 'b'});
  const std::string sealed = one.seal(test_world().random, "text", "aad");
  for (std::size_t at = 0; at < sealed.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = sealed;
      changed[at] = static_cast<char>(changed[at] ^ (1 << bit));
      EXPECT_EQ(opened(one, changed, "aad"), "denied") << at;
    }
    EXPECT_EQ(opened(one, sealed.substr(0, at), "aad"), "denied") << at;
    EXPECT_EQ(opened(one, sealed.substr(at + 1), "aad"), "denied") << at;
  }
  EXPECT_EQ(opened(one, sealed + '\0', "aad"), "denied");
  for (const char* aad : {"", "aa", "aad ", "Aad"}) {
    EXPECT_EQ(opened(one, sealed, aad), "denied") << aad;
  }
  EXPECT_EQ(opened(SealRing(), sealed, "aad"), "denied");
}

TEST(Seal, NeverRepeatsANonce) {
  const SealRing one = ring({'a'});
  std::set<std::string> nonces;
  for (int i = 0; i < 1000; ++i) nonces.insert(one.seal(test_world().random, "", "").substr(4, 12));
  EXPECT_EQ(nonces.size(), 1000u);
}

TEST(Seal, RefusesBadKeys) {
  EXPECT_TRUE(SealRing().empty());
  EXPECT_TRUE(SealRing::make({}).value().empty());
  EXPECT_FALSE(ring({'a'}).empty());
  for (const std::size_t size : {0u, 16u, 31u, 33u, 64u}) {
    const auto made = SealRing::make({key('a'), Secret(std::string(size, 'k'))});
    ASSERT_FALSE(made.has_value()) << size;
    EXPECT_EQ(made.error().code, Errc::kInvalid);
  }
  const auto twice = SealRing::make({key('a'), key('b'), key('a')});
  ASSERT_FALSE(twice.has_value());
  EXPECT_EQ(twice.error().code, Errc::kInvalid);
}

TEST(SealDeathTest, EmptyRingDoesNotSeal) {
  const SealRing none;
  EXPECT_DEATH(static_cast<void>(none.seal(test_world().random, "text", "aad")), "empty");
}

}  // namespace
}  // namespace gatehouse::crypto
