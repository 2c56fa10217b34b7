// The seam between the login handshake and its suites. A suite is one class in a file of its own,
// a maker below, and its sign in line 2 (LoginHandshake::on_suite_line, begin).
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "base/secret.hpp"
#include "protocol/suite.hpp"
#include "protocol/token.hpp"

namespace gatehouse::protocol {

// Random bytes of one handshake. A suite uses private_key as its DH private key (skynet: the
// first 8 bytes) or as the session secret (plain). Wiped when destroyed.
struct LoginRandomness {
  std::array<char, 8> challenge{};
  std::array<char, 32> private_key{};

  ~LoginRandomness() { wipe(private_key.data(), private_key.size()); }
  LoginRandomness() = default;
  LoginRandomness(const LoginRandomness&) = default;
  LoginRandomness& operator=(const LoginRandomness&) = default;

  [[nodiscard]] std::string_view challenge_view() const {
    return {challenge.data(), challenge.size()};
  }
  [[nodiscard]] std::string_view private_key_view() const {
    return {private_key.data(), private_key.size()};
  }
};

// What the caller does after a line.
struct LoginStep {
  enum class Kind {
    kContinue,  // send `line` unless it is empty, wait for the next
    kToken,     // check the token; then answer (login_answer.hpp) and close
    kRefuse,    // send `line`, count `reason`, close
  };

  Kind kind = Kind::kContinue;
  std::string line;              // to send, without terminator
  Suite suite = Suite::kSkynet;  // kToken, and kRefuse once line 2 chose one
  Token token;                   // kToken: the names are normalised
  Secret secret;                 // kToken: session secret, 8 bytes (skynet) or 32
  Secret answer_key;             // kToken: the client wants a sealed answer; x25519 only
  int refuse_code = 0;           // kRefuse: 400, 401, 426; 503 when the server cannot sign
  std::string_view reason;       // kRefuse: a static word for logs and metrics

  [[nodiscard]] static LoginStep send(std::string line);
  [[nodiscard]] static LoginStep refuse(int code, std::string_view reason);
  // 401: wrong user, password, key or mac.
  [[nodiscard]] static LoginStep unauthorized(std::string_view reason);
  // Parses and judges the token: kToken, or the refusal with `syntax_code` when it does not
  // parse, with 401 when the name or an empty password cannot log in.
  [[nodiscard]] static LoginStep judge_token(std::string_view text, Suite suite, Secret secret,
                                             int syntax_code);
};

// One suite in one handshake.
class LoginSuite {
 public:
  virtual ~LoginSuite() = default;
  // Line 2 as sent and decoded (the client's public key; plain: empty).
  [[nodiscard]] virtual LoginStep on_first_line(std::string_view line, std::string_view key) = 0;
  // Lines 4 and 5.
  [[nodiscard]] virtual LoginStep on_line(std::string_view line) = 0;
};

// `randomness` and `identity_key` outlive the suite.
[[nodiscard]] std::unique_ptr<LoginSuite> make_skynet_suite(const LoginRandomness& randomness);
[[nodiscard]] std::unique_ptr<LoginSuite> make_plain_suite(const LoginRandomness& randomness);
[[nodiscard]] std::unique_ptr<LoginSuite> make_x25519_suite(const LoginRandomness& randomness,
                                                            const Secret& identity_key);

}  // namespace gatehouse::protocol
