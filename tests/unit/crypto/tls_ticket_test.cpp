// Sessions that are resumed, and which certificate a client is shown: with the openssl command as
// the client, because ours never resumes. The server speaks over a socket.
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <thread>

#include "child_process.hpp"
#include "test_world.hpp"
#include "tls_support.hpp"

namespace gatehouse::crypto {
namespace {

std::shared_ptr<TlsTicketKeys> ticket_keys() {
  return std::make_shared<TlsTicketKeys>(3'600, test_world().random);
}

// Serves one connection after the other: the handshake, then what the client says comes back, and
// the end.
class OneByOne {
 public:
  OneByOne() : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(listener_, generic, size), 0);
    EXPECT_EQ(::listen(listener_, 8), 0);
    EXPECT_EQ(::getsockname(listener_, generic, &size), 0);
    port_ = ntohs(address.sin_port);
    set_patience(listener_);
  }
  ~OneByOne() { ::close(listener_); }
  OneByOne(const OneByOne&) = delete;
  OneByOne& operator=(const OneByOne&) = delete;

  // What `openssl s_client` prints while this serves it with a session of the context.
  std::string visit(const std::shared_ptr<TlsContext>& context, std::vector<std::string> options) {
    std::thread server([&] { serve(context); });
    std::vector<std::string> command = {"/usr/bin/openssl", "s_client",
                                        "-connect",         "127.0.0.1:" + std::to_string(port_),
                                        "-CAfile",          certificates().pem("ca"),
                                        "-ign_eof"};
    command.insert(command.end(), options.begin(), options.end());
    const std::string log = folder_ / "said";
    test::write_file(log, "");
    test::ChildProcess client;
    client.start(command, log);
    client.wait();
    server.join();
    return test::read_file(log);
  }
  bool resumed() const { return resumed_; }

