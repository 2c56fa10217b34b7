#include "protocol/gate_handshake.hpp"

#include <gtest/gtest.h>

#include <random>

#include "protocol/frame.hpp"
#include "vectors.hpp"

namespace gatehouse::protocol {
namespace {

const std::string kName = "aGVsbG8=@c2FtcGxl#MQ==";

struct Session {
  Suite suite = Suite::kSkynet;
  Secret secret{unhex("98c8a946ef79df88")};
  HandshakeIndex last_index = 0;
};

std::string_view judge(std::string_view body, const Session& session) {
  const GateHandshake handshake = parse_gate_handshake(body);
  const GateSession known{session.suite, session.secret, session.last_index};
  return judge_gate_handshake(handshake, handshake.name == kName ? &known : nullptr);
}

// The text with the mac that belongs to it.
std::string sign(const std::string& text, const Session& session) {
  return text + ":" + crypto::base64_encode(gate_mac(session.suite, session.secret, text));
}

TEST(GateHandshake, WorkedExampleByteExact) {
  const std::string frame = unhex(
      "00256147567362473"
      "83d40633246746347786c234d513d3d3a313a6c782b744739786c716c493d");
  Session session;
  std::string_view answer;
  FrameReader reader;
  (void)reader.feed(frame, [&](std::string_view body) {
    EXPECT_EQ(body, sign(kName + ":1", session));
    answer = judge(body, session);
    return true;
  });
  EXPECT_EQ(answer, kGateOk);
  session.last_index = 1;
  EXPECT_EQ(judge(kName + ":2:U6lYjPFk7Cc=", session), kGateOk);
}

TEST(GateHandshake, AnswerFramesByteExact) {
  const auto frame = [](std::string_view answer) {
    std::string out;
    EXPECT_TRUE(append_frame(out, answer));
    return crypto::hex_encode(out);
  };
  EXPECT_EQ(frame(kGateOk), "0006323030204f4b");
  EXPECT_EQ(frame(kGateNotFound), "00123430342055736572204e6f7420466f756e64");
  EXPECT_EQ(frame(kGateIndexExpired), "001134303320496e6465782045787069726564");
  EXPECT_EQ(frame(kGateUnauthorized), "001034303120556e617574686f72697a6564");
  EXPECT_EQ(frame(kGateBadRequest), "000f343030204261642052657175657374");
}

TEST(GateHandshake, SkynetVectors) {
  for (const auto& c : load_cases("skynet-suite.json")) {
    const Secret secret(unhex(text_of(c["secret"])));
    const std::string text = text_of(c["gate_text"]);
    const std::string mac = unhex(text_of(c["gate_hmac64"]));
    EXPECT_EQ(gate_mac(Suite::kSkynet, secret, text), mac);
    EXPECT_TRUE(verify_gate_mac(Suite::kSkynet, secret, text, mac));
    EXPECT_FALSE(verify_gate_mac(Suite::kSkynet, secret, text + "0", mac));
    const std::string body = text + ":" + crypto::base64_encode(mac);
    const GateHandshake handshake = parse_gate_handshake(body);
    EXPECT_EQ(handshake.text, text);
    const GateSession session{Suite::kSkynet, secret, handshake.index - 1};
    EXPECT_EQ(judge_gate_handshake(handshake, &session), kGateOk);
  }
}

TEST(GateHandshake, X25519VectorsInBothForms) {
  for (const auto& c : load_cases("x25519-suite.json")) {
    const Secret secret(unhex(text_of(c["secret"])));
    for (const char* field : {"gate_3_fields", "gate_6_fields"}) {
      std::string body = text_of(c[field]);
      for (const Suite suite : {Suite::kX25519, Suite::kPlain}) {
        const GateHandshake handshake = parse_gate_handshake(body);
        const GateSession session{suite, secret, 0};
        EXPECT_EQ(judge_gate_handshake(handshake, &session), kGateOk) << body;
      }
      body[body.size() - 3] = body[body.size() - 3] == 'A' ? 'B' : 'A';
      const GateHandshake broken = parse_gate_handshake(body);
      const GateSession session{Suite::kX25519, secret, 0};
      EXPECT_EQ(judge_gate_handshake(broken, &session), kGateUnauthorized) << body;
    }
  }
}

TEST(GateHandshake, TextWithoutTwoColonsIs404) {
  const Session session;
  for (const std::string& body : {std::string(), kName, kName + ":1", std::string(":"),
                                  std::string("garbage"), std::string(1000, '\0')}) {
    EXPECT_EQ(parse_gate_handshake(body).form, HandshakeForm::kNone);
    EXPECT_EQ(judge(body, session), kGateNotFound);
  }
  EXPECT_EQ(judge("bm9ib2R5@c2FtcGxl#MQ==:1:lx+tG9xlqlI=", session), kGateNotFound);
  EXPECT_EQ(judge("bm9ib2R5@c2FtcGxl#MQ==:x:*", session), kGateNotFound);
  EXPECT_EQ(judge("::", session), kGateNotFound);
}

TEST(GateHandshake, BadIndexOrMacIs400) {
  const Session session;
  for (const char* rest : {":x:lx+tG9xlqlI=", "::lx+tG9xlqlI=", ":1 2:lx+tG9xlqlI=", ":1:Y",
                           ":1:YWJj\r", ":0x:lx+tG9xlqlI=", ":inf:lx+tG9xlqlI=", ":1:YWJj="})
    EXPECT_EQ(judge(kName + rest, session), kGateBadRequest) << rest;
}

TEST(GateHandshake, IndexMustGrowAndGoesBeforeTheMac) {
  Session session;
  session.last_index = 5;
  EXPECT_EQ(judge(sign(kName + ":5", session), session), kGateIndexExpired);
  EXPECT_EQ(judge(sign(kName + ":4", session), session), kGateIndexExpired);
  EXPECT_EQ(judge(sign(kName + ":-6", session), session), kGateIndexExpired);
  EXPECT_EQ(judge(kName + ":5:", session), kGateIndexExpired);
  EXPECT_EQ(judge(sign(kName + ":6", session), session), kGateOk);
  EXPECT_EQ(judge(sign(kName + ":1000", session), session), kGateOk);
  EXPECT_EQ(judge(sign(kName + ":5.5", session), session), kGateOk);
  session.last_index = 0;
  EXPECT_EQ(judge(sign(kName + ":0", session), session), kGateIndexExpired);
}

TEST(GateHandshake, WrongOrEmptyMacIs401) {
  const Session session;
  EXPECT_EQ(judge(kName + ":1:", session), kGateUnauthorized);
  EXPECT_EQ(judge(kName + ":1:lx+tG9xlqlM=", session), kGateUnauthorized);
  EXPECT_EQ(judge(kName + ":01:lx+tG9xlqlI=", session), kGateUnauthorized);  // as sent is signed
  EXPECT_EQ(judge(kName + ":1:lx+tG9xlqlIA", session), kGateUnauthorized);
}

TEST(GateHandshake, ExtraFieldsAreIgnored) {
  const Session session;
  const std::string good = sign(kName + ":1", session);
  for (const char* extra : {":", ":a", ":a:b", ":a:b:c:d", ":::::::"}) {
    EXPECT_EQ(parse_gate_handshake(good + extra).form, HandshakeForm::kSkynet);
    EXPECT_EQ(judge(good + extra, session), kGateOk) << extra;
  }
}

TEST(GateHandshake, IndexIsReadAsLuaDoes) {
  const auto value = [](std::string_view text) { return parse_index(text).value_or(-77); };
  EXPECT_EQ(value("1"), 1);
  EXPECT_EQ(value("+1"), 1);
  EXPECT_EQ(value("-1"), -1);
  EXPECT_EQ(value("007"), 7);
  EXPECT_EQ(value(" 3 "), 3);
  EXPECT_EQ(value("\t\n3\v\f\r"), 3);
  EXPECT_EQ(value("1.5"), 1.5L);
  EXPECT_EQ(value("1."), 1);
  EXPECT_EQ(value(".5"), 0.5L);
  EXPECT_EQ(value("1e3"), 1000);
  EXPECT_EQ(value("1E+3"), 1000);
  EXPECT_EQ(value("0x2"), 2);
  EXPECT_EQ(value("0XfF"), 255);
  EXPECT_EQ(value("-0x10"), -16);
  EXPECT_EQ(value("0x.8"), 0.5L);
  EXPECT_EQ(value("0x1p4"), 16);
  EXPECT_EQ(value("0xffffffffffffffff"), -1);
  EXPECT_EQ(value("0x10000000000000001"), 1);
  EXPECT_EQ(value("9223372036854775807"), 9223372036854775807.0L);
  EXPECT_EQ(value("-9223372036854775808"), -9223372036854775808.0L);
  EXPECT_EQ(value("9223372036854775808"), 9223372036854775808.0L);  // a double from here on
  EXPECT_GT(value("9007199254740993"), value("9007199254740992"));
  EXPECT_EQ(value("100000000000000000000"), 1e20L);
}

TEST(GateHandshake, WhatIsNoNumberInLua) {
  for (const char* text :
       {"",   " ",   "x",   "1x",   "1 2", "--1", "+-1", "- 1", "0x",    "0xg",  "0x-1",
        "x1", "inf", "nan", "-inf", "1e",  "e5",  ".",   "1,5", "1e400", "0x1p", "١"})
    EXPECT_FALSE(parse_index(text)) << text;
  EXPECT_FALSE(parse_index(std::string_view("1\0", 2)));
}

TEST(GateHandshake, Design6ExtendedForm) {
  const Session session;
  const std::string body = sign(kName + ":3:17:c0nv-_:sealed,x", session);
  const GateHandshake handshake = parse_gate_handshake(body);
  EXPECT_EQ(handshake.form, HandshakeForm::kExtended);
  EXPECT_FALSE(handshake.malformed);
  EXPECT_EQ(handshake.name, kName);
  EXPECT_EQ(handshake.index, 3);
  EXPECT_EQ(handshake.last_push, 17u);
  EXPECT_EQ(handshake.conversation, "c0nv-_");
  EXPECT_EQ(handshake.options, "sealed,x");
  EXPECT_EQ(judge(body, session), kGateOk);
  EXPECT_EQ(judge(sign(kName + ":3:0:::", session).substr(0, kName.size() + 6) + ":", session),
            kGateUnauthorized);
}

TEST(GateHandshake, Design6ExtendedFieldsAreCoveredByTheMac) {
  const Session session;
  const std::string body = sign(kName + ":3:17:conv:sealed", session);
  for (std::size_t i = kName.size() + 1; i < body.rfind(':'); ++i) {
    if (body[i] == ':') continue;
    std::string changed = body;
    changed[i] = changed[i] == '4' ? '5' : '4';
    EXPECT_NE(judge(changed, session), kGateOk) << changed;
  }
}

TEST(GateHandshake, Design6BadExtendedFieldsAre400) {
  const Session session;
  for (const char* rest :
       {":1::c:", ":1:-1:c:", ":1:x:c:", ":1:4294967296:c:", ":1: 1:c:", ":1:1.0:c:", ":1:0:a b:",
        ":1:0:a=:", ":1:0:a+b:", ":1:0:严:", ":1:0:123456789012345678901234567890123:"})
    EXPECT_EQ(judge(sign(kName + rest, session), session), kGateBadRequest) << rest;
  const std::string longest = ":1:4294967295:12345678901234567890123456789012:";
  EXPECT_EQ(judge(sign(kName + longest, session), session), kGateOk);
}

TEST(GateHandshake, Design6OptionsGranted) {
  EXPECT_EQ(format_gate_ok(HandshakeForm::kSkynet, "sealed"), "200 OK");
  EXPECT_EQ(format_gate_ok(HandshakeForm::kExtended, ""), "200 OK");
  EXPECT_EQ(format_gate_ok(HandshakeForm::kExtended, "sealed"), "200 OK sealed");
  EXPECT_TRUE(has_option("sealed", "sealed"));
  EXPECT_TRUE(has_option("a,sealed,b", "sealed"));
  EXPECT_FALSE(has_option("", "sealed"));
  EXPECT_FALSE(has_option("unsealed,seal", "sealed"));
}

TEST(GateHandshake, ASecretOfTheWrongSizeVerifiesNothing) {
  EXPECT_FALSE(verify_gate_mac(Suite::kSkynet, Secret("short"), "text", ""));
}

TEST(GateHandshake, GarbageIsNeverAccepted) {
  const Session session;
  const unsigned seed = 404;
  std::mt19937 random(seed);
  const std::string alphabet = "::::::0123456789abcXx.+-= \t\n@#\xff";
  for (int round = 0; round < 20'000; ++round) {
    std::string body = round % 2 == 0 ? kName + ":" : std::string();
    for (std::size_t n = random() % 40; n > 0; --n) body += alphabet[random() % alphabet.size()];
    ASSERT_NE(judge(body, session), kGateOk) << "seed " << seed << " round " << round;
  }
}

TEST(GateName, IsMadeOfWhatAPlayerTyped) {
  EXPECT_EQ(make_gate_name("hello", "sample", "1"), kName);
  const std::string name = make_gate_name("ren\u00e9e", "caf\u00e9", "7");
  EXPECT_EQ(canonical_gate_name(make_gate_name("rene\u0301e", "cafe\u0301", "7")), name);
  EXPECT_EQ(canonical_gate_name(name), std::nullopt);
  EXPECT_EQ(canonical_gate_name("YQ@c2FtcGxl#Nw"), make_gate_name("a", "sample", "7"));
  for (const char* text : {"", "@#", "a@b", "a@b#c", "YQ==@c2FtcGxl#!", "YQ==#c2FtcGxl@Nw=="})
    EXPECT_EQ(canonical_gate_name(text), std::nullopt) << text;
}

}  // namespace
}  // namespace gatehouse::protocol
