#include <openssl/ssl.h>

#include <random>

#include "crypto/tls.hpp"
#include "tls_support.hpp"

namespace gatehouse::crypto {
namespace {

// OpenSSL itself, for what a TlsSession never does.
class RawClient {
 public:
  explicit RawClient(int version) : context_(SSL_CTX_new(TLS_client_method())) {
    SSL_CTX_set_min_proto_version(context_, version);
    SSL_CTX_set_max_proto_version(context_, version);
    SSL_CTX_set_cipher_list(context_, "ALL:@SECLEVEL=0");
    ssl_ = SSL_new(context_);
    SSL_set_bio(ssl_, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(ssl_);
    SSL_set_app_data(ssl_, this);
    SSL_set_info_callback(ssl_, [](const SSL* ssl, int where, int code) {
      if (where != SSL_CB_READ_ALERT) return;
      static_cast<RawClient*>(SSL_get_app_data(ssl))->alert_ = SSL_alert_desc_string_long(code);
    });
  }
  ~RawClient() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  [[nodiscard]] SSL* ssl() const { return ssl_; }
  // The last alert that the server sent.
  [[nodiscard]] const std::string& alert() const { return alert_; }
  // Goes on with the handshake and talks to `server` until both are silent.
  int shake_hands(Side& server) {
    while (true) {
      const int done = SSL_do_handshake(ssl_);
      char bytes[20000];
      const int size = BIO_read(SSL_get_wbio(ssl_), bytes, sizeof bytes);
      if (size <= 0) return done;
      server.feed({bytes, static_cast<std::size_t>(size)});
      BIO_write(SSL_get_rbio(ssl_), server.wire.data(), static_cast<int>(server.wire.size()));
      server.wire.clear();
    }
  }

 private:
  SSL_CTX* context_;
  SSL* ssl_;
  std::string alert_;
};

Side server_side() {
  static const auto context = showing("here");
  return {std::move(*TlsSession::server(context)), {}, {}};
}

// What a client that trusts `issuer` says of the certificate `name`, and what its server hears.
std::pair<std::string, std::string> judge(const std::string& issuer, const std::string& name) {
  Pair pair = make_pair(trusting(issuer), showing(name), "localhost");
  pair.talk();
  return {outcome(pair.client.result), outcome(pair.server.result)};
}

TEST(TlsRefusal, Certificates) {
  const std::string refused = "denied: tls: the certificate is refused: ";
  const std::string heard = "closed: tls: the peer refuses: ";
  EXPECT_EQ(judge("ca", "here"), std::make_pair(std::string("fine"), std::string("fine")));
  EXPECT_EQ(judge("ca", "expired"), std::make_pair(refused + "certificate has expired",
                                                   heard + "sslv3 alert certificate expired"));
  EXPECT_EQ(judge("ca", "self"),
            std::make_pair(refused + "self-signed certificate", heard + "tlsv1 alert unknown ca"));
  EXPECT_EQ(judge("stranger", "here").first, refused + "unable to get local issuer certificate");
  EXPECT_EQ(judge("ca", "other").first, refused + "hostname mismatch");
}

TEST(TlsRefusal, AnAddressThatTheCertificateDoesNotName) {
  Pair pair = make_pair(trusting("ca"), showing("here"), "127.0.0.2");
  pair.talk();
  EXPECT_EQ(outcome(pair.client.result),
            "denied: tls: the certificate is refused: IP address mismatch");
}

TEST(TlsRefusal, NobodyIsTrustedWithoutBeingNamed) {
  Pair pair = make_pair(new_context(), showing("here"), "localhost");
  pair.talk();
  EXPECT_EQ(pair.client.result.error().code, Errc::kDenied);
  const auto client = new_context();
  client->set_verify(false);
  Pair blind = make_pair(client, showing("self"), "");
  blind.talk();
  EXPECT_EQ(outcome(blind.client.result), "fine");
  EXPECT_TRUE(blind.server.session.finished());
}

TEST(TlsRefusal, SessionsThatCannotBe) {
  EXPECT_EQ(TlsSession::client(trusting("ca"), "").error().code, Errc::kInvalid);
  EXPECT_EQ(TlsSession::client(trusting("ca"), ".").error().code, Errc::kInvalid);
  EXPECT_EQ(TlsSession::client(trusting("ca"), std::string_view("a\0b", 3)).error().code,
            Errc::kInvalid);
  EXPECT_EQ(TlsSession::client(trusting("ca"), std::string(300, 'a')).error().code, Errc::kInvalid);
  EXPECT_EQ(TlsSession::server(new_context()).error().code, Errc::kInvalid);
}

TEST(TlsRefusal, CertificatesThatCannotBeLoaded) {
  const auto context = new_context();
  const auto& all = certificates();
  const auto text = [&context](const std::string& chain, const std::string& key) {
    return outcome(context->load_certificate(chain, key));
  };
  EXPECT_EQ(text(all.pem("none"), all.key("here")), "io: cannot open " + all.pem("none"));
  EXPECT_EQ(text("/", all.key("here")), "io: cannot read /");
  EXPECT_EQ(text(all.key("here"), all.key("here")),
            "invalid: " + all.key("here") + ": no certificate in PEM: no start line");
  EXPECT_EQ(text(all.pem("here"), all.pem("here")),
            "invalid: " + all.pem("here") + ": no key in PEM: unsupported");
  EXPECT_EQ(text(all.pem("here"), all.key("other")),
            "invalid: " + all.pem("here") + ": the certificate is refused: private key mismatch");
  EXPECT_FALSE(context->has_certificate());
  EXPECT_EQ(context->trust_pem("nothing").error().code, Errc::kInvalid);
  EXPECT_EQ(context->trust_file(all.key("here")).error().code, Errc::kInvalid);
  EXPECT_EQ(context->trust_file(all.pem("none")).error().code, Errc::kIo);
  const std::string good = test::read_file(all.pem("ca"));
  EXPECT_EQ(context->trust_pem(good + good.substr(0, good.size() / 2)).error().code,
            Errc::kInvalid);
  EXPECT_TRUE(context->trust_pem("a comment\n" + good + good).has_value());
}

TEST(TlsRefusal, CiphersAndProtocolsThatAreNone) {
  const auto context = new_context();
  EXPECT_FALSE(context->set_ciphers(""));
  EXPECT_FALSE(context->set_ciphers("NOSUCH"));
  EXPECT_FALSE(context->set_ciphers("TLS_NOSUCH"));
  EXPECT_TRUE(context->set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256:TLS_AES_256_GCM_SHA384"));
  EXPECT_FALSE(context->set_alpn({""}));
  EXPECT_FALSE(context->set_alpn({std::string(256, 'a')}));
  Pair pair = make_pair(trusting("ca"), showing("here"), "localhost");
  const auto limited = trusting("ca");
  ASSERT_TRUE(limited->set_ciphers("TLS_CHACHA20_POLY1305_SHA256"));
  Pair chosen = make_pair(limited, showing("here"), "localhost");
  chosen.talk();
  EXPECT_EQ(chosen.server.session.cipher(), "TLS_CHACHA20_POLY1305_SHA256");
}

TEST(TlsRefusal, Tls11) {
  Side server = server_side();
  RawClient client(TLS1_1_VERSION);
  EXPECT_NE(client.shake_hands(server), 1);
  EXPECT_EQ(outcome(server.result), "corrupt: tls: unsupported protocol");
  EXPECT_EQ(client.alert(), "protocol version");
}

TEST(TlsRefusal, Tls12IsSpokenAndNotNegotiatedAgain) {
  Side server = server_side();
  RawClient client(TLS1_2_VERSION);
  ASSERT_EQ(client.shake_hands(server), 1);
  EXPECT_EQ(server.session.version(), "TLSv1.2");
  ASSERT_EQ(SSL_renegotiate(client.ssl()), 1);
  ASSERT_NE(client.shake_hands(server), 1);
  EXPECT_EQ(client.alert(), "no renegotiation");
}

TEST(TlsRefusal, Tls12CutOffAndClosed) {
  Side server = server_side();
  RawClient client(TLS1_2_VERSION);
  ASSERT_EQ(client.shake_hands(server), 1);
  EXPECT_FALSE(server.session.end());
  SSL_shutdown(client.ssl());
  char bytes[100];
  const int size = BIO_read(SSL_get_wbio(client.ssl()), bytes, sizeof bytes);
  server.feed({bytes, static_cast<std::size_t>(size)});
  EXPECT_TRUE(server.session.ended());
}

TEST(TlsRefusal, PlainTextAndGarbage) {
  Side plain = server_side();
  plain.feed("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(outcome(plain.result), "corrupt: tls: http request");
  EXPECT_EQ(outcome(plain.session.feed("more", plain.plain, plain.wire)),
            "closed: tls: the session has failed");
  EXPECT_TRUE(plain.session.failed());
  std::mt19937 generator(7);
  for (int round = 0; round < 300; ++round) {
    std::string noise(1 + generator() % 400, '\0');
    for (char& c : noise) c = static_cast<char>(generator());
    if (round % 2 == 0) noise.replace(0, 5, std::string("\x16\x03\x01\x00\x40", 5));
    Side server = server_side();
    for (const char c : noise) server.feed({&c, 1});
    EXPECT_FALSE(server.session.finished());
    EXPECT_EQ(server.plain, "");
  }
}

TEST(TlsRefusal, EveryChangedByteIsNoticed) {
  for (std::size_t at = 0; at < 60; ++at) {
    Pair pair = connected_pair();
    ASSERT_TRUE(pair.client.session.write(std::string(40, 'x'), pair.client.wire));
    if (at >= pair.client.wire.size()) break;
    pair.client.wire[at] = static_cast<char>(pair.client.wire[at] ^ 1);
    pair.server.feed(pair.client.wire);
    // A longer length waits for bytes that never come; the rest is an error.
    EXPECT_EQ(pair.server.plain, "") << at;
    EXPECT_FALSE(pair.server.session.end()) << at;
  }
}

TEST(TlsRefusal, AHandshakeWithAnyByteChangedDoesNotEndWell) {
  Pair sample = make_pair(trusting("ca"), showing("here"), "localhost");
  const std::size_t hello = sample.client.wire.size();
  const auto client = trusting("ca"), server = showing("here");
  for (std::size_t at = 0; at < hello; at += 3) {
    Pair pair = make_pair(client, server, "localhost");
    if (at >= pair.client.wire.size()) break;
    pair.client.wire[at] = static_cast<char>(pair.client.wire[at] ^ 0x21);
    pair.talk();
    // The version of the record layer is not looked at (RFC 8446 section 5.1).
    if (at != 1 && at != 2) {
      EXPECT_FALSE(pair.client.session.finished() && pair.server.session.finished()) << at;
    }
  }
}

}  // namespace
}  // namespace gatehouse::crypto
