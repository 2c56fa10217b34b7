#include "protocol/token.hpp"

#include <gtest/gtest.h>

#include <random>

#include "crypto/encoding.hpp"

namespace gatehouse::protocol {
namespace {

std::string code_b64(std::string_view bytes) {
  return crypto::base64_encode(bytes);
}

TEST(Token, Design5Password) {
  const auto token = parse_token("dGVzdDE=@Y29jb3Mx:MTIz");
  ASSERT_TRUE(token);
  EXPECT_EQ(token->user, "test1");
  EXPECT_EQ(token->server, "cocos1");
  EXPECT_EQ(token->password.reveal(), "123");
  EXPECT_TRUE(token->ticket.empty());
}

TEST(Token, Design5Ticket) {
  const auto token = parse_token("aGVsbG8=@c2FtcGxl!dGlja2V0LWJ5dGVz");
  ASSERT_TRUE(token);
  EXPECT_EQ(token->user, "hello");
  EXPECT_EQ(token->server, "sample");
  EXPECT_EQ(token->ticket.reveal(), "ticket-bytes");
  EXPECT_TRUE(token->password.empty());
}

TEST(Token, ACodeOfTheSecondFactorFollowsThePassword) {
  const auto token = parse_token("dGVzdDE=@Y29jb3Mx:MTIz:" + code_b64("012345"));
  ASSERT_TRUE(token);
  EXPECT_EQ(token->password.reveal(), "123");
  EXPECT_EQ(token->totp.reveal(), "012345");
  EXPECT_TRUE(parse_token("dGVzdDE=@Y29jb3Mx:MTIz")->totp.empty());
  for (const std::string code : {"", "12345", "1234567", "12345a", " 12345", "12345\n"})
    EXPECT_FALSE(parse_token("dGVzdDE=@Y29jb3Mx:MTIz:" + code_b64(code))) << code;
  EXPECT_FALSE(parse_token("dGVzdDE=@Y29jb3Mx!MTIz:" + code_b64("012345")))
      << "a ticket needs none";
}

TEST(Token, PaddingMayBeMissing) {
  const auto token = parse_token("dGVzdDE@YQ:MTI");
  ASSERT_TRUE(token);
  EXPECT_EQ(token->user, "test1");
  EXPECT_EQ(token->server, "a");
  EXPECT_EQ(token->password.reveal(), "12");
}

TEST(Token, AnyBytesAreAPasswordAndAUserIsNotJudged) {
  const std::string bytes("\0\xff:@!\n", 6);
  const auto token = parse_token(code_b64(bytes) + "@" + code_b64("s") + ":" + code_b64(bytes));
  ASSERT_TRUE(token);
  EXPECT_EQ(token->user, bytes);
  EXPECT_EQ(token->password.reveal(), bytes);
  EXPECT_TRUE(parse_token("@YQ==:YQ==")->user.empty());
  EXPECT_TRUE(parse_token("YQ==@YQ==:")->password.empty());
}

TEST(Token, OtherShapesAreInvalid) {
  for (const char* text :
       {"", "@", ":", "YQ==", "YQ==@YQ==", "YQ==:YQ==", "YQ==@:YQ==", "YQ==@YQ==!",
        "a b@YQ==:YQ==", "YQ==@YQ==:Y Q", "YQ==@YQ==:YQ=", "YQ==@YQ==:YQ==@",
        "YQ==@YQ==:YQ==:YQ==", "YQ==@YQ==:YQ==!YQ==", "YQ==@YQ==@YQ==:YQ==", "Y@YQ==:YQ==",
        "YQ==:YQ==@YQ==", "YQ==@YQ==:Y\r"}) {
    const auto token = parse_token(text);
    ASSERT_FALSE(token) << text;
    EXPECT_EQ(token.error().code, Errc::kInvalid);
  }
}

TEST(Token, ServerNameHasOneTo64BytesAndNoControls) {
  const auto with_server = [](std::string_view server) {
    return parse_token("YQ==@" + code_b64(server) + ":YQ==");
  };
  EXPECT_TRUE(with_server(std::string(64, 's')));
  EXPECT_TRUE(with_server("服务器"));
  EXPECT_FALSE(with_server(std::string(65, 's')));
  EXPECT_FALSE(with_server("a\nb"));
  EXPECT_FALSE(with_server("a\x7f"));
  EXPECT_FALSE(with_server(std::string("a\0b", 3)));
}

TEST(Token, GarbageNeverBreaksTheParser) {
  const unsigned seed = 20240501;
  std::mt19937 random(seed);
  const std::string alphabet = "ab1+/=@@::!! \n\xff";
  int accepted = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text = "dGVzdDE=@Y29jb3Mx:MTIz";
    for (std::size_t n = random() % 4; n > 0; --n)
      text[random() % text.size()] = alphabet[random() % alphabet.size()];
    text.resize(random() % 4 == 0 ? random() % text.size() : text.size());
    const auto token = parse_token(text);
    if (!token) continue;
    ++accepted;
    ASSERT_FALSE(token->server.empty()) << "seed " << seed << " round " << round;
    ASSERT_LE(token->server.size(), kServerNameBytesMax);
    ASSERT_TRUE(token->password.empty() || token->ticket.empty());
  }
  EXPECT_LT(accepted, 20'000);
  EXPECT_GT(accepted, 0);
}

}  // namespace
}  // namespace gatehouse::protocol
