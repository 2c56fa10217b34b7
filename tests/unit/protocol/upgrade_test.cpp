#include "protocol/upgrade.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gatehouse::protocol {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using enum UpgradeResult;

// The example of RFC 6455 1.3, with fields replaced: an empty text leaves one out.
std::string request(const std::string& field = {}, const std::string& line = {},
                    const std::string& first = "GET /chat HTTP/1.1") {
  const std::vector<std::pair<std::string, std::string>> fields = {
      {"Host", "Host: server.example.com"},
      {"Upgrade", "Upgrade: websocket"},
      {"Connection", "Connection: Upgrade"},
      {"Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="},
      {"Origin", "Origin: http://example.com"},
      {"Protocol", "Sec-WebSocket-Protocol: chat, gatehouse.gate.1"},
      {"Version", "Sec-WebSocket-Version: 13"}};
  std::string head = first + "\r\n";
  for (const auto& [name, text] : fields) {
    const std::string& said = name == field ? line : text;
    if (!said.empty()) head += said + "\r\n";
  }
  if (field == "More") head += line + "\r\n";
  return head + "\r\n";
}

UpgradeAnswer judge(const std::string& head, const std::vector<std::string>& origins = {}) {
  const auto parsed = Origins::parse(origins);
  EXPECT_TRUE(parsed.has_value());
  EXPECT_EQ(upgrade_head_bytes(head), head.size());
  return judge_upgrade(head, {kGateSubprotocol, *parsed});
}

TEST(UpgradeTest, AnswersTheExampleOfTheRfc) {
  const UpgradeAnswer answer = judge(request());
  EXPECT_EQ(answer.result, kAccepted);
  EXPECT_EQ(answer.response,
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
            "Sec-WebSocket-Protocol: gatehouse.gate.1\r\n\r\n");
}

TEST(UpgradeTest, TakesWhatClientsReallySend) {
  const std::vector<std::pair<std::string, std::string>> variants = {
      {"Upgrade", "upgrade: WebSocket"},
      {"Upgrade", "Upgrade: h2c, websocket"},
      {"Connection", "Connection: keep-alive, Upgrade"},
      {"Connection", "connection:upgrade"},
      {"Key", "Sec-WebSocket-Key:  dGhlIHNhbXBsZSBub25jZQ==  "},
      {"Origin", ""},
      {"Protocol", ""},
      {"More", "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"},
      {"More", "Content-Length: 0"},
      {"More", "Cookie: a=b; c=d"}};
  for (const auto& [field, line] : variants) {
    const UpgradeAnswer answer = judge(request(field, line));
    EXPECT_EQ(answer.result, kAccepted) << line;
    EXPECT_THAT(answer.response, Not(HasSubstr("Extensions")));
  }
  EXPECT_EQ(judge(request("", "", "GET /any/path?query HTTP/1.1")).result, kAccepted);
}

TEST(UpgradeTest, NamesOurSubprotocolOnlyWhenItIsOffered) {
  const auto response = [](const std::string& line) {
    const UpgradeAnswer answer = judge(request("Protocol", line));
    EXPECT_EQ(answer.result, kAccepted);
    return answer.response;
  };
  const std::string ours = "Sec-WebSocket-Protocol: gatehouse.gate.1\r\n";
  EXPECT_THAT(response("Sec-WebSocket-Protocol: gatehouse.gate.1"), HasSubstr(ours));
  EXPECT_THAT(response("Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: gatehouse.gate.1"),
              HasSubstr(ours));
  EXPECT_THAT(response("Sec-WebSocket-Protocol: chat, superchat"),
              Not(HasSubstr("Sec-WebSocket-Protocol")));
  EXPECT_THAT(response("Sec-WebSocket-Protocol: GATEHOUSE.GATE.1"),
              Not(HasSubstr("Sec-WebSocket-Protocol")));
  EXPECT_THAT(response("Sec-WebSocket-Protocol: gatehouse.login.1"),
              Not(HasSubstr("Sec-WebSocket-Protocol")));
}

struct Refused {
  std::string field, line;
  UpgradeResult result;
  std::string status;
};

