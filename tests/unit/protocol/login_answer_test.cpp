#include "protocol/login_answer.hpp"

#include <gtest/gtest.h>

#include "crypto/aes_gcm.hpp"
#include "vectors.hpp"

namespace gatehouse::protocol {
namespace {

LoginExtras full_extras() {
  LoginExtras extras;
  extras.gates = {"127.0.0.1:8888", "[::1]:8889"};
  extras.uid = "严\"";
  extras.secret = Secret(std::string(32, '\xff'));
  extras.ticket = Secret("ticket-bytes");
  extras.ticket_expires_s = 1'700'000'000;
  return extras;
}

TEST(LoginAnswer, SkynetGetsTheSubidAndNothingMore) {
  EXPECT_EQ(format_login_ok(Suite::kSkynet, "1", full_extras()), "200 MQ==");
  EXPECT_EQ(format_login_ok(Suite::kSkynet, "", {}), "200 ");
}

TEST(LoginAnswer, Design5ExtrasAreBase64OfJson) {
  for (const Suite suite : {Suite::kPlain, Suite::kX25519}) {
    const std::string line = format_login_ok(suite, "7", full_extras());
    ASSERT_EQ(line.substr(0, 9), "200 Nw== ");
    const auto json = nlohmann::json::parse(crypto::base64_decode(line.substr(9)).value());
    EXPECT_EQ(json["gate"], (nlohmann::json{"127.0.0.1:8888", "[::1]:8889"}));
    EXPECT_EQ(json["uid"], "严\"");
    EXPECT_EQ(json["ticket"], crypto::base64_encode("ticket-bytes"));
    EXPECT_EQ(json["ticket_expires"], 1'700'000'000);
    EXPECT_EQ(json.contains("secret"), suite == Suite::kPlain);
  }
}

TEST(LoginAnswer, Design5PlainGetsTheSecret) {
  LoginExtras extras;
  extras.secret = Secret(std::string(32, '\x01'));
  const std::string line = format_login_ok(Suite::kPlain, "1", extras);
  const auto json = nlohmann::json::parse(crypto::base64_decode(line.substr(9)).value());
  EXPECT_EQ(json, (nlohmann::json{{"secret", crypto::base64_encode(std::string(32, '\x01'))}}));
  EXPECT_EQ(format_login_ok(Suite::kX25519, "1", {}), "200 MQ== " + crypto::base64_encode("{}"));
}

TEST(LoginAnswer, Design5RefusalsAndWaiting) {
  EXPECT_EQ(format_login_refusal(400), "400 Bad Request");
  EXPECT_EQ(format_login_refusal(401), "401 Unauthorized");
  EXPECT_EQ(format_login_refusal(403), "403 Forbidden");
  EXPECT_EQ(format_login_refusal(406), "406 Not Acceptable");
  EXPECT_EQ(format_login_refusal(426), "426 Upgrade Required");
  EXPECT_EQ(format_login_refusal(401, {.totp = true}), "401 Unauthorized totp");
  EXPECT_EQ(format_login_refusal(429, {.retry_s = 30}), "429 Too Many Requests 30");
  EXPECT_EQ(format_login_refusal(503), "503 Service Unavailable");
  EXPECT_EQ(format_login_waiting(Suite::kPlain, 12), "102 Waiting 12");
  EXPECT_EQ(format_login_waiting(Suite::kX25519, 1), "102 Waiting 1");
  EXPECT_EQ(format_login_waiting(Suite::kSkynet, 1), "");
  std::string out = "a\n";
  append_line(out, "b");
  EXPECT_EQ(out, "a\nb\n");
}

// Sealed it says the same, to who has the key, and its head cannot be changed either.
TEST(LoginAnswer, SealedExtras) {
  LoginExtras extras;
  extras.uid = "test1";
  extras.ticket = Secret(std::string("ticket"));
  const Secret key(std::string(32, 'k'));
  const AnswerSeal seal{key, "twelve bytes"};
  const std::string plain = format_login_ok(Suite::kX25519, "1", extras);
  const std::string line = format_login_ok(Suite::kX25519, "1", extras, &seal);
  ASSERT_TRUE(line.starts_with("200 MQ== "));
  const std::string sealed = crypto::base64_decode(line.substr(9)).value();
  EXPECT_EQ(sealed.substr(0, 12), seal.nonce);
  const auto open = [&](std::string_view head) {
    return crypto::aes256_gcm_open(key.reveal(), seal.nonce, sealed.substr(12), head);
  };
  ASSERT_TRUE(open("200 MQ=="));
  EXPECT_EQ(crypto::base64_encode(open("200 MQ==")->reveal()), plain.substr(9));
  EXPECT_FALSE(open("200 Mg=="));
}

}  // namespace
}  // namespace gatehouse::protocol
