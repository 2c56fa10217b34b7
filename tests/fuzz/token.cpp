// The token of a login: a good one means what its parts say, and its names are names.
#include "protocol/token.hpp"

#include "base/server_name.hpp"
#include "base/user_name.hpp"
#include "crypto/encoding.hpp"
#include "crypto/totp.hpp"
#include "fuzz.hpp"
#include "protocol/login_answer.hpp"
#include "protocol/login_suite.hpp"

namespace gatehouse::protocol {

namespace {

std::string format_token(const Token& token) {
  const auto base64 = [](std::string_view bytes) { return crypto::base64_encode(bytes); };
  const std::string who = base64(token.user) + '@' + base64(token.server);
  if (!token.ticket.empty()) return who + '!' + base64(token.ticket.reveal());
  const std::string password = who + ':' + base64(token.password.reveal());
  if (token.totp.empty()) return password;
  return password + ':' + base64(token.totp.reveal());
}

}  // namespace

FUZZ_TARGET(token) {
  const auto token = parse_token(input);
  if (token) {
    GATEHOUSE_ASSERT(check_server_name(token->server));
    GATEHOUSE_ASSERT(token->totp.empty() || token->totp.size() == kTotpDigits);
    GATEHOUSE_ASSERT(token->ticket.empty() || (token->password.empty() && token->totp.empty()));
    const auto again = parse_token(format_token(*token));
    GATEHOUSE_ASSERT(again && again->user == token->user && again->server == token->server);
    GATEHOUSE_ASSERT(again->password.reveal() == token->password.reveal());
    GATEHOUSE_ASSERT(again->totp.reveal() == token->totp.reveal());
    GATEHOUSE_ASSERT(again->ticket.reveal() == token->ticket.reveal());
    static_cast<void>(
        crypto::totp_match(Secret(std::string("12345678901234567890")), token->totp.reveal(), 59));
  }
  const LoginStep step =
      LoginStep::judge_token(input, Suite::kPlain, Secret(std::string(32, 's')), kLoginBadRequest);
  if (step.kind == LoginStep::Kind::kRefuse) {
    GATEHOUSE_ASSERT(step.refuse_code == (token ? kLoginUnauthorized : kLoginBadRequest));
    return;
  }
  GATEHOUSE_ASSERT(step.kind == LoginStep::Kind::kToken && token && step.secret.size() == 32);
  GATEHOUSE_ASSERT(normalise_user_name(step.token.user).value() == step.token.user);
  GATEHOUSE_ASSERT(!step.token.password.empty() || !step.token.ticket.empty());
}

}  // namespace gatehouse::protocol
