// plain: line 2 is the token, the server makes the secret. For TLS and loopback listeners.
#include "base/assert.hpp"
#include "protocol/login_answer.hpp"
#include "protocol/login_suite.hpp"

namespace gatehouse::protocol {
namespace {

class PlainSuite final : public LoginSuite {
 public:
  explicit PlainSuite(const LoginRandomness& randomness) : randomness_(randomness) {}

  LoginStep on_first_line(std::string_view line, std::string_view key) override {
    GATEHOUSE_ASSERT(key.empty());
    return LoginStep::judge_token(
        line, Suite::kPlain, Secret(std::string(randomness_.private_key_view())), kLoginBadRequest);
  }

  // Line 2 ended the handshake, one way or the other.
  LoginStep on_line(std::string_view) override { return {}; }

 private:
  const LoginRandomness& randomness_;
};

}  // namespace

std::unique_ptr<LoginSuite> make_plain_suite(const LoginRandomness& randomness) {
  return std::make_unique<PlainSuite>(randomness);
}

}  // namespace gatehouse::protocol
