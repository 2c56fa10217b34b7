#include "crypto/digest.hpp"

#include "support.hpp"

namespace gatehouse::crypto {
namespace {

TEST(Sha256, ExamplesOfFips180) {
  EXPECT_EQ(hex_encode(sha256("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex_encode(sha256("")),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(HmacSha256, CasesOfRfc4231) {
  EXPECT_EQ(hex_encode(hmac_sha256(std::string(20, '\x0b'), "Hi There")),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(hex_encode(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hex_encode(hmac_sha256(std::string(131, '\xaa'),
                                   "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

// No key of an earlier computation may stay behind when the key is empty.
TEST(HmacSha256, EmptyKeyAndText) {
  EXPECT_EQ(hmac_sha256("key", "").size(), kSha256Bytes);
  const std::string_view none;
  const char* const expected = "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad";
  EXPECT_EQ(hex_encode(hmac_sha256("", "")), expected);
  EXPECT_EQ(hex_encode(hmac_sha256(none, none)), expected);
}

TEST(HkdfSha256, CasesOfRfc5869) {
  const std::string key(22, '\x0b');
  EXPECT_EQ(hex_encode(hkdf_sha256(key, bytes("000102030405060708090a0b0c"),
                                   bytes("f0f1f2f3f4f5f6f7f8f9"), 42)
                           .reveal()),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
  EXPECT_EQ(hex_encode(hkdf_sha256(key, "", "", 42).reveal()),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
  EXPECT_EQ(hkdf_sha256(key, {}, {}, 42).reveal(), hkdf_sha256(key, "", "", 42).reveal());
  EXPECT_EQ(hkdf_sha256(key, "s", "i", 8160).size(), 8160u);
}

TEST(ConstantTimeEqual, ComparesAllBytesAndTheLength) {
  EXPECT_TRUE(constant_time_equal("", ""));
  EXPECT_TRUE(constant_time_equal("abc", "abc"));
  EXPECT_FALSE(constant_time_equal("abc", "abd"));
  EXPECT_FALSE(constant_time_equal("abc", "bbc"));
  EXPECT_FALSE(constant_time_equal("abc", "ab"));
  EXPECT_FALSE(constant_time_equal("", "a"));
  EXPECT_FALSE(constant_time_equal(std::string_view("a\0b", 3), std::string_view("a\0c", 3)));
}

}  // namespace
}  // namespace gatehouse::crypto
