#include "protocol/login_handshake.hpp"

#include "base/assert.hpp"
#include "base/user_name.hpp"
#include "crypto/encoding.hpp"
#include "crypto/skynet_suite.hpp"
#include "crypto/x25519.hpp"
#include "protocol/login_answer.hpp"
#include "protocol/proxy_header.hpp"

namespace gatehouse::protocol {

LoginStep LoginStep::send(std::string line) {
  LoginStep step;
  step.line = std::move(line);
  return step;
}

LoginStep LoginStep::unauthorized(std::string_view reason) {
  return refuse(kLoginUnauthorized, reason);
}

LoginStep LoginStep::refuse(int code, std::string_view reason) {
  GATEHOUSE_ASSERT(!reason.empty());
  LoginStep step;
  step.kind = Kind::kRefuse;
  step.line = format_login_refusal(code);
  step.refuse_code = code;
  step.reason = reason;
  return step;
}

LoginStep LoginStep::judge_token(std::string_view text, Suite suite, Secret secret,
                                 int syntax_code) {
  auto token = parse_token(text);
  if (!token) return refuse(syntax_code, "bad_token");
  auto user = normalise_user_name(token->user);
  if (!user) return refuse(kLoginUnauthorized, "bad_user_name");
  if (token->password.empty() && token->ticket.empty())
    return refuse(kLoginUnauthorized, "empty_password");
  GATEHOUSE_ASSERT(secret.size() == (suite == Suite::kSkynet ? 8 : 32));
  LoginStep step;
  step.kind = Kind::kToken;
  step.suite = suite;
  step.token = std::move(*token);
  step.token.user = std::move(*user);
  // What is no name of a server is none that is served, but a policy may take it.
  if (auto server = normalise_server_name(step.token.server))
    step.token.server = std::move(*server);
  step.secret = std::move(secret);
  return step;
}

LoginHandshake::LoginHandshake(const LoginHandshakeOptions& options,
                               const LoginRandomness& randomness)
    : options_(options), randomness_(randomness) {
  GATEHOUSE_ASSERT(!options.allow_x25519 ||
                   options.identity_key.size() == crypto::kEd25519KeyBytes);
}

LoginHandshake::~LoginHandshake() = default;

std::string LoginHandshake::start() const {
  GATEHOUSE_ASSERT(!suite_ && !finished_);
  return crypto::base64_encode(randomness_.challenge_view());
}

LoginStep LoginHandshake::on_line(std::string_view line) {
  if (finished_) return {};
  LoginStep step = suite_ ? suite_->on_line(line) : on_suite_line(line);
  GATEHOUSE_ASSERT((step.kind == LoginStep::Kind::kRefuse) == (step.refuse_code != 0));
  if (step.kind != LoginStep::Kind::kContinue) {
    finished_ = true;
    suite_.reset();
  }
  if (step.kind == LoginStep::Kind::kRefuse) step.suite = chosen_;
  return step;
}

// Line 2. A token is told by its `@`, which base64 does not have; keys by their length.
LoginStep LoginHandshake::on_suite_line(std::string_view line) {
  if (line.starts_with(kProxyV1Signature))
    return LoginStep::refuse(kLoginBadRequest, "proxy_header_untrusted");
  if (line.find('@') != std::string_view::npos) return begin(Suite::kPlain, line, {});
  const auto key = crypto::skynet_base64_decode(line);
  if (!key) return LoginStep::refuse(kLoginBadRequest, "no_suite");
  if (key->size() == crypto::kSkynetKeyBytes) return begin(Suite::kSkynet, line, *key);
  if (key->size() == crypto::kX25519KeyBytes) return begin(Suite::kX25519, line, *key);
  return LoginStep::refuse(kLoginBadRequest, "no_suite");
}

LoginStep LoginHandshake::begin(Suite suite, std::string_view line, std::string_view key) {
  GATEHOUSE_ASSERT(!suite_ && !finished_);
  chosen_ = suite;
  switch (suite) {
    case Suite::kSkynet:
      if (options_.allow_skynet) suite_ = make_skynet_suite(randomness_);
      break;
    case Suite::kPlain:
      if (options_.allow_plain) suite_ = make_plain_suite(randomness_);
      break;
    case Suite::kX25519:
      if (options_.allow_x25519) suite_ = make_x25519_suite(randomness_, options_.identity_key);
      break;
  }
  if (!suite_) return LoginStep::refuse(kLoginUpgradeRequired, "suite_not_allowed");
  return suite_->on_first_line(line, key);
}

}  // namespace gatehouse::protocol