 private:
  void serve(const std::shared_ptr<TlsContext>& context) {
    const int fd = ::accept(listener_, nullptr, nullptr);
    ASSERT_GE(fd, 0);
    set_patience(fd);
    auto session = TlsSession::server(context);
    ASSERT_TRUE(session.has_value());
    std::string plain, wire;
    bool greeted = false;
    char buffer[16'384];
    while (true) {
      const ssize_t size = ::recv(fd, buffer, sizeof buffer, 0);
      if (size <= 0) break;
      const auto fed = session->feed({buffer, static_cast<std::size_t>(size)}, plain, wire);
      if (fed && session->finished() && !greeted) {
        greeted = true;
        resumed_ = session->resumed();
        ASSERT_TRUE(session->write("welcome\n", wire));
        session->close(wire);
      }
      ::send(fd, wire.data(), wire.size(), MSG_NOSIGNAL);
      wire.clear();
      if (!fed || session->ended()) break;
    }
    ::close(fd);
  }

  // So that no wait is for ever.
  static void set_patience(int fd) {
    const timeval patience{20, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }

  test::TempFolder folder_;
  int listener_;
  int port_ = 0;
  bool resumed_ = false;
};

class TlsTicketTest : public ::testing::TestWithParam<const char*> {
 protected:
  std::string visit(const std::shared_ptr<TlsContext>& context, const char* file_option) {
    return server_.visit(context, {GetParam(), file_option, folder_ / "session"});
  }
  OneByOne server_;
  test::TempFolder folder_;
};

INSTANTIATE_TEST_SUITE_P(Versions, TlsTicketTest, ::testing::Values("-tls1_2", "-tls1_3"),
                         [](const auto& version) {
                           return std::string(version.param).substr(1, 3) +
                                  std::string(version.param).substr(4);
                         });

TEST_P(TlsTicketTest, ResumesAtAnotherContextThatSharesTheKeys) {
  const auto keys = ticket_keys();
  const auto before = showing("here"), after = showing("here");
  before->set_ticket_keys(keys);
  after->set_ticket_keys(keys);
  const std::string first = visit(before, "-sess_out");
  EXPECT_NE(first.find("welcome"), std::string::npos) << first;
  EXPECT_FALSE(server_.resumed());
  const std::string second = visit(after, "-sess_in");
  EXPECT_NE(second.find("Reused, "), std::string::npos) << second;
  EXPECT_NE(second.find("welcome"), std::string::npos);
  EXPECT_TRUE(server_.resumed());
}

TEST_P(TlsTicketTest, KeepsTheKeyBeforeAndForgetsOlderOnes) {
  const auto keys = ticket_keys();
  const auto context = showing("here");
  context->set_ticket_keys(keys);
  visit(context, "-sess_out");
  keys->rotate();
  visit(context, "-sess_in");
  EXPECT_TRUE(server_.resumed());
  keys->rotate();
  const std::string last = visit(context, "-sess_in");
  EXPECT_FALSE(server_.resumed()) << "it is the first session's";
  EXPECT_NE(last.find("welcome"), std::string::npos) << "a full handshake takes its place";
}

TEST_P(TlsTicketTest, TakesNoStrangersTickets) {
  const auto ours = showing("here"), theirs = showing("here"), none = showing("here");
  ours->set_ticket_keys(ticket_keys());
  theirs->set_ticket_keys(ticket_keys());
  visit(ours, "-sess_out");
  for (const auto& other : {theirs, none}) {
    const std::string said = visit(other, "-sess_in");
    EXPECT_FALSE(server_.resumed());
    EXPECT_NE(said.find("welcome"), std::string::npos) << said;
  }
}

class TlsCertificateChoice : public ::testing::Test {
 protected:
  // Which certificate a client is shown: its subject.
  std::string shown(const std::shared_ptr<TlsContext>& context, std::vector<std::string> options) {
    const std::string said = server_.visit(context, std::move(options));
    const auto at = said.find("subject=");
    return at == std::string::npos ? said : said.substr(at + 8, said.find('\n', at) - at - 8);
  }
  static std::shared_ptr<TlsContext> with(const std::vector<std::string>& names) {
    auto context = new_context();
    for (const std::string& name : names) {
      EXPECT_TRUE(context->load_certificate(certificates().pem(name), certificates().key(name)));
    }
    return context;
  }
  OneByOne server_;
};

TEST_F(TlsCertificateChoice, FollowsTheName) {
  const auto context = with({"here", "other"});
  EXPECT_EQ(shown(context, {"-servername", "other.test"}), "CN = other");
  EXPECT_EQ(shown(context, {"-servername", "localhost"}), "CN = here");
  EXPECT_EQ(shown(context, {"-servername", "nobody.test"}), "CN = here");
  EXPECT_EQ(shown(context, {"-noservername"}), "CN = here");
}

// One name with keys of two kinds: by what the client can verify.
TEST_F(TlsCertificateChoice, FollowsTheSignatures) {
  const auto context = with({"here", "rsa", "other"});
  for (const char* name : {"localhost", "nobody.test"}) {
    const std::vector<std::string> options = {"-servername", name, "-sigalgs"};
    auto ecdsa = options, rsa = options;
    ecdsa.emplace_back("ECDSA+SHA256");
    rsa.emplace_back("RSA-PSS+SHA256:RSA+SHA256");
    EXPECT_EQ(shown(context, ecdsa), "CN = here") << name;
    EXPECT_EQ(shown(context, rsa), "CN = rsa") << name;
    rsa.emplace_back("-tls1_2");
    EXPECT_EQ(shown(context, rsa), "CN = rsa") << name;
  }
}

TEST_F(TlsCertificateChoice, RefusesTls12WhereItIsTold) {
  const auto context = with({"here"});
  context->require_tls13();
  EXPECT_EQ(server_.visit(context, {"-tls1_2"}).find("welcome"), std::string::npos);
  EXPECT_NE(server_.visit(context, {"-tls1_3"}).find("welcome"), std::string::npos);
}

TEST_F(TlsCertificateChoice, TellsNamesAndTimes) {
  const auto all = with({"here", "other", "expired"})->certificates();
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[0].name, "localhost");
  EXPECT_EQ(all[1].name, "other.test");
  EXPECT_GE(all[0].not_after_s - all[0].not_before_s, 2 * 86'400 - 1);
  EXPECT_EQ(all[2].not_before_s, 1'577'836'800);  // 2020-01-01
  EXPECT_EQ(all[2].not_after_s, 1'577'923'200);
}

}  // namespace
}  // namespace gatehouse::crypto
