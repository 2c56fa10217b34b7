// TLS to the database: what is asked for is what happens.
#include <gmock/gmock.h>

#include "certificates.hpp"
#include "mysql_asker.hpp"
#include "store_fixture.hpp"
#include "test_world.hpp"

namespace gatehouse::drivers {
namespace {

using testing::HasSubstr;
using Mode = mysql::Tls::Mode;

// A server with a certificate for localhost and 127.0.0.1.
class MysqlOverTls : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    files = std::make_unique<test::Certificates>();
    files->make_issuer("issuer");
    files->make_issuer("stranger");
    files->make_for("server", "issuer", "DNS:localhost,IP:127.0.0.1");
    files->make_for("elsewhere", "issuer", "DNS:elsewhere.example");
    files->make_for("client", "issuer", "DNS:client.example");
    use_certificate("server");
    server = std::make_unique<test::MariaDb>(std::vector<std::string>{
        "--ssl-ca=" + files->pem("issuer"), "--ssl-cert=" + files->pem("used"),
        "--ssl-key=" + files->key("used")});
    server->create_database("tls");
  }
  static void TearDownTestSuite() {
    server.reset();
    files.reset();
  }
  // What the server shows from its next start or FLUSH SSL on.
  static void use_certificate(const std::string& name) {
    const auto over = std::filesystem::copy_options::overwrite_existing;
    std::filesystem::copy_file(files->pem(name), files->pem("used"), over);
    std::filesystem::copy_file(files->key(name), files->key("used"), over);
  }
  static void show_certificate(const std::string& name) {
    use_certificate(name);
    server->query("", "FLUSH SSL");
  }

  void SetUp() override {
    options_.kind = Kind::kMysql;
    options_.migrations_dir = GATEHOUSE_SOURCE_DIR "/sql";
    options_.mysql.port = server->port();
    options_.mysql.user = test::MariaDb::kUser;
    options_.mysql.password = Secret(test::MariaDb::kPassword);
    options_.mysql.database = "tls";
    verify_by("issuer");
  }
  void verify_by(const std::string& issuer) {
    options_.mysql.tls = {.mode = Mode::kVerify, .ca = files->pem(issuer), .cert = {}, .key = {}};
  }
  Result<> ping() { return must(open(test_world(), options_))->ping(); }
  // Why no connection was made.
  std::string refusal() {
    const auto refused = ping();
    EXPECT_EQ(code_of(refused), Errc::kUnavailable);
    return refused ? "" : refused.error().message;
  }

  static inline std::unique_ptr<test::Certificates> files;
  static inline std::unique_ptr<test::MariaDb> server;
  store::Options options_;
};

TEST_F(MysqlOverTls, VerifiedServerIsUsedEncrypted) {
  server->query("",
                "CREATE OR REPLACE USER 'sealed'@'%' IDENTIFIED BY 'p' REQUIRE SSL;"
                "GRANT ALL ON tls.* TO 'sealed'@'%'");
  options_.mysql.user = "sealed";
  options_.mysql.password = Secret("p");
  for (const char* host : {"127.0.0.1", "localhost"}) {
    options_.mysql.host = host;
    auto driver = must(open(test_world(), options_));
    must(driver->migrate());
    must(driver->create_account(host, "hash"));
  }
  // The server refuses this user without TLS, and the error says what to do.
  options_.mysql.tls = {};
  EXPECT_THAT(refusal(), HasSubstr("store.mysql.tls"));
}

TEST_F(MysqlOverTls, StrangersCertificateIsRefused) {
  verify_by("stranger");
  EXPECT_THAT(refusal(), HasSubstr("error 2026"));
}

TEST_F(MysqlOverTls, IssuersOfTheSystemDoNotKnowTheServer) {
  options_.mysql.tls.ca.clear();
  EXPECT_THAT(refusal(), HasSubstr("error 2026"));
}

TEST_F(MysqlOverTls, CertificateForAnotherHostIsRefused) {
  show_certificate("elsewhere");
  for (const char* host : {"127.0.0.1", "localhost"}) {
    options_.mysql.host = host;
    EXPECT_THAT(refusal(), HasSubstr("error 2026"));
  }
  show_certificate("server");
  must(ping());
}

