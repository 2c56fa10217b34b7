// The order of a login:
//
//   1  begin           may this address try again? Else 429
//   2  ask_policy      where the policy has an auth_handler: who is it, by its word? Else 3
//   3  identify        does a gate serve the game server? Else 403. Then the Authenticator: who is
//                      it, by password or ticket; or the account of the one the policy named
//   4  on_admission    he is who he says and may play: his uid is taken, or 406 when another login
//                      of it runs. Nobody keeps a player out who does not know his password
//   5  enter_room      in line for a place on the game server; not for staff, nor for a player
//                      who has one. Or the policy's login_handler, instead of 5 and 6
//   6  place           the session is claimed, the player's agent made
//   7  on_placement    a ticket that let him in is spent: no login that finds no room spends one
//   8  welcome         200
//
// Any step may end the login with a refusal. 1 and 2 run on the connection's worker, 3 to 6 on the
// thread that has the answer to the step before, 7 and 8 on the worker again, where the agent was
// made, too. So the login of a known account changes threads four times:
//   worker -> store (the account) -> hash pool (the password) -> store (the claim) -> worker
#include "login/login.hpp"

#include <utility>

#include "base/assert.hpp"
#include "base/clock.hpp"
#include "base/user_name.hpp"
#include "login/connection.hpp"
#include "login/login_worker.hpp"

