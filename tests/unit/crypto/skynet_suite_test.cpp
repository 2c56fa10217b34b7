#include "crypto/skynet_suite.hpp"

#include <random>

#include "base/bytes.hpp"
#include "support.hpp"

namespace gatehouse::crypto {
namespace {

std::string word(std::uint64_t value) {
  std::string out(8, '\0');
  store_le64(out.data(), value);
  return out;
}

// The values of clients/vectors/skynet-suite.json, computed by skynet v1.8.0.
TEST(SkynetSuite, AgreesWithEveryVector) {
  const auto cases = vector_cases("skynet-suite.json");
  ASSERT_GE(cases.size(), 12u);
  for (const auto& one : cases) {
    const auto of = [&one](const char* field) { return bytes(one.at(field).get<std::string>()); };
    const auto text = [&one](const char* field) { return one.at(field).get<std::string>(); };
    EXPECT_EQ(shown(dh_exchange(of("client_private"))), text("client_public"));
    EXPECT_EQ(shown(dh_exchange(of("server_private"))), text("server_public"));
    EXPECT_EQ(shown(dh_secret(of("client_public"), of("server_private"))), text("secret"));
    EXPECT_EQ(shown(dh_secret(of("server_public"), of("client_private"))), text("secret"));
    EXPECT_EQ(shown(hmac64(of("challenge"), of("secret"))), text("challenge_hmac64"));
    EXPECT_EQ(shown(des_encode(of("secret"), text("token"))), text("token_des_hex"));
    EXPECT_EQ(des_decode(of("secret"), of("token_des_hex")).value(), text("token"));
    EXPECT_EQ(hex_encode(hash_key(text("gate_text"))), text("gate_text_hashkey"));
    EXPECT_EQ(shown(hmac_hash(of("secret"), text("gate_text"))), text("gate_hmac64"));
    EXPECT_EQ(shown(hmac64(of("gate_text_hashkey"), of("secret"))), text("gate_hmac64"));
  }
}

// The worked example of docs/skynet-rules.md 4.2, line by line.
TEST(SkynetSuite, WorkedLoginOfSection42) {
  const std::string challenge = bytes("a1a2a3a4a5a6a7a8");
  EXPECT_EQ(base64_encode(challenge), "oaKjpKWmp6g=");
  const std::string a = dh_exchange(bytes("0102030405060708")).value();
  EXPECT_EQ(base64_encode(a), "mE4UGCgyNe0=");
  const std::string b = dh_exchange(bytes("1112131415161718")).value();
  EXPECT_EQ(base64_encode(b), "Cda7tw7ZzDo=");
  const std::string secret = dh_secret(a, bytes("1112131415161718")).value();
  EXPECT_EQ(hex_encode(secret), "98c8a946ef79df88");
  EXPECT_EQ(dh_secret(b, bytes("0102030405060708")).value(), secret);
  EXPECT_EQ(base64_encode(hmac64(challenge, secret).value()), "NANH+LpAlaU=");
  const std::string_view token = "aGVsbG8=@c2FtcGxl:cGFzc3dvcmQ=";
  const std::string line5 = "gvLK8TO5hEmVPSVYIOic8LNwjFF3e4EClZGRq2zO/vs=";
  EXPECT_EQ(base64_encode(des_encode(secret, token).value()), line5);
  EXPECT_EQ(des_decode(secret, skynet_base64_decode(line5).value()).value(), token);
  EXPECT_EQ(hex_encode(des_encode(secret, token, DesPadding::kPkcs7).value().substr(24)),
            "433a841bfdc6a346");
}

TEST(SkynetSuite, WorkedGateHandshakesOfSection43) {
  const std::string secret = bytes("98c8a946ef79df88");
  const std::string_view first = "aGVsbG8=@c2FtcGxl#MQ==:1";
  EXPECT_EQ(hex_encode(hash_key(first)), "97c9f15b0bef6f13");
  EXPECT_EQ(base64_encode(hmac_hash(secret, first).value()), "lx+tG9xlqlI=");
  const std::string_view second = "aGVsbG8=@c2FtcGxl#MQ==:2";
  EXPECT_EQ(hex_encode(hash_key(second)), "98c9f15b0aef6f13");
  EXPECT_EQ(base64_encode(hmac_hash(secret, second).value()), "U6lYjPFk7Cc=");
}

TEST(SkynetDh, EdgesOfSection41) {
  EXPECT_EQ(shown(dh_secret(std::string(8, '\xff'), word(2))), "240d000000000000");
  EXPECT_EQ(dh_secret(word(kDhPrime), word(2)).value(), word(0));
  EXPECT_EQ(dh_secret(word(kDhPrime), word(1)).value(), word(kDhPrime));
  EXPECT_EQ(dh_secret(word(kDhPrime + 1), word(1)).value(), word(1));
  for (const std::uint64_t any : {1ull, 2ull, 0x123456789abcdefull, ~0ull}) {
    EXPECT_EQ(dh_secret(word(1), word(any)).value(), word(1));
    EXPECT_EQ(dh_secret(word(kDhPrime - 1), word(any)).value(),
              word(any % 2 == 0 ? 1 : kDhPrime - 1));
  }
  EXPECT_EQ(dh_exchange(word(1)).value(), word(5));
  EXPECT_EQ(dh_exchange(word(kDhPrime - 1)).value(), word(1));  // Fermat
  EXPECT_EQ(dh_exchange(word(kDhPrime)).value(), word(5));
}

TEST(SkynetDh, RefusesZeroAndWrongSizes) {
  EXPECT_EQ(shown(dh_exchange(word(0))), "error: Can't be 0");
  EXPECT_EQ(shown(dh_secret(word(0), word(7))), "error: Can't be 0");
  EXPECT_EQ(shown(dh_secret(word(7), word(0))), "error: Can't be 0");
  for (const std::size_t size : {0u, 7u, 9u}) {
    const std::string wrong(size, 'k');
    EXPECT_EQ(shown(dh_exchange(wrong)), "error: Invalid dh uint64 key");
    EXPECT_EQ(shown(dh_secret(wrong, word(7))), "error: Invalid uint64 x");
    EXPECT_EQ(shown(dh_secret(word(7), wrong)), "error: Invalid uint64 y");
  }
  EXPECT_EQ(dh_exchange("").error().code, Errc::kInvalid);
}

TEST(SkynetDh, BothSidesAgreeOnRandomKeys) {
  std::mt19937_64 random(59);
  for (int i = 0; i < 500; ++i) {
    const std::string a = word(random());
    const std::string b = word(random());
    EXPECT_EQ(dh_secret(dh_exchange(a).value(), b).value(),
              dh_secret(dh_exchange(b).value(), a).value());
  }
}

// docs/skynet-rules.md 5.1, row 10: a peer that sends one of these knows the secret beforehand.
TEST(SkynetDh, KnowsWeakPublicKeys) {
  for (const std::uint64_t weak : {std::uint64_t{0}, std::uint64_t{1}, kDhPrime - 1, kDhPrime,
                                   kDhPrime + 1, ~std::uint64_t{0}}) {
    EXPECT_TRUE(weak_public_key(word(weak))) << weak;
  }
  for (const std::uint64_t good : {std::uint64_t{2}, std::uint64_t{5}, kDhPrime - 2,
                                   std::uint64_t{1} << 56, std::uint64_t{0x100}}) {
    EXPECT_FALSE(weak_public_key(word(good))) << good;
  }
  EXPECT_TRUE(weak_public_key(""));
  EXPECT_TRUE(weak_public_key("1234567"));
  EXPECT_TRUE(weak_public_key("123456789"));
}

// The compression of row 4 of docs/skynet-rules.md 4.2 without the final addition.
TEST(SkynetMac, Hmac64) {
  EXPECT_EQ(shown(hmac64(bytes("a1a2a3a4a5a6a7a8"), bytes("98c8a946ef79df88"))),
            "340347f8ba4095a5");
  EXPECT_EQ(shown(hmac64("1234567", "12345678")), "error: Invalid uint64 x");
  EXPECT_EQ(shown(hmac64("12345678", "123456789")), "error: Invalid uint64 y");
}

// MD5("abcdefgh12345678" three times) is e232935c6e3c873851a2218692a2c7e2.
TEST(SkynetMac, Hmac64Md5) {
  EXPECT_EQ(shown(hmac64_md5("abcdefgh", "12345678")), "b390b2dafc9e40da");
  EXPECT_EQ(shown(hmac64_md5("", "12345678")), "error: Invalid uint64 x");
  EXPECT_EQ(shown(hmac64_md5("12345678", "")), "error: Invalid uint64 y");
}

TEST(SkynetMac, HashKey) {
  EXPECT_EQ(hex_encode(hash_key("")), "05150000a7c6674e");
  EXPECT_EQ(hex_encode(hash_key("hello")), "9930920fcbef1867");
}

TEST(SkynetMac, HmacHashIsHmac64OfTheHashKey) {
  EXPECT_EQ(hmac_hash("12345678", "hello").value(), hmac64(hash_key("hello"), "12345678").value());
  EXPECT_EQ(shown(hmac_hash("1234567", "hello")), "error: Invalid uint64 key");
}

TEST(SkynetMac, Sha1) {
  EXPECT_EQ(hex_encode(sha1("abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(hex_encode(sha1("")), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
}

TEST(SkynetMac, HmacSha1) {
  EXPECT_EQ(hex_encode(hmac_sha1("key", "abc")), "4fd0b215276ef12f2b3e4c8ecac2811498b656fc");
  EXPECT_EQ(hex_encode(hmac_sha1("12345678", "abc")), "04e8a01b9f858afd37e788396d0bb039438f329d");
  // RFC 2202, cases 2 and 6: a short key and one longer than a block.
  EXPECT_EQ(hex_encode(hmac_sha1("Jefe", "what do ya want for nothing?")),
            "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
  EXPECT_EQ(hex_encode(hmac_sha1(std::string(80, '\xaa'),
                                 "Test Using Larger Than Block-Size Key - Hash Key First")),
            "aa4ae5e15272d00e95705637ce8a3b55ed402112");
  EXPECT_EQ(hex_encode(hmac_sha1("", "")), "fbdb1d1b18aa6c08324b7d64b71fb76370690e1d");
}

TEST(SkynetMac, XorRepeatsTheKey) {
  EXPECT_EQ(xor_str("abcde", "\x01\x02").value(), "``bfd");
  EXPECT_EQ(xor_str("", "k").value(), "");
  EXPECT_EQ(shown(xor_str("abc", "")), "error: Can't xor empty string");
  EXPECT_EQ(shown(xor_str("", "")), "error: Can't xor empty string");
}

}  // namespace
}  // namespace gatehouse::crypto