TEST_F(MysqlOverTls, SelfSignedCertificateIsRefused) {
  show_certificate("stranger");
  EXPECT_THAT(refusal(), HasSubstr("error 2026"));
  options_.mysql.tls = {.mode = Mode::kRequired, .ca = {}, .cert = {}, .key = {}};
  must(ping());  // encrypted all the same
  show_certificate("server");
}

TEST_F(MysqlOverTls, ServerWithoutTlsIsRefused) {
  options_.mysql.port = mariadb().port();
  options_.mysql.database = "mysql";
  EXPECT_THAT(refusal(), HasSubstr("127.0.0.1:"));
  options_.mysql.tls = {.mode = Mode::kRequired, .ca = {}, .cert = {}, .key = {}};
  EXPECT_THAT(refusal(), HasSubstr("it does not offer TLS"));
  options_.mysql.tls = {};
  must(ping());
}

TEST_F(MysqlOverTls, OwnCertificateIsShown) {
  server->query("",
                "CREATE OR REPLACE USER 'known'@'%' IDENTIFIED BY 'p' REQUIRE X509;"
                "GRANT ALL ON tls.* TO 'known'@'%'");
  options_.mysql.user = "known";
  options_.mysql.password = Secret("p");
  refusal();
  options_.mysql.tls.cert = files->pem("client");
  options_.mysql.tls.key = files->key("client");
  must(ping());
  options_.mysql.tls.mode = Mode::kRequired;
  options_.mysql.tls.ca.clear();
  must(ping());
}

TEST_F(MysqlOverTls, RestartBetweenCallsIsNotEvenNoticed) {
  auto driver = must(open(test_world(), options_));
  must(driver->migrate());
  must(driver->create_account("before the restart", "hash"));
  server->stop();
  server->start();
  must(driver->create_account("after the restart", "hash"));
}

TEST(MysqlTlsOptions, ThatContradictThemselvesAreRefused) {
  store::Options options;
  options.kind = Kind::kMysql;
  options.mysql.user = options.mysql.database = "x";
  const auto refused = [&](mysql::Tls tls) {
    options.mysql.tls = std::move(tls);
    return code_of(open(test_world(), options)) == Errc::kInvalid;
  };
  EXPECT_TRUE(refused({.mode = Mode::kOff, .ca = "ca", .cert = {}, .key = {}}));
  EXPECT_TRUE(refused({.mode = Mode::kRequired, .ca = "ca", .cert = {}, .key = {}}));
  EXPECT_TRUE(refused({.mode = Mode::kVerify, .ca = "ca", .cert = "cert", .key = {}}));
  EXPECT_TRUE(refused({.mode = Mode::kVerify, .ca = std::string("c\0", 2), .cert = {}, .key = {}}));
  options.mysql.socket = "/run/db.sock";
  EXPECT_TRUE(refused({.mode = Mode::kVerify, .ca = "ca", .cert = {}, .key = {}}));
}

// The connections of scripts are made another way.
TEST_F(MysqlOverTls, ScriptsHaveTheSameModes) {
  using Kind = mysql::Request::Kind;
  for (const Mode mode : {Mode::kVerify, Mode::kRequired, Mode::kOff}) {
    options_.mysql.tls.mode = mode;
    MysqlAsker asker(options_);
    EXPECT_EQ(asker.ask(Kind::kConnect)->outcome, mysql::Answer::Outcome::kDone);
    const auto answer = asker.ask(Kind::kQuery, "SHOW STATUS LIKE 'Ssl_cipher'");
    ASSERT_EQ(answer->sets.size(), 1u);
    const mysql::Cell& cipher = answer->sets[0].cells.at(1);
    EXPECT_EQ(cipher.size == 0, mode == Mode::kOff);
  }
  verify_by("stranger");
  MysqlAsker asker(options_);
  const auto refused = asker.ask(Kind::kConnect);
  EXPECT_EQ(refused->outcome, mysql::Answer::Outcome::kLost);
  EXPECT_THAT(refused->error_text, HasSubstr("certificate"));
}

}  // namespace
}  // namespace gatehouse::drivers
