// One login, from the token to its outcome. The order of its steps stands in login.cpp.
//
// The connection keeps it while the client waits, and whoever works on a step keeps it meanwhile.
// One thread at most works on a login at a time. What its connection reads, too, is constant once
// a step has left the worker, or atomic.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "actor/worker.hpp"
#include "admission/in_progress.hpp"
#include "admission/server_rooms.hpp"
#include "admission/throttle.hpp"
#include "admission/waiting_room.hpp"
#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "edge/pass.hpp"
#include "login/authenticator.hpp"
#include "login/login_context.hpp"
#include "login/placer.hpp"
#include "login/policy.hpp"
#include "login/refusal.hpp"
#include "net/address.hpp"
#include "protocol/login_handshake.hpp"

namespace gatehouse::login {

class Connection;
class LoginWorker;

// For who waits for a policy, beyond the time that the policy keeps itself.
inline constexpr std::uint32_t kPolicySlackMs = 1'000;

// What a client gets that was let in.
struct Welcome {
  std::string subid;
  std::vector<std::string> gates;
  Secret secret;  // for a plain client; the others have it
  std::optional<Ticket> ticket;
};
using Outcome = tl::expected<Welcome, Refusal>;

class Login final : public admission::Waiter, public std::enable_shared_from_this<Login> {
 public:
  // `step` ends the handshake of this connection of the owner; `pass` is the connection's.
  Login(LoginWorker& owner, ConnectionId connection, const net::Address& peer,
        protocol::LoginStep step, std::shared_ptr<edge::Pass> pass);

  // On the worker, as all up to the next line. Connection::answer() gets the outcome on the worker,
  // unless the login was given up by then.
  void begin(Connection& connection);
  // The client waits no more: its place is kept, in whichever room it waits.
  void give_up();
  [[nodiscard]] bool in_line() const { return position.load() != 0; }
  // In the line for a place on its game server, not in that for a hash.
  [[nodiscard]] bool in_server_line() const { return in_server_room_.load() && in_line(); }
  [[nodiscard]] bool at_policy() const { return at_policy_; }
  [[nodiscard]] std::int64_t began_ns() const { return began_ns_; }
  [[nodiscard]] protocol::Suite suite() const { return suite_; }
  [[nodiscard]] const std::string& uid() const { return uid_; }
  [[nodiscard]] const std::string& server() const { return server_; }
  // 0 until the login was admitted.
  [[nodiscard]] AccountId account() const { return AccountId{account_.load()}; }

  // Waiter
  void on_position(std::uint32_t at) override;

 private:
  using Turn = admission::WaitingRoom::Turn;
  template <class Value>
  using WorkerStep = void (Login::*)(Connection& connection, Value value);

  // The steps, in their order.
  void ask_policy(Connection& connection);
  void on_policy_auth(Connection& connection, Result<AuthResult> result);
  void identify();
  void on_admission(Authenticator::Admission admission);
  void take_uid();
  void enter_room();
  void on_turn(Turn turn, admission::Pass pass);
  void place();
  void on_policy_login(Connection& connection, Result<std::string> subid);
  void on_placement(Connection& connection, Result<Placement> placement);
  void on_renewal(Connection& connection, Authenticator::Renewal renewal);
  void welcome(Connection& connection);

  void finish(const Refusal& refusal);
  void finish_unanswered(const Refusal& refusal);
  void answer(Connection& connection, Outcome outcome);
  void leave_room();
  void let_go();

  // A function for whoever works on a step: any thread, once. The login goes on with `step` on its
  // worker if the client is still there; else it lets go of what it holds.
  template <class Value>
  [[nodiscard]] auto on_worker(WorkerStep<Value> step);
  template <class Value>
  void go_on(WorkerStep<Value> step, Value value);

  LoginWorker& owner_;  // touched on its thread only
  LoginContext& context_;
  actor::Worker& worker_;
  const ConnectionId connection_;
  const net::Address peer_;
  const protocol::Suite suite_;
  const std::int64_t began_ns_;  // when the token was there
  bool trusted_ = false;         // comes from a network of address_allow
  std::string uid_;
  std::string server_;

  // On the worker only.
  bool at_policy_ = false;            // Policy::auth has not answered yet
  admission::Throttle::Guess guess_;  // that Policy::auth looks at

  std::atomic<bool> in_server_room_{false};
  std::atomic<std::uint64_t> account_{0};

  // Of the step at work.
  protocol::Token token_;  // until somebody looks at it
  admission::Throttle::AddressVerdict verdict_;
  Secret secret_;                              // of the session, until somebody else has it
  const std::shared_ptr<edge::Pass> pass_in_;  // authenticated() as soon as he is who he says
  Admitted admitted_;
  Placement placement_;
  // Held until the client has its answer, or nobody waits for the step any more.
  std::optional<admission::InProgress::Entry> uid_taken_;  // a second login of the uid gets 406
  admission::Pass pass_;                                   // into the game server
};

}  // namespace gatehouse::login
