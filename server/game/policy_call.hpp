// A call of the login policy, and the first functions of the coroutines that PolicyService runs.
#pragma once

#include <lua.hpp>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "admission/waiting_room.hpp"
#include "base/secret.hpp"
#include "login/policy.hpp"

namespace gatehouse::game {

class AgentManager;

// The sessions that a call of login_handler made by login.place, which must not stay when the
// client is told no in the end. Any thread.
class Placements {
 public:
  // Of all of them; cancelled with undo().
  [[nodiscard]] const std::shared_ptr<admission::Waiter>& waiter() const { return waiter_; }
  // A session was made. False: nobody wants it any more.
  [[nodiscard]] bool add(const std::string& uid, const std::string& subid);
  // Ends those that were made, and lets none be made from now on.
  void undo(AgentManager& agents);

 private:
  const std::shared_ptr<admission::Waiter> waiter_ = std::make_shared<admission::Waiter>();
  std::mutex mutex_;
  std::vector<std::pair<std::string, std::string>> made_;  // uid, subid
};

// One call: of auth_handler when auth_done is set, else of login_handler.
struct PolicyCall {
  protocol::Token token;
  std::string address;
  protocol::Suite suite = protocol::Suite::kSkynet;
  std::string server;
  std::string uid;
  Secret secret;
  login::Policy::AuthDone auth_done;
  login::Policy::LoginDone login_done;
  std::shared_ptr<Placements> placements;  // of a call of login_handler
};

int policy_auth_main(lua_State* L);
int policy_login_main(lua_State* L);

}  // namespace gatehouse::game
