#include "protocol/login_handshake.hpp"

#include <gtest/gtest.h>

#include <random>

#include "crypto/aes_gcm.hpp"
#include "crypto/skynet_suite.hpp"
#include "crypto/x25519.hpp"
#include "protocol/line_reader.hpp"
#include "vectors.hpp"

namespace gatehouse::protocol {
namespace {

using Kind = LoginStep::Kind;

std::string b64(std::string_view bytes) {
  return crypto::base64_encode(bytes);
}

LoginHandshakeOptions all_suites() {
  return {true, true, true, Secret(std::string(32, '\x07'))};
}

// The worked example of docs/skynet-rules.md 4.2.
constexpr char kChallenge[] = "a1a2a3a4a5a6a7a8";
constexpr char kServerPrivate[] = "1112131415161718";
constexpr char kClientLine2[] = "mE4UGCgyNe0=";
constexpr char kServerLine3[] = "Cda7tw7ZzDo=";
constexpr char kClientLine4[] = "NANH+LpAlaU=";
constexpr char kClientLine5[] = "gvLK8TO5hEmVPSVYIOic8LNwjFF3e4EClZGRq2zO/vs=";

LoginRandomness example_randomness() {
  return make_randomness(unhex(kChallenge), unhex(kServerPrivate));
}

void expect_refused(const LoginStep& step, int code, std::string_view line) {
  EXPECT_EQ(step.kind, Kind::kRefuse);
  EXPECT_EQ(step.refuse_code, code);
  EXPECT_EQ(step.line, line);
  EXPECT_FALSE(step.reason.empty());
  EXPECT_TRUE(step.token.user.empty());
  EXPECT_TRUE(step.secret.empty());
}

void expect_401(const LoginStep& step) {
  expect_refused(step, 401, "401 Unauthorized");
}
void expect_400(const LoginStep& step) {
  expect_refused(step, 400, "400 Bad Request");
}

// A handshake of the example that has come to line 5, which gets the token sealed.
LoginStep skynet_with_token(const LoginHandshakeOptions& options, std::string_view token) {
  LoginHandshake handshake(options, example_randomness());
  (void)handshake.on_line(kClientLine2);
  (void)handshake.on_line(kClientLine4);
  return handshake.on_line(b64(crypto::des_encode(unhex("98c8a946ef79df88"), token).value()));
}

TEST(LoginHandshake, WorkedExampleInEveryCut) {
  const auto options = all_suites();
  const std::string stream =
      std::string(kClientLine2) + "\n" + kClientLine4 + "\r\n" + kClientLine5 + "\n";
  for (const auto& pieces : all_cuts(stream)) {
    LoginHandshake handshake(options, example_randomness());
    EXPECT_EQ(handshake.start(), "oaKjpKWmp6g=");
    LineReader reader;
    std::vector<LoginStep> steps;
    for (const std::string& piece : pieces) {
      (void)reader.feed(piece, [&](std::string_view line) {
        steps.push_back(handshake.on_line(line));
        return steps.back().kind == Kind::kContinue;
      });
    }
    ASSERT_EQ(steps.size(), 3u);
    EXPECT_EQ(steps[0].kind, Kind::kContinue);
    EXPECT_EQ(steps[0].line, kServerLine3);
    EXPECT_EQ(steps[1].kind, Kind::kContinue);
    EXPECT_EQ(steps[1].line, "");
    ASSERT_EQ(steps[2].kind, Kind::kToken);
    EXPECT_EQ(steps[2].suite, Suite::kSkynet);
    EXPECT_EQ(steps[2].token.user, "hello");
    EXPECT_EQ(steps[2].token.server, "sample");
    EXPECT_EQ(steps[2].token.password.reveal(), "password");
    EXPECT_EQ(steps[2].secret.reveal(), unhex("98c8a946ef79df88"));
    EXPECT_TRUE(handshake.finished());
  }
}

TEST(LoginHandshake, SkynetVectors) {
  const auto options = all_suites();
  int tokens = 0;
  for (const auto& c : load_cases("skynet-suite.json")) {
    SCOPED_TRACE(c.dump());
    LoginHandshake handshake(options, make_randomness(unhex(text_of(c["challenge"])),
                                                      unhex(text_of(c["server_private"]))));
    EXPECT_EQ(handshake.start(), b64(unhex(text_of(c["challenge"]))));
    const LoginStep third = handshake.on_line(b64(unhex(text_of(c["client_public"]))));
    EXPECT_EQ(third.line, b64(unhex(text_of(c["server_public"]))));
    const LoginStep fourth = handshake.on_line(b64(unhex(text_of(c["challenge_hmac64"]))));
    EXPECT_EQ(fourth.kind, Kind::kContinue);
    const LoginStep last = handshake.on_line(b64(unhex(text_of(c["token_des_hex"]))));
    // Some vectors seal texts that are no token.
    const auto token = parse_token(text_of(c["token"]));
    if (!token) {
      expect_401(last);
      continue;
    }
    ++tokens;
    ASSERT_EQ(last.kind, Kind::kToken);
    EXPECT_EQ(last.secret.reveal(), unhex(text_of(c["secret"])));
    EXPECT_EQ(last.token.user, token->user);
    EXPECT_EQ(last.token.server, token->server);
    EXPECT_EQ(last.token.password.reveal(), token->password.reveal());
  }
  EXPECT_GE(tokens, 4);
}

TEST(LoginHandshake, X25519Vectors) {
  for (const auto& c : load_cases("x25519-suite.json")) {
    SCOPED_TRACE(text_of(c["line2"]));
    const LoginHandshakeOptions options{false, false, true,
                                        Secret(unhex(text_of(c["identity_private"])))};
    LoginHandshake handshake(options, make_randomness(unhex(text_of(c["challenge"])),
                                                      unhex(text_of(c["server_private"]))));
    EXPECT_EQ(handshake.start(), text_of(c["line1"]));
    EXPECT_EQ(handshake.on_line(text_of(c["line2"])).line, text_of(c["line3"]));
    EXPECT_EQ(handshake.on_line(text_of(c["line4"])).kind, Kind::kContinue);
    const LoginStep last = handshake.on_line(text_of(c["line5"]));
    const auto token = parse_token(text_of(c["token"]));
    ASSERT_TRUE(token);
    ASSERT_EQ(last.kind, Kind::kToken) << last.reason;
    EXPECT_EQ(last.suite, Suite::kX25519);
    EXPECT_EQ(last.secret.reveal(), unhex(text_of(c["secret"])));
    EXPECT_EQ(last.token.user, token->user);
    EXPECT_EQ(last.token.password.reveal(), token->password.reveal());
    EXPECT_EQ(last.token.ticket.reveal(), token->ticket.reveal());
  }
}

TEST(LoginHandshake, X25519EveryBrokenByteIs401) {
  const auto c = load_cases("x25519-suite.json")[0];
  const LoginHandshakeOptions options{true, true, true,
                                      Secret(unhex(text_of(c["identity_private"])))};
  const auto randomness =
      make_randomness(unhex(text_of(c["challenge"])), unhex(text_of(c["server_private"])));
  for (const char* field : {"line4", "line5"}) {
    const std::string good = crypto::base64_decode(text_of(c[field])).value();
    for (std::size_t i = 0; i <= good.size(); ++i) {
      std::string bad = good;
      if (i < good.size())
        bad[i] = static_cast<char>(bad[i] ^ 1);
      else
        bad.pop_back();
      LoginHandshake handshake(options, randomness);
      (void)handshake.on_line(text_of(c["line2"]));
      if (field == std::string("line5")) (void)handshake.on_line(text_of(c["line4"]));
      expect_401(handshake.on_line(b64(bad)));
    }
  }
}

TEST(LoginHandshake, X25519TokenMayAskForASealedAnswer) {
  const auto c = load_cases("x25519-suite.json")[0];
  const auto of = [&c](const char* field) { return unhex(text_of(c[field])); };
  const LoginHandshakeOptions options{true, true, true, Secret(of("identity_private"))};
  const auto last = [&](const std::string& token) {
    LoginHandshake handshake(options, make_randomness(of("challenge"), of("server_private")));
    (void)handshake.on_line(text_of(c["line2"]));
    (void)handshake.on_line(text_of(c["line4"]));
    const std::string nonce(12, 'n');
    return handshake.on_line(b64(
        nonce + crypto::aes256_gcm_seal(of("token_key"), nonce, token, of("challenge")).value()));
  };
  const std::string token = text_of(c["token"]);
  EXPECT_TRUE(last(token).answer_key.empty());
  const LoginStep step = last("sealed " + token);
  ASSERT_EQ(step.kind, Kind::kToken) << step.reason;
  EXPECT_EQ(step.answer_key.reveal(), of("token_key"));
  EXPECT_EQ(step.token.password.reveal(), parse_token(token)->password.reveal());
  for (const std::string& wrong : {"sealed" + token, "sealed  " + token, "Sealed " + token,
                                   "sealed sealed " + token, std::string("sealed ")})
    expect_401(last(wrong));
  expect_401(skynet_with_token(all_suites(), "sealed " + token));
}

TEST(LoginHandshake, X25519SmallOrderPointsAre401) {
  const auto options = all_suites();
  for (const std::string& point : {std::string(32, '\0'), "\x01" + std::string(31, '\0')}) {
    LoginHandshake handshake(options, make_randomness(unhex(kChallenge), std::string(32, 'k')));
    expect_401(handshake.on_line(b64(point)));
  }
}

TEST(LoginHandshake, Design5PlainTokenInLine2) {
  const auto options = all_suites();
  const std::string secret(32, 's');
  LoginHandshake handshake(options, make_randomness(unhex(kChallenge), secret));
  const LoginStep step = handshake.on_line("dGVzdDE=@Y29jb3Mx:MTIz");
  ASSERT_EQ(step.kind, Kind::kToken);
  EXPECT_EQ(step.suite, Suite::kPlain);
  EXPECT_EQ(step.line, "");
  EXPECT_EQ(step.token.user, "test1");
  EXPECT_EQ(step.token.server, "cocos1");
  EXPECT_EQ(step.token.password.reveal(), "123");
  EXPECT_EQ(step.secret.reveal(), secret);
}

TEST(LoginHandshake, Design5LineOfNoSuiteIs400) {
  const auto options = all_suites();
  for (const std::string& line :
       {std::string(), std::string("hello"), std::string("!!!!"), b64("1234567"), b64("123456789"),
        b64(std::string(31, 'x')), b64(std::string(33, 'x')), std::string("\xff\xfe\0", 3),
        std::string(8192, 'A'), std::string("GET / HTTP/1.1")}) {
    LoginHandshake handshake(options, example_randomness());
    expect_400(handshake.on_line(line));
    EXPECT_TRUE(handshake.finished());
  }
}

TEST(LoginHandshake, Design5SuiteNotAllowedIs426) {
  const std::string token = "dGVzdDE=@Y29jb3Mx:MTIz";
  const std::string x25519_key = b64(std::string(32, 'k'));
  const LoginHandshakeOptions none;
  for (const std::string& line : {std::string(kClientLine2), token, x25519_key, std::string("@")}) {
    LoginHandshake handshake(none, example_randomness());
    expect_refused(handshake.on_line(line), 426, "426 Upgrade Required");
  }
  const LoginHandshakeOptions skynet_only{true, false, false, {}};
  LoginHandshake refused(skynet_only, example_randomness());
  const LoginStep step = refused.on_line(token);
  expect_refused(step, 426, "426 Upgrade Required");
  EXPECT_EQ(step.suite, Suite::kPlain);
  LoginHandshake taken(skynet_only, example_randomness());
  EXPECT_EQ(taken.on_line(kClientLine2).line, kServerLine3);
}

TEST(LoginHandshake, Design5WeakKeysAre401) {
  const auto options = all_suites();
  for (const char* key : {"0000000000000000", "0100000000000000", "c4ffffffffffffff",
                          "c5ffffffffffffff", "c6ffffffffffffff", "ffffffffffffffff"}) {
    LoginHandshake handshake(options, example_randomness());
    expect_401(handshake.on_line(b64(unhex(key))));
  }
  LoginHandshake handshake(options, example_randomness());
  EXPECT_EQ(handshake.on_line(b64(unhex("c3ffffffffffffff"))).kind, Kind::kContinue);
}

TEST(LoginHandshake, RandomnessOfZerosStillMakesAKey) {
  const auto options = all_suites();
  LoginHandshake handshake(options, make_randomness(unhex(kChallenge), std::string(8, '\0')));
  const LoginStep step = handshake.on_line(kClientLine2);
  EXPECT_EQ(step.kind, Kind::kContinue);
  EXPECT_FALSE(step.line.empty());
}

TEST(LoginHandshake, WrongMacIs401) {
  const auto options = all_suites();
  for (const char* mac : {"", "NANH+LpAlaQ=", "NANH+LpAlQ==", "NANH+LpAlaUA", "N", "a.bc"}) {
    LoginHandshake handshake(options, example_randomness());
    (void)handshake.on_line(kClientLine2);
    expect_401(handshake.on_line(mac));
    const LoginStep ignored = handshake.on_line(kClientLine5);
    EXPECT_EQ(ignored.kind, Kind::kContinue);
    EXPECT_EQ(ignored.line, "");
  }
}

TEST(LoginHandshake, WrongDesOrTokenIs401) {
  const auto options = all_suites();
  for (const std::string& line :
       {std::string(), std::string("N"), b64("1234567"), b64("12345678"), b64("123456789")}) {
    LoginHandshake handshake(options, example_randomness());
    (void)handshake.on_line(kClientLine2);
    (void)handshake.on_line(kClientLine4);
    expect_401(handshake.on_line(line));
  }
  for (const char* token : {"", "a", "no token", "dGVzdDE=@Y29jb3Mx", "dGVzdDE=@Y29jb3Mx!"})
    expect_401(skynet_with_token(options, token));
}

TEST(LoginHandshake, Base64TolerancesHoldInTheSkynetSuite) {
  const auto options = all_suites();
  LoginHandshake handshake(options, example_randomness());
  EXPECT_EQ(handshake.on_line("mE4UGCgyNe0").line, kServerLine3);  // no padding
  EXPECT_EQ(handshake.on_line("NA NH+LpAlaU=").kind, Kind::kContinue);
  EXPECT_EQ(handshake.on_line(kClientLine5).kind, Kind::kToken);
}

TEST(LoginHandshake, Design5UserNames) {
  const auto options = all_suites();
  const auto token = [](std::string_view user) { return b64(user) + "@Y29jb3Mx:MTIz"; };
  for (const char* user : {"严", "' OR 1=1 --"}) {
    const LoginStep step = skynet_with_token(options, token(user));
    ASSERT_EQ(step.kind, Kind::kToken);
    EXPECT_EQ(step.token.user, user);
  }
  EXPECT_EQ(skynet_with_token(options, token("e\u0301")).token.user, "\u00e9");
  for (const std::string& user :
       {std::string(), std::string(65, 'a'), std::string("a\nb"), std::string("\xff")}) {
    expect_401(skynet_with_token(options, token(user)));
    LoginHandshake plain(options, example_randomness());
    expect_401(plain.on_line(token(user)));
  }
}

TEST(LoginHandshake, Design5PlainAnswers) {
  const auto options = all_suites();
  for (const char* line : {"@", "YQ==@YQ==", "YQ==@:YQ==", "a b@YQ==:YQ==", "YQ==@YQ==!"}) {
    LoginHandshake handshake(options, example_randomness());
    expect_400(handshake.on_line(line));
  }
  LoginHandshake empty_password(options, example_randomness());
  expect_401(empty_password.on_line("YQ==@YQ==:"));
}

TEST(LoginHandshake, LinesBehindTheLastStepAreIgnored) {
  const auto options = all_suites();
  LoginHandshake handshake(options, example_randomness());
  ASSERT_EQ(handshake.on_line("dGVzdDE=@Y29jb3Mx:MTIz").kind, Kind::kToken);
  for (const char* line : {"dGVzdDE=@Y29jb3Mx:MTIz", kClientLine2, ""}) {
    const LoginStep step = handshake.on_line(line);
    EXPECT_EQ(step.kind, Kind::kContinue);
    EXPECT_EQ(step.line, "");
  }
}

TEST(LoginHandshake, GarbageAlwaysEndsInARefusal) {
  const auto options = all_suites();
  const unsigned seed = 426401;
  std::mt19937 random(seed);
  for (int round = 0; round < 3'000; ++round) {
    LoginHandshake handshake(options, example_randomness());
    if (round % 3 > 0) (void)handshake.on_line(kClientLine2);
    if (round % 3 > 1) (void)handshake.on_line(kClientLine4);
    std::string line(random() % 80, '\0');
    for (char& c : line) c = static_cast<char>(random());
    if (round % 2 == 0) line = b64(line);
    const LoginStep step = handshake.on_line(line);
    const bool is_key = round % 3 == 0 && !step.line.empty() && step.kind == Kind::kContinue;
    if (!is_key) {
      ASSERT_EQ(step.kind, Kind::kRefuse) << "seed " << seed << " round " << round;
      ASSERT_TRUE(step.refuse_code == 400 || step.refuse_code == 401);
    }
  }
}

}  // namespace
}  // namespace gatehouse::protocol