namespace gatehouse::login {
namespace {

// Most logins are answered by then, and need not be told their place in line.
constexpr std::uint32_t kFirstToldMs = 200;

Refusal refusal_of_place(Errc code) {
  switch (code) {
    case Errc::kNotFound:
    case Errc::kDenied:
      return kPlaceDenied;
    case Errc::kExists:
      return kPlaceBusy;
    default:
      return kPlaceUnavailable;
  }
}

// 503 where the policy cannot answer now; what the client sent is not to blame for that.
std::optional<Refusal> no_answer_of_policy(Errc code) {
  switch (code) {
    case Errc::kUnavailable:
      return kPolicyUnavailable;
    case Errc::kTimeout:
      return kPolicyTimeout;
    case Errc::kFull:
      return kPolicyBusy;
    default:
      return std::nullopt;
  }
}

}  // namespace

Login::Login(LoginWorker& owner, ConnectionId connection, const net::Address& peer,
             protocol::LoginStep step, std::shared_ptr<edge::Pass> pass)
    : owner_(owner),
      context_(owner.context()),
      worker_(owner.worker()),
      connection_(connection),
      peer_(peer),
      suite_(step.suite),
      began_ns_(context_.world.clock.monotonic_ns()),
      uid_(step.token.user),
      server_(step.token.server),
      token_(std::move(step.token)),
      secret_(std::move(step.secret)),
      pass_in_(std::move(pass)) {
  tell_ms = began_ns_ / kNsPerMs + kFirstToldMs;
}

template <class Value>
auto Login::on_worker(WorkerStep<Value> step) {
  return [self = shared_from_this(), step](Value value) mutable {
    const std::shared_ptr<Login> login = std::move(self);
    GATEHOUSE_ASSERT(login != nullptr);
    actor::Worker& worker = login->worker_;
    if (actor::Worker::current() == &worker) return login->go_on(step, std::move(value));
    worker.post([login, step, value = std::move(value)]() mutable {
      login->go_on(step, std::move(value));
    });
  };
}

template <class Value>
void Login::go_on(WorkerStep<Value> step, Value value) {
  if (Connection* connection = owner_.waiting(connection_)) {
    (this->*step)(*connection, std::move(value));
  } else {
    let_go();
  }
}

// --- The steps ---

void Login::begin(Connection& connection) {
  trusted_ = context_.guard.address_rules()->allowed.contains(peer_);
  if (!trusted_) verdict_ = context_.throttle.take_address(peer_, began_ns_);
  if (verdict_.retry_s > 0) return finish(kAddressThrottled.after(verdict_.retry_s));
  context_.policy.has_auth() ? ask_policy(connection) : identify();
}

// A policy may take a ticket or a code for a password, and several spellings for one name: all of
// them are guesses, at the name as it is folded.
void Login::ask_policy(Connection& connection) {
  if (!trusted_) {
    const std::string name = fold_name(uid_);
    auto asked = context_.throttle.ask({peer_, name, false, verdict_.locked_s}, began_ns_);
    if (asked.refusal) return finish(*asked.refusal);
    guess_ = std::move(asked.guess);
  }
  at_policy_ = true;
  // The policy keeps its time itself; this is for one whose thread is stuck.
  connection.set_deadline(context_.policy_timeout_ms + kPolicySlackMs);
  const protocol::Token token = std::exchange(token_, {});
  context_.policy.auth(token, peer_.ip(), suite_, on_worker(&Login::on_policy_auth));
}

void Login::on_policy_auth(Connection& connection, Result<AuthResult> result) {
  at_policy_ = false;
  connection.set_deadline(context_.answer_timeout_ms);
  if (!result) {
    if (const auto refusal = no_answer_of_policy(result.error().code))
      return finish_unanswered(*refusal);
  }
  const std::int64_t now_ns = context_.world.clock.monotonic_ns();
  context_.authenticator.floor().learn(admission::AnswerFloor::kPolicy, now_ns - began_ns_);
  if (!result || result->uid.empty()) {
    guess_.failed(now_ns);
    return finish(result ? kPolicyNoUid : kPolicyAuth);
  }
  guess_.succeeded(now_ns);
  auto uid = normalise_user_name(result->uid);
  if (!uid) return finish(kPolicyBadUid);
  uid_ = std::move(*uid);
  server_ = normalise_server_name(result->server).value_or(result->server);
  identify();
}

// A policy that places players itself knows its servers itself, and needs no accounts where it
// knows who they are, too.
void Login::identify() {
  const Policy& policy = context_.policy;
  if (!policy.has_login() && !context_.placer.serves(server_)) return finish(kServerUnknown);
  if (policy.has_auth() && policy.has_login()) return take_uid();
  AuthRequest request;
  request.name = uid_;
  request.server = server_;
  request.address = peer_;
  request.trusted = trusted_;
  request.waiter = shared_from_this();
  Authenticator::Done done = [self = shared_from_this()](Authenticator::Admission admission) {
    self->on_admission(std::move(admission));
  };
  if (policy.has_auth())
    return context_.authenticator.find_or_create(std::move(request), std::move(done));
  request.suspect = verdict_.suspect;
  request.address_locked_s = verdict_.locked_s;
  request.wants_ticket = suite_ != protocol::Suite::kSkynet;
  request.password = std::move(token_.password);
  request.totp = std::move(token_.totp);
  request.ticket = std::move(token_.ticket);
  context_.authenticator.verify(std::move(request), std::move(done));
}

// Any thread. While it runs, and while on_turn() does, the authenticator does not end
// (Authenticator::Underway), so that the context is there.
void Login::on_admission(Authenticator::Admission admission) {
  if (cancelled.load()) return;
  if (!admission) return finish(admission.error());
  admitted_ = std::move(*admission);
  account_.store(admitted_.account.value);
  context_.rooms.set_capacity(server_, admitted_.capacity);
  take_uid();
}

void Login::take_uid() {
  GATEHOUSE_ASSERT(!uid_taken_);
  pass_in_->authenticated();
  auto entry = context_.in_progress.enter(uid_);
  if (!entry) return finish(kInProgress);
  uid_taken_.emplace(std::move(*entry));
  if (context_.policy.has_login())
    return context_.policy.login(server_, uid_, secret_, on_worker(&Login::on_policy_login));
  if (admitted_.waits_for_nobody || context_.placer.online(uid_, server_)) return place();
  enter_room();
}

void Login::enter_room() {
  GATEHOUSE_ASSERT(uid_taken_ && !in_server_room_.load());
  in_server_room_.store(true);
  const auto self = shared_from_this();
  const bool taken = context_.rooms.enter(
      server_, uid_, self,
      [self, underway = context_.authenticator.underway()](Turn turn, admission::Pass pass) {
        self->on_turn(turn, std::move(pass));
      });
  if (!taken) return finish(kWaitingRoomFull);
  // The client may have left before there was a place to keep.
  if (cancelled.load() && position.load() != 0) leave_room();
}

// Any thread.
void Login::on_turn(Turn turn, admission::Pass pass) {
  called_ms.store(context_.world.clock.monotonic_ms());
  in_server_room_.store(false);
  pass_ = std::move(pass);
  if (cancelled.load()) return let_go();
  if (turn != Turn::kEnter) return finish(kStopping);
  place();
}

// What is held stays until the placement has come to an end, whether the client waits or not.
void Login::place() {
  GATEHOUSE_ASSERT(uid_taken_);
  Grant grant;
  grant.account = admitted_.account;
  grant.uid = uid_;
  grant.server = server_;
  // A plain client is told the secret in its answer; the others have it already.
  grant.secret = suite_ == protocol::Suite::kPlain ? secret_ : std::move(secret_);
  grant.suite = suite_;
  grant.address = peer_.ip();
  grant.credentials = std::move(admitted_.credentials);
  grant.family = admitted_.family;
  grant.worker = worker_.index();
  grant.waiter = shared_from_this();
  context_.placer.place(std::move(grant), on_worker(&Login::on_placement));
}

void Login::on_policy_login(Connection& connection, Result<std::string> subid) {
  if (!subid)
    return finish_unanswered(no_answer_of_policy(subid.error().code).value_or(kPolicyLogin));
  on_placement(connection, Placement{std::move(*subid), context_.placer.endpoints(server_)});
}

void Login::on_placement(Connection& connection, Result<Placement> placement) {
  if (!placement) return finish(refusal_of_place(placement.error().code));
  placement_ = std::move(*placement);
  if (!admitted_.spend) return welcome(connection);
  context_.authenticator.renew(std::move(*admitted_.spend), on_worker(&Login::on_renewal));
}

void Login::on_renewal(Connection& connection, Authenticator::Renewal renewal) {
  if (!renewal) {
    context_.placer.withdraw(uid_, placement_.subid);
    return finish(renewal.error());
  }
  admitted_.ticket = std::move(*renewal);
  welcome(connection);
}

void Login::welcome(Connection& connection) {
  answer(connection, Welcome{std::move(placement_.subid), std::move(placement_.endpoints),
                             std::move(secret_), std::move(admitted_.ticket)});
}

// --- The end ---

// Any thread.
void Login::finish(const Refusal& refusal) {
  on_worker (&Login::answer)(tl::unexpected(refusal));
}

// On the worker. A login that the policy did not look at in time does not count for the address.
void Login::finish_unanswered(const Refusal& refusal) {
  if (refusal.reason == kPolicyTimeout.reason && !trusted_)
    context_.throttle.give_back_address(peer_);
  finish(refusal);
}

void Login::answer(Connection& connection, Outcome outcome) {
  connection.answer(std::move(outcome));
  let_go();
}

void Login::give_up() {
  cancelled.store(true);
  guess_.give_back(context_.world.clock.monotonic_ns());
  if (position.load() != 0) leave_room();
}

void Login::leave_room() {
  if (in_server_room_.load()) {
    context_.rooms.drop(server_, uid_, context_.world.clock.monotonic_ms());
  } else {
    context_.authenticator.drop(uid_, peer_);
  }
}

void Login::let_go() {
  pass_ = admission::Pass();
  uid_taken_.reset();
}

void Login::on_position(std::uint32_t at) {
  worker_.post([self = shared_from_this(), at] {
    if (Connection* connection = self->owner_.waiting(self->connection_))
      connection->tell_position(at);
  });
}

}  // namespace gatehouse::login
