// A login policy written in Lua (login.policy): a service that runs the file's auth_handler and
// login_handler, and the face of it that the login layer calls.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "game/policy_service.hpp"
#include "login/policy.hpp"
#include "script/runtime.hpp"

namespace gatehouse::game {

class LuaPolicy final : public login::Policy {
 public:
  // Runs the file in a service of its own on a worker and returns once it is known which
  // handlers it has. Call before logins begin, from no worker's thread. kInvalid when the file
  // does not load; the log has its traceback.
  [[nodiscard]] static Result<std::unique_ptr<LuaPolicy>> start(script::Runtime& runtime,
                                                                AgentManager& agents,
                                                                const PolicyOptions& options);

  [[nodiscard]] bool has_auth() const override { return has_auth_; }
  void auth(const protocol::Token& token, std::string_view address, protocol::Suite suite,
            AuthDone done) override;
  [[nodiscard]] bool has_login() const override { return has_login_; }
  void login(const std::string& server, const std::string& uid, const Secret& secret,
             LoginDone done) override;

 private:
  explicit LuaPolicy(script::Runtime& runtime) : runtime_(runtime) {}

  script::Runtime& runtime_;
  ServiceId service_;
  bool has_auth_ = false;
  bool has_login_ = false;
};

}  // namespace gatehouse::game
