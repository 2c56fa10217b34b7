#include "crypto/tls.hpp"

#include <random>

#include "tls_support.hpp"

namespace gatehouse::crypto {
namespace {

std::string noise(std::size_t size, unsigned seed) {
  std::mt19937 generator(seed);
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(generator());
  return text;
}

TEST(Tls, HandshakeInPartsOfAnySize) {
  const auto client = trusting("ca"), server = showing("here");
  for (const std::size_t size : {1u, 2u, 3u, 5u, 7u, 64u, 1000u, 100000u}) {
    Pair pair = make_pair(client, server, "localhost");
    pair.talk(size);
    ASSERT_EQ(outcome(pair.client.result), "fine") << size;
    ASSERT_EQ(outcome(pair.server.result), "fine") << size;
    ASSERT_TRUE(pair.client.session.finished() && pair.server.session.finished()) << size;
    EXPECT_EQ(pair.client.session.version(), "TLSv1.3");
    EXPECT_EQ(pair.server.session.cipher(), pair.client.session.cipher());
    EXPECT_EQ(pair.server.session.server_name(), "localhost");
    EXPECT_EQ(pair.client.session.alpn(), "");
    ASSERT_TRUE(pair.client.session.write("question", pair.client.wire));
    ASSERT_TRUE(pair.server.session.write("answer", pair.server.wire));
    pair.talk(size);
    EXPECT_EQ(pair.server.plain, "question");
    EXPECT_EQ(pair.client.plain, "answer");
  }
}

TEST(Tls, AnAddressIsExpectedWithoutServerName) {
  const auto client = trusting("ca"), server = showing("here");
  Pair pair = make_pair(client, server, "127.0.0.1");
  pair.talk();
  EXPECT_EQ(outcome(pair.client.result), "fine");
  EXPECT_TRUE(pair.server.session.finished());
  EXPECT_EQ(pair.server.session.server_name(), "");
}

TEST(Tls, NamesAreComparedAsRfc6125Says) {
  const auto client = trusting("ca"), server = showing("here");
  for (const char* good : {"one.games.test", "LOCALHOST", "localhost."}) {
    Pair pair = make_pair(client, server, good);
    pair.talk();
    EXPECT_EQ(outcome(pair.client.result), "fine") << good;
  }
  for (const char* bad : {"games.test", "a.b.games.test", "localhos", "here"}) {
    Pair pair = make_pair(client, server, bad);
    pair.talk();
    EXPECT_EQ(outcome(pair.client.result),
              "denied: tls: the certificate is refused: hostname mismatch")
        << bad;
  }
}

TEST(Tls, MuchDataBothWays) {
  Pair pair = connected_pair();
  const std::string to_server = noise(3'000'000, 1), to_client = noise(2'000'001, 2);
  ASSERT_TRUE(pair.client.session.write(to_server, pair.client.wire));
  ASSERT_TRUE(pair.server.session.write(to_client, pair.server.wire));
  EXPECT_EQ(pair.client.wire.find(to_server.substr(0, 32)), std::string::npos);
  pair.talk(1013);
  EXPECT_TRUE(pair.server.plain == to_server);
  EXPECT_TRUE(pair.client.plain == to_client);
}

TEST(Tls, ManyWritesOfAllSizes) {
  Pair pair = connected_pair();
  std::string sent;
  for (std::size_t size = 0; size < 600; ++size) {
    const std::string text = noise(size, static_cast<unsigned>(size));
    ASSERT_TRUE(pair.client.session.write(text, pair.client.wire));
    sent += text;
    if (size % 3 == 0) pair.talk(17);
  }
  pair.talk();
  EXPECT_TRUE(pair.server.plain == sent);
}

TEST(Tls, CloseIsSaidOnceAndEndsOneDirection) {
  Pair pair = connected_pair();
  ASSERT_TRUE(pair.client.session.write("last", pair.client.wire));
  pair.client.session.close(pair.client.wire);
  const std::size_t said = pair.client.wire.size();
  pair.client.session.close(pair.client.wire);
  EXPECT_EQ(pair.client.wire.size(), said);
  EXPECT_EQ(outcome(pair.client.session.write("more", pair.client.wire)),
            "closed: tls: the session has ended");
  pair.talk(1);
  EXPECT_EQ(pair.server.plain, "last");
  EXPECT_TRUE(pair.server.session.ended());
  EXPECT_TRUE(pair.server.session.end());
  // The server may still answer.
  ASSERT_TRUE(pair.server.session.write("answer", pair.server.wire));
  pair.server.session.close(pair.server.wire);
  pair.talk();
  EXPECT_EQ(pair.client.plain, "answer");
  EXPECT_TRUE(pair.client.session.ended());
  // Nothing counts behind the end.
  pair.server.feed("not TLS at all");
  EXPECT_EQ(outcome(pair.server.result), "fine");
  EXPECT_EQ(pair.server.plain, "last");
}

TEST(Tls, AnEndThatNobodyAnnouncedIsCutOff) {
  Pair pair = connected_pair();
  ASSERT_TRUE(pair.server.session.write(std::string(5000, 'x'), pair.server.wire));
  pair.client.feed(std::string_view(pair.server.wire).substr(0, 4000));
  EXPECT_EQ(pair.client.plain, "");  // half a record says nothing
  EXPECT_EQ(outcome(pair.client.session.end()), "closed: tls: the connection is cut off");
  pair.client.feed(std::string_view(pair.server.wire).substr(4000));
  EXPECT_EQ(pair.client.plain.size(), 5000u);
  EXPECT_EQ(outcome(pair.client.session.end()), "closed: tls: the connection is cut off");
}

TEST(Tls, AnEndInTheHandshake) {
  Pair pair = make_pair(trusting("ca"), showing("here"), "localhost");
  EXPECT_EQ(outcome(pair.client.session.end()),
            "closed: tls: the connection ends in the handshake");
  EXPECT_EQ(outcome(pair.client.session.write("early", pair.client.wire)),
            "invalid: tls: the handshake is not over");
  const std::size_t hello = pair.client.wire.size();
  pair.client.session.close(pair.client.wire);
  EXPECT_EQ(pair.client.wire.size(), hello);
}

TEST(Tls, AlpnChoosesByTheServersPreference) {
  const auto client = trusting("ca"), server = showing("here");
  ASSERT_TRUE(client->set_alpn({"http/1.1", "gatehouse"}));
  ASSERT_TRUE(server->set_alpn({"gatehouse", "http/1.1"}));
  Pair pair = make_pair(client, server, "localhost");
  pair.talk();
  EXPECT_EQ(pair.client.session.alpn(), "gatehouse");
  EXPECT_EQ(pair.server.session.alpn(), "gatehouse");
  ASSERT_TRUE(server->set_alpn({"h2"}));
  Pair none = make_pair(client, server, "localhost");
  none.talk();
  EXPECT_FALSE(none.server.result);
  EXPECT_EQ(outcome(none.client.result),
            "closed: tls: the peer refuses: tlsv1 alert no application protocol");
  ASSERT_TRUE(server->set_alpn({}));
  Pair silent = make_pair(client, server, "localhost");
  silent.talk();
  EXPECT_EQ(outcome(silent.client.result), "fine");
  EXPECT_EQ(silent.client.session.alpn(), "");
}

TEST(Tls, ServerNameChoosesTheCertificate) {
  const auto client = trusting("ca"), server = showing("here");
  ASSERT_TRUE(server->load_certificate(certificates().pem("other"), certificates().key("other")));
  for (const char* host : {"localhost", "other.test", "127.0.0.1"}) {
    Pair pair = make_pair(client, server, host);
    pair.talk();
    EXPECT_EQ(outcome(pair.client.result), "fine") << host;
  }
  server->forget_older_certificates();
  Pair pair = make_pair(client, server, "localhost");
  pair.talk();
  EXPECT_EQ(outcome(pair.client.result),
            "denied: tls: the certificate is refused: hostname mismatch");
}

TEST(Tls, ASessionOutlivesTheOwnersOfItsContext) {
  Pair pair = make_pair(trusting("ca"), showing("here"), "localhost");
  Pair moved = std::move(pair);
  moved.talk();
  EXPECT_EQ(outcome(moved.server.result), "fine");
  EXPECT_TRUE(moved.client.session.finished());
}

}  // namespace
}  // namespace gatehouse::crypto
