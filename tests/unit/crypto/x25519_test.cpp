#include "crypto/x25519.hpp"

#include "crypto/aes_gcm.hpp"
#include "crypto/digest.hpp"
#include "support.hpp"
#include "test_world.hpp"

namespace gatehouse::crypto {
namespace {

constexpr std::string_view kLabel = "gatehouse login 1";

// A gate handshake as sent ends in ":base64(mac)"; the mac covers what is before that colon.
void expect_signed(const std::string& sent, std::string_view secret) {
  const std::size_t colon = sent.rfind(':');
  ASSERT_NE(colon, std::string::npos);
  const std::string_view text = std::string_view(sent).substr(0, colon);
  EXPECT_EQ(base64_encode(hmac_sha256(secret, text)), sent.substr(colon + 1));
}

// docs/protocol.md 2.4 and 3.3 over every field of clients/vectors/x25519-suite.json, which
// an independent implementation made.
TEST(X25519Suite, AgreesWithEveryVector) {
  const auto cases = vector_cases("x25519-suite.json");
  ASSERT_GE(cases.size(), 8u);
  for (const auto& one : cases) {
    const auto text = [&one](const char* field) { return one.at(field).get<std::string>(); };
    const auto of = [&text](const char* field) { return bytes(text(field)); };
    EXPECT_EQ(shown(ed25519_public(of("identity_private"))), text("identity_public"));
    EXPECT_EQ(shown(x25519_public(of("client_private"))), text("client_public"));
    EXPECT_EQ(shown(x25519_public(of("server_private"))), text("server_public"));
    const Secret shared = x25519_shared(of("client_private"), of("server_public")).value();
    EXPECT_EQ(hex_encode(shared.reveal()), text("shared"));
    EXPECT_EQ(x25519_shared(of("server_private"), of("client_public")).value().reveal(),
              shared.reveal());

    const std::string transcript = of("challenge") + of("client_public") + of("server_public");
    const std::string statement = std::string(kLabel) + transcript;
    EXPECT_EQ(shown(ed25519_sign(of("identity_private"), statement)), text("signature"));
    EXPECT_TRUE(ed25519_verify(of("identity_public"), statement, of("signature")));

    const Secret keys = hkdf_sha256(shared.reveal(), transcript, kLabel, 64);
    const std::string_view token_key = keys.reveal().substr(0, 32);
    const std::string_view secret = keys.reveal().substr(32);
    EXPECT_EQ(hex_encode(token_key), text("token_key"));
    EXPECT_EQ(hex_encode(secret), text("secret"));

    EXPECT_EQ(base64_encode(of("challenge")), text("line1"));
    EXPECT_EQ(base64_encode(of("client_public")), text("line2"));
    EXPECT_EQ(base64_encode(of("server_public")) + " " + base64_encode(of("signature")),
              text("line3"));
    EXPECT_EQ(base64_encode(hmac_sha256(secret, of("challenge"))), text("line4"));
    const std::string sealed =
        aes256_gcm_seal(token_key, of("nonce"), text("token"), of("challenge")).value();
    EXPECT_EQ(base64_encode(of("nonce") + sealed), text("line5"));
    const std::string line5 = base64_decode(text("line5")).value();
    EXPECT_EQ(aes256_gcm_open(token_key, line5.substr(0, kGcmNonceBytes),
                              line5.substr(kGcmNonceBytes), of("challenge"))
                  .value()
                  .reveal(),
              text("token"));
    expect_signed(text("gate_3_fields"), secret);
    expect_signed(text("gate_6_fields"), secret);
  }
}

// RFC 7748 section 6.1.
TEST(X25519, ExampleOfRfc7748) {
  const std::string bob = bytes("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
  const std::string alice_public =
      bytes("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
  EXPECT_EQ(shown(x25519_public(bob)),
            "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
  EXPECT_EQ(hex_encode(x25519_shared(bob, alice_public).value().reveal()),
            "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
}

// Points of small order make the shared value zero whatever the private key (RFC 7748 6.1).
TEST(X25519, RefusesAnAllZeroSharedValue) {
  const std::string own(kX25519KeyBytes, 'k');
  for (const char* point : {"0000000000000000000000000000000000000000000000000000000000000000",
                            "0100000000000000000000000000000000000000000000000000000000000000",
                            "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
                            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"}) {
    const auto shared = x25519_shared(own, bytes(point));
    ASSERT_FALSE(shared.has_value()) << point;
    EXPECT_EQ(shared.error().code, Errc::kDenied);
  }
}

TEST(X25519, RefusesKeysOfAWrongSize) {
  const std::string key(32, 'k');
  for (const std::size_t size : {0u, 31u, 33u}) {
    const std::string wrong(size, 'k');
    EXPECT_EQ(x25519_public(wrong).error().code, Errc::kInvalid);
    EXPECT_EQ(x25519_shared(wrong, key).error().code, Errc::kInvalid);
    EXPECT_EQ(x25519_shared(key, wrong).error().code, Errc::kInvalid);
  }
}

// RFC 8032 section 7.1, test 2.
TEST(Ed25519, ExampleOfRfc8032) {
  const std::string key = bytes("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb");
  EXPECT_EQ(shown(ed25519_public(key)),
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  EXPECT_EQ(shown(ed25519_sign(key, "\x72")),
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
}

TEST(Ed25519, RefusesEveryChange) {
  const std::string key(32, 'i');
  const std::string public_key = ed25519_public(key).value();
  const std::string signature = ed25519_sign(key, "statement").value();
  EXPECT_TRUE(ed25519_verify(public_key, "statement", signature));
  EXPECT_FALSE(ed25519_verify(public_key, "statemenT", signature));
  EXPECT_FALSE(ed25519_verify(public_key, "", signature));
  EXPECT_FALSE(
      ed25519_verify(ed25519_public(std::string(32, 'j')).value(), "statement", signature));
  for (const std::size_t at : {0u, 31u, 32u, 63u}) {
    std::string changed = signature;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_FALSE(ed25519_verify(public_key, "statement", changed)) << at;
  }
  EXPECT_FALSE(ed25519_verify(public_key, "statement", signature.substr(1)));
  EXPECT_FALSE(ed25519_verify(public_key.substr(1), "statement", signature));
  EXPECT_FALSE(ed25519_verify(std::string(32, '\xff'), "statement", signature));
  EXPECT_FALSE(ed25519_verify("", "", ""));
  EXPECT_EQ(ed25519_sign("short", "statement").error().code, Errc::kInvalid);
  EXPECT_EQ(ed25519_public("short").error().code, Errc::kInvalid);
}

// Test case 16 of the GCM specification.
TEST(Aes256Gcm, ExampleOfTheSpecification) {
  const std::string key = bytes("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
  const std::string nonce = bytes("cafebabefacedbaddecaf888");
  const std::string plain = bytes(
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
      "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39");
  const std::string additional = bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2");
  const std::string sealed =
      "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
      "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b";
  EXPECT_EQ(shown(aes256_gcm_seal(key, nonce, plain, additional)), sealed);
  EXPECT_EQ(aes256_gcm_open(key, nonce, bytes(sealed), additional).value().reveal(), plain);
}

TEST(Aes256Gcm, SealsEmptyText) {
  const std::string key(32, 'k');
  const std::string nonce(12, 'n');
  const std::string sealed = aes256_gcm_seal(key, nonce, "", "").value();
  EXPECT_EQ(sealed.size(), kGcmTagBytes);
  EXPECT_EQ(aes256_gcm_open(key, nonce, sealed, "").value().reveal(), "");
  EXPECT_FALSE(aes256_gcm_open(key, nonce, sealed, "x").has_value());
}

TEST(Aes256Gcm, RefusesEveryChange) {
  const std::string key(32, 'k');
  const std::string nonce(12, 'n');
  const std::string sealed = aes256_gcm_seal(key, nonce, "token", "challenge").value();
  for (std::size_t at = 0; at < sealed.size(); ++at) {
    std::string changed = sealed;
    changed[at] = static_cast<char>(changed[at] ^ 0x10);
    const auto opened = aes256_gcm_open(key, nonce, changed, "challenge");
    ASSERT_FALSE(opened.has_value()) << at;
    EXPECT_EQ(opened.error().code, Errc::kDenied);
  }
  EXPECT_FALSE(aes256_gcm_open(key, nonce, sealed, "Challenge").has_value());
  EXPECT_FALSE(aes256_gcm_open(std::string(32, 'K'), nonce, sealed, "challenge").has_value());
  EXPECT_FALSE(aes256_gcm_open(key, std::string(12, 'N'), sealed, "challenge").has_value());
  EXPECT_FALSE(aes256_gcm_open(key, nonce, sealed.substr(1), "challenge").has_value());
  EXPECT_FALSE(aes256_gcm_open(key, nonce, sealed + "x", "challenge").has_value());
}

TEST(Aes256Gcm, RefusesWrongSizes) {
  const std::string key(32, 'k');
  const std::string nonce(12, 'n');
  EXPECT_EQ(aes256_gcm_seal("k", nonce, "a", "").error().code, Errc::kInvalid);
  EXPECT_EQ(aes256_gcm_seal(key, "n", "a", "").error().code, Errc::kInvalid);
  EXPECT_EQ(aes256_gcm_open("k", nonce, std::string(16, 't'), "").error().code, Errc::kInvalid);
  EXPECT_EQ(aes256_gcm_open(key, "n", std::string(16, 't'), "").error().code, Errc::kInvalid);
  EXPECT_EQ(aes256_gcm_open(key, nonce, std::string(15, 't'), "").error().code, Errc::kInvalid);
  EXPECT_EQ(aes256_gcm_open(key, nonce, "", "").error().code, Errc::kInvalid);
}

}  // namespace
}  // namespace gatehouse::crypto
