#include "login/policy.hpp"

namespace gatehouse::login {

void Policy::auth(const protocol::Token&, std::string_view, protocol::Suite, AuthDone done) {
  done(fail(Errc::kUnavailable, "the policy has no auth handler"));
}

void Policy::login(const std::string&, const std::string&, const Secret&, LoginDone done) {
  done(fail(Errc::kUnavailable, "the policy has no login handler"));
}

}  // namespace gatehouse::login
