// A login connection from its first byte to its token, all suites, as a client's stream that is cut
// anywhere. Whatever the bytes: at most one step ends it, and it is the last.
//
// An input is what the listener allows, how the stream is cut, and the stream; a line of it may be
// written by a mark, which stands for what only a client with a key can make:
//   !x  !m  !tTEXT   the lines 2, 4 and 5 of x25519, the token being TEXT
//   !k  !h  !dTEXT   the same of skynet
#include <array>
#include <vector>

#include "crypto/aes_gcm.hpp"
#include "crypto/digest.hpp"
#include "crypto/encoding.hpp"
#include "crypto/skynet_suite.hpp"
#include "crypto/x25519.hpp"
#include "fuzz.hpp"
#include "protocol/line_reader.hpp"
#include "protocol/login_answer.hpp"
#include "protocol/login_handshake.hpp"

namespace gatehouse::protocol {

namespace {

LoginRandomness fixed_randomness() {
  LoginRandomness randomness;
  randomness.challenge.fill('c');
  randomness.private_key.fill('s');
  return randomness;
}

// What a client knows of a handshake with that randomness, and what it sends.
struct LoginClient {
  LoginClient() {
    const LoginRandomness server = fixed_randomness();
    challenge = server.challenge_view();
    x_public = crypto::x25519_public(x_private).value();
    const std::string server_public = crypto::x25519_public(server.private_key_view()).value();
    const Secret shared = crypto::x25519_shared(x_private, server_public).value();
    const Secret keys = crypto::hkdf_sha256(shared.reveal(), challenge + x_public + server_public,
                                            "gatehouse login 1", 64);
    token_key = keys.reveal().substr(0, 32);
    x_secret = keys.reveal().substr(32);
    const std::string_view dh_server = server.private_key_view().substr(0, 8);
    dh_public = crypto::dh_exchange("clientsk").value();
    dh_secret = crypto::dh_secret(crypto::dh_exchange(dh_server).value(), "clientsk").value();
  }

  [[nodiscard]] std::string line(std::string_view text) const {
    if (text.size() < 2 || text[0] != '!') return std::string(text);
    const std::string_view rest = text.substr(2);
    switch (text[1]) {
      case 'x':
        return crypto::base64_encode(x_public);
      case 'm':
        return crypto::base64_encode(crypto::hmac_sha256(x_secret, challenge));
      case 't': {
        const std::string nonce(crypto::kGcmNonceBytes, 'n');
        return crypto::base64_encode(
            nonce + crypto::aes256_gcm_seal(token_key, nonce, rest, challenge).value());
      }
      case 'k':
        return crypto::base64_encode(dh_public);
      case 'h':
        return crypto::base64_encode(crypto::hmac64(challenge, dh_secret).value());
      case 'd':
        return crypto::base64_encode(crypto::des_encode(dh_secret, rest).value());
      default:
        return std::string(text);
    }
  }

  const std::string x_private = std::string(crypto::kX25519KeyBytes, 'p');
  std::string challenge, x_public, token_key, x_secret, dh_public, dh_secret;
};

// The steps of a handshake as text.
using LoginSteps = std::vector<std::string>;

void check_login_step(const LoginStep& step) {
  using Kind = LoginStep::Kind;
  GATEHOUSE_ASSERT(step.line.find('\n') == std::string::npos);
  if (step.kind == Kind::kRefuse) {
    GATEHOUSE_ASSERT(step.refuse_code == kLoginBadRequest ||
                     step.refuse_code == kLoginUnauthorized ||
                     step.refuse_code == kLoginUpgradeRequired);
    GATEHOUSE_ASSERT(step.line.starts_with(std::to_string(step.refuse_code) + ' '));
    GATEHOUSE_ASSERT(!step.reason.empty());
  } else if (step.kind == Kind::kToken) {
    GATEHOUSE_ASSERT(step.secret.size() == (step.suite == Suite::kSkynet ? 8u : 32u));
    GATEHOUSE_ASSERT(!step.token.user.empty() && step.line.empty());
  }
}

LoginSteps run_login(const LoginHandshakeOptions& options, std::string_view stream,
                     std::uint8_t how) {
  LoginHandshake handshake(options, fixed_randomness());
  GATEHOUSE_ASSERT(handshake.start() == crypto::base64_encode("cccccccc"));
  LineReader reader;
  LoginSteps steps;
  fuzz::in_pieces(stream, how, [&](std::string_view piece) {
    const auto status = reader.feed(piece, [&](std::string_view line) {
      const LoginStep step = handshake.on_line(line);
      check_login_step(step);
      GATEHOUSE_ASSERT(handshake.finished() == (step.kind != LoginStep::Kind::kContinue));
      steps.push_back(std::to_string(static_cast<int>(step.kind)) + step.line + ' ' +
                      std::string(step.reason) + ' ' + step.token.user + '@' + step.token.server +
                      ' ' + std::string(step.token.password.reveal()));
      return !handshake.finished();
    });
    return status == LineReader::Status::kMore;
  });
  if (handshake.finished()) {
    const LoginStep after = handshake.on_line("more");
    GATEHOUSE_ASSERT(after.kind == LoginStep::Kind::kContinue && after.line.empty());
  }
  return steps;
}

}  // namespace

FUZZ_TARGET(login) {
  static const LoginClient client;
  fuzz::Input choices(input);
  const std::uint8_t allowed = choices.byte();
  const std::uint8_t how = choices.byte();
  LoginHandshakeOptions options;
  options.allow_skynet = (allowed & 1) == 0;
  options.allow_plain = (allowed & 2) == 0;
  options.allow_x25519 = (allowed & 4) == 0;
  options.identity_key = Secret(std::string(crypto::kEd25519KeyBytes, 'i'));
  std::string stream;
  while (!choices.empty()) append_line(stream, client.line(choices.line()));
  const LoginSteps whole = run_login(options, stream, 0);
  GATEHOUSE_ASSERT(run_login(options, stream, how) == whole);
}

}  // namespace gatehouse::protocol
