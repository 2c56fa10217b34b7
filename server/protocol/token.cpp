#include "protocol/token.hpp"

#include "base/assert.hpp"
#include "base/server_name.hpp"
#include "crypto/encoding.hpp"

namespace gatehouse::protocol {
namespace {

bool valid_code(std::string_view code) {
  return code.size() == kTotpDigits &&
         code.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

Result<Token> parse_token(std::string_view text) {
  const std::size_t at = text.find('@');
  if (at == std::string_view::npos) return fail(Errc::kInvalid, "token has no server");
  const std::size_t mark = text.find_first_of(":!", at + 1);
  if (mark == std::string_view::npos) return fail(Errc::kInvalid, "token has no password");

  std::string_view proof_text = text.substr(mark + 1);
  std::string_view code_text;
  const std::size_t colon = proof_text.find(':');
  const bool has_code = text[mark] == ':' && colon != std::string_view::npos;
  if (has_code) {
    code_text = proof_text.substr(colon + 1);
    proof_text = proof_text.substr(0, colon);
  }
  auto user = crypto::base64_decode(text.substr(0, at));
  auto server = crypto::base64_decode(text.substr(at + 1, mark - at - 1));
  auto proof = crypto::base64_decode(proof_text);
  auto code = crypto::base64_decode(code_text);
  // What was decoded belongs to a Secret before anything else can fail.
  Secret secret(proof ? std::move(*proof) : std::string());
  Secret totp(code ? std::move(*code) : std::string());
  if (!user || !server || !proof || !code) return fail(Errc::kInvalid, "token is not base64");
  if (has_code && !valid_code(totp.reveal()))
    return fail(Errc::kInvalid, "the code of the second factor is not six digits");
  if (auto named = check_server_name(*server); !named) return tl::unexpected<Error>(named.error());

  GATEHOUSE_ASSERT(mark > at && (text[mark] == ':' || text[mark] == '!'));
  Token token{std::move(*user), std::move(*server), {}, {}, {}};
  if (text[mark] == ':') {
    token.password = std::move(secret);
    token.totp = std::move(totp);
  } else {
    if (secret.empty()) return fail(Errc::kInvalid, "token has an empty ticket");
    token.ticket = std::move(secret);
  }
  return token;
}

}  // namespace gatehouse::protocol
