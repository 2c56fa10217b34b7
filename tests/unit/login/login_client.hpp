// A login client for tests: blocking, over sockets or in memory, all three suites.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net_client.hpp"

namespace gatehouse::login {

// base64(user)@base64(server):base64(password)
std::string make_token(std::string_view user, std::string_view password,
                       std::string_view server = "sample");

// Every wait ends after 20 s with a failure of the test.
class LoginClient {
 public:
  explicit LoginClient(const net::Address& server)
      : LoginClient(std::make_unique<net::TcpClient>(server)) {}
  explicit LoginClient(std::unique_ptr<net::Client> end) : end_(std::move(end)) {}
  LoginClient(const LoginClient&) = delete;
  LoginClient& operator=(const LoginClient&) = delete;

  void close() { end_->close(); }
  void reset() { end_->reset(); }
  void finish_sending() { end_->finish_sending(); }
  // False when the server is gone.
  bool send(std::string_view bytes) { return end_->send(bytes); }
  bool send_line(std::string_view line) { return send(std::string(line) + "\n"); }
  // Without the "\n"; empty at the end of the connection.
  std::string read_line();
  // All that comes until the server closes, in order or by a reset.
  std::string read_to_end();

  // Each goes from the challenge to the answer, which it returns; secret() is set then.
  std::string login_plain(std::string_view token);
  std::string login_skynet(std::string_view token, std::string private_key = {});
  std::string login_x25519(std::string_view token, std::string_view identity_public);
  // The session secret: from the key exchange, or from a plain client's answer.
  [[nodiscard]] const std::string& secret() const { return secret_; }
  [[nodiscard]] const std::string& subid() const { return subid_; }
  [[nodiscard]] const std::vector<std::string>& gates() const { return gates_; }
  [[nodiscard]] const std::string& uid() const { return uid_; }

 private:
  bool fill();
  std::string take_answer();

  std::unique_ptr<net::Client> end_;
  std::string read_;
  std::string secret_, subid_, uid_;
  std::vector<std::string> gates_;
};

}  // namespace gatehouse::login
