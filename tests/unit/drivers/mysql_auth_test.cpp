// Login methods of servers that MariaDB's own server does not have: a server of a few packets
// (MySQL's protocol: handshake version 10, authentication switch, more data, error) asks for them.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>
#include <thread>

#include "mysql_asker.hpp"
#include "store_fixture.hpp"
#include "test_world.hpp"

namespace gatehouse::drivers {
namespace {

using testing::HasSubstr;
using testing::Not;

// Greets one client with a login method, answers its packets from a script, and keeps what it
// said.
class ScriptedServer {
 public:
  ScriptedServer(std::string method, std::vector<std::string> answers)
      : method_(std::move(method)), answers_(std::move(answers)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::listen(listener_, 1) != 0 ||
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
      throw std::runtime_error("cannot listen");
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;
  ~ScriptedServer() { end(); }

  [[nodiscard]] std::uint16_t port() const { return port_; }
  // All that the client sent, once it has gone.
  const std::string& heard() {
    end();
    return heard_;
  }

  static std::string error(std::uint16_t number, const std::string& text) {
    return std::string("\xff") + static_cast<char>(number & 0xff) + static_cast<char>(number >> 8) +
           "#28000" + text;
  }

 private:
  void end() {
    if (!thread_.joinable()) return;
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }

  static void send_packet(int fd, int number, const std::string& body) {
    std::string packet(4, '\0');
    packet[0] = static_cast<char>(body.size() & 0xff);
    packet[1] = static_cast<char>(body.size() >> 8);
    packet[3] = static_cast<char>(number);
    packet += body;
    EXPECT_EQ(::send(fd, packet.data(), packet.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(packet.size()));
  }
  // The number of the packet; -1 at the end.
  int receive_packet(int fd) {
    unsigned char head[4];
    if (::recv(fd, head, sizeof head, MSG_WAITALL) != sizeof head) return -1;
    std::string body(head[0] | static_cast<std::size_t>(head[1]) << 8, '\0');
    if (!body.empty() && ::recv(fd, body.data(), body.size(), MSG_WAITALL) <= 0) return -1;
    heard_ += body;
    return head[3];
  }

  std::string greeting() const {
    using namespace std::string_literals;
    return "\x0a"s + "8.0.36\0"s + "\1\0\0\0"s + "12345678\0"s + "\x0f\xa2"s + "\x2d\2\0"s +
           "\x08\x00"s + "\x15"s + std::string(10, '\0') + "abcdefghijkl\0"s + method_ + "\0"s;
  }

  void serve() {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    send_packet(fd, 0, greeting());
    for (const std::string& answer : answers_) {
      const int number = receive_packet(fd);
      if (number < 0) break;
      send_packet(fd, number + 1, answer);
    }
    while (receive_packet(fd) >= 0) {
    }
    ::close(fd);
  }

  std::string method_;
  std::vector<std::string> answers_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::string heard_;  // the thread's, until it has ended
  std::thread thread_;
};

std::string refusal(std::uint16_t port) {
  store::Options options;
  options.kind = Kind::kMysql;
  options.mysql.port = port;
  options.mysql.user = "cocos1";
  options.mysql.password = Secret("only for tests");
  options.mysql.database = "gatehouse";
  const auto refused = must(open(test_world(), options))->ping();
  EXPECT_EQ(code_of(refused), Errc::kUnavailable);
  return refused ? "" : refused.error().message;
}

// MySQL 8's default method. Its first answer is a hash; without TLS the client then asks for the
// server's RSA key (a packet of one byte, 2).
TEST(MysqlLogin, CachingSha2IsSpokenAndAnErrorSaysWhatHelps) {
  ScriptedServer server("caching_sha2_password",
                        {std::string("\1\4", 2), ScriptedServer::error(1045, "Access denied")});
  EXPECT_THAT(refusal(server.port()), HasSubstr("store.mysql.tls"));
  EXPECT_THAT(server.heard(), HasSubstr("caching_sha2_password"));
  EXPECT_EQ(server.heard().back(), '\2');
  EXPECT_THAT(server.heard(), Not(HasSubstr("only for tests")));
}

TEST(MysqlLogin, PasswordIsNotGivenAwayInClear) {
  using namespace std::string_literals;
  ScriptedServer server("mysql_native_password", {"\xfe"s + "mysql_clear_password\0"s + "x\0"s});
  EXPECT_THAT(refusal(server.port()), HasSubstr("login method"));
  EXPECT_THAT(server.heard(), Not(HasSubstr("only for tests")));
}

TEST(MysqlLogin, ScriptsSpeakCachingSha2Too) {
  ScriptedServer server("caching_sha2_password",
                        {std::string("\1\4", 2), ScriptedServer::error(1045, "Access denied")});
  store::Options options;
  options.mysql.port = server.port();
  options.mysql.user = "cocos1";
  options.mysql.password = Secret("only for tests");
  MysqlAsker asker(options);
  const auto answer = asker.ask(mysql::Request::Kind::kConnect);
  EXPECT_EQ(answer->outcome, mysql::Answer::Outcome::kLost);
  EXPECT_THAT(answer->error_text, HasSubstr("needs tls)"));
  EXPECT_THAT(server.heard(), HasSubstr("caching_sha2_password"));
  EXPECT_THAT(server.heard(), Not(HasSubstr("only for tests")));
}

}  // namespace
}  // namespace gatehouse::drivers
