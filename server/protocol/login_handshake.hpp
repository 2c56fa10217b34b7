// The server's side of a login connection (docs/protocol.md 2), without I/O, clock or
// randomness of its own. The caller owns the deadline of the whole handshake.
//
//   1  S->C  base64(challenge)
//   2  C->S  decides the suite: holds `@` -> plain, the line is the token, go to 6
//                               base64 of 8 bytes -> skynet · of 32 bytes -> x25519
//   3  S->C  skynet: base64(DH public) · x25519: base64(server public) base64(signature)
//   4  C->S  base64(mac of the challenge)
//   5  C->S  base64(encrypted token)
//   6  S->C  `102 Waiting <position>` any number of times (plain, x25519), then the answer
//
// Refusals made here; every other answer is the login's:
//   400  line 2 is no suite; plain: the token does not parse
//   401  skynet, x25519: weak key, wrong mac, undecryptable or unparsable token, all alike;
//        every suite: a user name that is none (user_name.hpp), an empty password
//   426  the suite is not allowed on this listener; the token of plain is not looked at
// skynet's lines are read with skynet's base64 tolerances (docs/skynet-rules.md 4.1), the others
// strictly.
//
// Invariant: at most one step of a handshake has kind kToken or kRefuse, and it is the last.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/secret.hpp"
#include "protocol/login_suite.hpp"
#include "protocol/suite.hpp"
#include "protocol/token.hpp"

namespace gatehouse::protocol {

// What a listener allows. Outlives the handshakes made with it.
struct LoginHandshakeOptions {
  bool allow_skynet = false;
  bool allow_plain = false;
  bool allow_x25519 = false;
  Secret identity_key;  // Ed25519 private key, 32 bytes; needed for x25519 only
};

// One login connection. Lines have no terminator: on TCP the caller ends each with "\n"
// (append_line), on WebSocket a line is a text message.
class LoginHandshake {
 public:
  // `randomness` is fresh for each connection, from a generator fit for keys.
  LoginHandshake(const LoginHandshakeOptions& options, const LoginRandomness& randomness);
  ~LoginHandshake();
  LoginHandshake(const LoginHandshake&) = delete;
  LoginHandshake& operator=(const LoginHandshake&) = delete;

  // Line 1.
  [[nodiscard]] std::string start() const;

  // Takes the client's next line, which may have been sent before it was asked for. Lines after
  // the last step are ignored: kContinue with no line.
  [[nodiscard]] LoginStep on_line(std::string_view line);

  // True once a step had kind kToken or kRefuse.
  [[nodiscard]] bool finished() const { return finished_; }

 private:
  LoginStep on_suite_line(std::string_view line);
  LoginStep begin(Suite suite, std::string_view line, std::string_view key);

  const LoginHandshakeOptions& options_;
  LoginRandomness randomness_;
  std::unique_ptr<LoginSuite> suite_;  // none before line 2 and after the last
  Suite chosen_ = Suite::kSkynet;
  bool finished_ = false;
};

}  // namespace gatehouse::protocol
