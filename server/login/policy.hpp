// What a login policy (a Lua file, docs/lua-api.md) may replace. The script layer implements
// it; this class itself replaces nothing.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/unique_function.hpp"
#include "protocol/suite.hpp"
#include "protocol/token.hpp"

namespace gatehouse::login {

// Who logs in, by the word of the policy.
struct AuthResult {
  std::string server;
  std::string uid;  // empty: nobody, 401; the login normalises it
};

// All functions are called on any thread; each `done` is called exactly once, from inside or
// later, on any thread, best on the worker of the login connection. What is passed by reference is
// valid during the call only.
class Policy {
 public:
  using AuthDone = UniqueFunction<void(Result<AuthResult>)>;
  using LoginDone = UniqueFunction<void(Result<std::string>)>;  // the subid

  virtual ~Policy() = default;

  // True: auth() takes the place of the password check. Must not change while logins run.
  [[nodiscard]] virtual bool has_auth() const { return false; }
  // (token, address, suite): the client's IP address without port. Errors: kUnavailable, kTimeout
  // and kFull 503, others 401.
  virtual void auth(const protocol::Token&, std::string_view, protocol::Suite, AuthDone done) {
    done(fail(Errc::kUnavailable, "the policy has no auth handler"));
  }

  // True: login() takes the place of Placer::place(). Must not change while logins run.
  [[nodiscard]] virtual bool has_login() const { return false; }
  // (server, uid, secret). Errors: kUnavailable, kTimeout and kFull 503, others 403.
  virtual void login(const std::string&, const std::string&, const Secret&, LoginDone done) {
    done(fail(Errc::kUnavailable, "the policy has no login handler"));
  }
};

}  // namespace gatehouse::login