TEST(UpgradeTest, RefusesWithTheAnswerThatFits) {
  const std::vector<Refused> refused = {
      {"Host", "", kBadRequest, "400"},
      {"More", "Host: other.example.com", kBadRequest, "400"},
      {"Upgrade", "", kNoUpgrade, "426"},
      {"Upgrade", "Upgrade: h2c", kNoUpgrade, "426"},
      {"Connection", "", kBadRequest, "400"},
      {"Connection", "Connection: keep-alive", kBadRequest, "400"},
      {"Key", "", kBadRequest, "400"},
      {"Key", "Sec-WebSocket-Key: c2hvcnQ=", kBadRequest, "400"},
      {"Key", "Sec-WebSocket-Key: ***", kBadRequest, "400"},
      {"More", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", kBadRequest, "400"},
      {"Version", "", kVersion, "426"},
      {"Version", "Sec-WebSocket-Version: 8", kVersion, "426"},
      {"Version", "Sec-WebSocket-Version: 13, 8", kVersion, "426"},
      {"More", "Origin: http://other.example.com", kBadRequest, "400"},
      {"More", "Content-Length: 5", kBadRequest, "400"},
      {"More", "Transfer-Encoding: chunked", kBadRequest, "400"},
      {"More", "No colon", kNotHttp, "400"},
      {"More", "Bad name: x", kNotHttp, "400"},
      {"More", std::string("Nul: \0", 6), kNotHttp, "400"}};
  for (const Refused& wanted : refused) {
    const UpgradeAnswer answer = judge(request(wanted.field, wanted.line));
    EXPECT_EQ(name(answer.result), name(wanted.result)) << wanted.field << ' ' << wanted.line;
    EXPECT_THAT(answer.response, StartsWith("HTTP/1.1 " + wanted.status + " ")) << wanted.line;
    EXPECT_THAT(answer.response, HasSubstr("\r\nConnection: close\r\n"));
  }
  EXPECT_THAT(judge(request("Version", "")).response,
              HasSubstr("\r\nSec-WebSocket-Version: 13\r\n"));
}

TEST(UpgradeTest, RefusesOtherMethodsAndVersions) {
  const auto result = [](const std::string& first) { return judge(request("", "", first)); };
  EXPECT_EQ(result("POST / HTTP/1.1").result, kMethod);
  EXPECT_THAT(result("HEAD / HTTP/1.1").response, HasSubstr("\r\nAllow: GET\r\n"));
  EXPECT_EQ(result("OPTIONS * HTTP/1.1").result, kMethod);
  EXPECT_EQ(result("GET / HTTP/1.0").result, kHttpVersion);
  EXPECT_EQ(result("GET / HTTP/2.0").result, kHttpVersion);
  EXPECT_EQ(result("GET /").result, kNotHttp);
  EXPECT_EQ(result("GET\t/ HTTP/1.1").result, kNotHttp);
  EXPECT_EQ(result("\r\nGET / HTTP/1.1").result, kNotHttp);
}

TEST(UpgradeTest, BoundsTheHead) {
  const std::string padding = "X: " + std::string(kUpgradeBytesMax, 'x');
  EXPECT_EQ(judge(request("More", padding)).result, kTooLarge);
  std::string fields = "A: b";
  for (std::size_t i = 0; i < kUpgradeFieldsMax; ++i) fields += "\r\nA: b";
  EXPECT_EQ(judge(request("More", fields)).result, kTooLarge);
}

TEST(UpgradeTest, TellsABrowserWhatThisPortIs) {
  const std::string response = judge("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").response;
  EXPECT_THAT(response, StartsWith("HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\n"));
  EXPECT_THAT(response, HasSubstr("Content-Type: text/plain"));
  EXPECT_THAT(response, HasSubstr("game server"));
  EXPECT_THAT(response, HasSubstr("gatehouse.gate.1"));
  const std::size_t body = response.find("\r\n\r\n") + 4;
  EXPECT_THAT(response, HasSubstr("Content-Length: " + std::to_string(response.size() - body)));
}

TEST(UpgradeTest, FindsTheEndOfTheHeadWhereverItIsCut) {
  const std::string head = request(), all = head + "frames";
  for (std::size_t cut = 0; cut <= all.size(); ++cut) {
    const std::size_t first = upgrade_head_bytes(all.substr(0, cut));
    EXPECT_EQ(first, cut < head.size() ? 0 : head.size());
    if (first != 0) continue;
    EXPECT_EQ(upgrade_head_bytes(all, cut), head.size());
  }
}

TEST(OriginsTest, AllowsWhatAPatternSays) {
  const auto origins =
      Origins::parse({"https://play.example.com", "https://*.example.org", "http://localhost:8080",
                      "https://own.example.net:443", "null", "capacitor://localhost"});
  ASSERT_TRUE(origins.has_value());
  for (const char* origin :
       {"https://play.example.com", "HTTPS://Play.Example.COM", "https://a.example.org",
        "https://a.b.example.org", "http://localhost:8080", "https://own.example.net", "null",
        "capacitor://localhost"})
    EXPECT_TRUE(origins->allow(origin)) << origin;
  for (const char* origin :
       {"http://play.example.com", "https://play.example.com:8443", "https://example.com",
        "https://evil.com", "https://example.org", "https://.example.org",
        "https://evilexample.org", "https://evil.com/.example.org", "https://a.example.org:8443",
        "http://localhost", "https://play.example.com.evil.com", "", "file://", "nul",
        "https://evil.com#.example.org"})
    EXPECT_FALSE(origins->allow(origin)) << origin;
  EXPECT_TRUE(Origins::parse({})->allow("https://anything.example.com"));
}

TEST(OriginsTest, SaysWhatIsNoPattern) {
  for (const char* pattern : {"", "*", "example.com", "https://", "https://*", "https://*.",
                              "https://a.*.com", "https://example.com/path", "://x", "https://a b"})
    EXPECT_FALSE(Origins::parse({pattern}).has_value()) << pattern;
  EXPECT_THAT(Origins::parse({"example.com"}).error().message, HasSubstr("example.com"));
}

TEST(UpgradeTest, RefusesPagesOfOtherOrigins) {
  const std::vector<std::string> ours = {"https://play.example.com"};
  EXPECT_EQ(judge(request(), ours).result, kOrigin);
  EXPECT_THAT(judge(request(), ours).response, StartsWith("HTTP/1.1 403 "));
  EXPECT_EQ(judge(request("Origin", ""), ours).result, kAccepted) << "it is no browser";
  EXPECT_EQ(judge(request("Origin", "Origin: https://play.example.com"), ours).result, kAccepted);
  EXPECT_EQ(judge(request("Origin", "Origin:"), ours).result, kOrigin);
}

}  // namespace
}  // namespace gatehouse::protocol
