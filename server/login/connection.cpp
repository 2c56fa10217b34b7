#include "login/connection.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/user_name.hpp"
#include "crypto/random.hpp"
#include "login/login_worker.hpp"
#include "net/network_set.hpp"
#include "protocol/login_answer.hpp"

namespace gatehouse::login {
namespace {

// Input behind the token that is ignored; a client that sends more is cut off.
constexpr std::size_t kIgnoredBytesMax = 65'536;
// Most logins are answered by then, and need not be told their place in line.
constexpr std::uint32_t kFirstToldMs = 200;
constexpr std::uint32_t kPolicySlackMs = 1'000;

protocol::LoginRandomness fresh_randomness() {
  protocol::LoginRandomness randomness;
  crypto::random_bytes(randomness.challenge.data(), randomness.challenge.size());
  crypto::random_bytes(randomness.private_key.data(), randomness.private_key.size());
  return randomness;
}

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

// The connection's ear in the rooms.
class Connection::Line final : public Waiter {
 public:
  Line(LoginWorker& owner, ConnectionId id) : owner_(owner), worker_(owner.worker()), id_(id) {
    tell_ms = monotonic_ms() + kFirstToldMs;
  }
  void on_position(std::uint32_t at) override {
    worker_.post([&owner = owner_, id = id_, at] {
      if (Connection* connection = owner.find(id)) connection->tell_position(at);
    });
  }

 private:
  LoginWorker& owner_;  // touched on its thread only
  actor::Worker& worker_;
  const ConnectionId id_;
};

template <class Value>
auto Connection::resume(Step<Value> step, Hold hold) {
  return owner_.resume<Value>(stream_.id(), step, std::move(hold));
}

Connection::Connection(LoginWorker& owner, net::Transport& stream,
                       const protocol::LoginHandshakeOptions& suites)
    : owner_(owner), stream_(stream) {
  handshake_.emplace(suites, fresh_randomness());
}

void Connection::start() {
  send_line(handshake_->start());
  const auto timeout_ms = owner_.context().limits.login_handshake_timeout_ms;
  owner_.worker().timers().add(*this, monotonic_ms() + timeout_ms);
}

void Connection::fire() {
  if (state_ == State::kDone) return answer(std::exchange(held_line_, {}));
  if (state_ == State::kLogin) return check_deadline();
  owner_.outcomes().refused(stream_.peer(), kHandshakeTimeout);
  finish();
  stream_.close(net::CloseReason::kTimeout);
}

void Connection::set_deadline(std::uint32_t timeout_ms) {
  deadline_ms_ = monotonic_ms() + timeout_ms;
  if (waiting()) cancel();
  owner_.worker().timers().add(*this, deadline_ms_);
}

// Who waits in a room, and is there, has all the time it takes, and the whole time from then on.
void Connection::check_deadline() {
  const MonotonicMs now = monotonic_ms();
  if (!input_ended_) {
    const bool waits = waiter_->position.load(std::memory_order_relaxed) != 0;
    const MonotonicMs since = waits ? now : waiter_->called_ms.load();
    deadline_ms_ = std::max(deadline_ms_, since + owner_.context().answer_timeout_ms);
  }
  if (now >= deadline_ms_) return refuse(at_policy_ ? kPolicyTimeout : kAnswerTimeout);
  owner_.worker().timers().add(*this, deadline_ms_);
}

void Connection::tell_position(std::uint32_t position) {
  if (state_ != State::kLogin || waiter_->position.load(std::memory_order_relaxed) == 0) return;
  if (input_ended_ && in_room_) return leave_the_line();
  const std::string line = protocol::format_login_waiting(suite_, position);
  if (!line.empty()) send_line(line);
}

void Connection::on_data(std::string_view bytes) {
  said_something_ = true;
  if (state_ == State::kHandshake) return read_lines(bytes);
  if (state_ == State::kLogin) return ignore_input(bytes.size());
  // An answer that is held back is no earlier for what a client sends.
  if (!held_line_.empty() && (ignored_bytes_ += bytes.size()) > kIgnoredBytesMax) {
    cancel();
    held_line_.clear();
    stream_.close(net::CloseReason::kLocal);
  }
}

std::uint32_t Connection::on_end() {
  input_ended_ = true;
  if (state_ == State::kHandshake && said_something_) refuse(kInputEnded);
  if (!held_line_.empty())
    return owner_.context().limits.login_answer_floor_ms_max + kPolicySlackMs;
  if (state_ != State::kLogin) return 0;
  if (in_room_ && waiter_->position.load(std::memory_order_relaxed) != 0) {
    leave_the_line();
    return 0;
  }
  const LoginContext& context = owner_.context();
  return context.answer_timeout_ms + context.policy_timeout_ms + kPolicySlackMs;
}

void Connection::leave_the_line() {
  send_line(protocol::format_login_refusal(kAnswerTimeout.code, {}));
  owner_.outcomes().count(kClientLeft.reason);
  finish();
  stream_.close_after_flush(net::CloseReason::kPeerClosed);
}

void Connection::read_lines(std::string_view bytes) {
  protocol::LoginStep last;
  const auto status = reader_.feed(bytes, [this, &last](std::string_view line) {
    last = handshake_->on_line(line);
    if (last.kind != protocol::LoginStep::Kind::kContinue) return false;
    if (!last.line.empty()) send_line(last.line);
    return true;
  });
  if (status == protocol::LineReader::Status::kTooLong) return refuse(kLineTooLong);
  if (status == protocol::LineReader::Status::kMore) return;
  if (last.kind == protocol::LoginStep::Kind::kRefuse)
    return refuse({last.refuse_code, last.reason});
  const std::size_t rest_bytes = reader_.take_rest().size();
  begin(std::move(last));
  if (state_ == State::kLogin) ignore_input(rest_bytes);
}

void Connection::ignore_input(std::size_t bytes) {
  ignored_bytes_ += bytes;
  if (ignored_bytes_ > kIgnoredBytesMax) refuse(kInputAfterToken);
}

void Connection::begin(protocol::LoginStep step) {
  LoginContext& context = owner_.context();
  state_ = State::kLogin;
  began_ns_ = monotonic_ns();
  handshake_.reset();
  suite_ = step.suite;
  secret_ = std::move(step.secret);
  waiter_ = std::make_shared<Line>(owner_, stream_.id());
  set_deadline(context.answer_timeout_ms);
  uid_ = step.token.user;
  server_ = step.token.server;
  const net::Address& peer = stream_.peer();
  trusted_ = context.address_rules.get()->allowed.contains(peer);
  Throttle::AddressVerdict verdict;
  if (!trusted_) verdict = context.throttle.take_address(peer, began_ns_);
  if (verdict.retry_s > 0) return refuse(kAddressThrottled.after(verdict.retry_s));
  if (context.policy.has_auth()) return ask_policy(step.token, verdict);
  if (!served()) return refuse(kServerUnknown);
  AuthRequest request = auth_request();
  request.suspect = verdict.suspect;
  request.address_locked_s = verdict.locked_s;
  request.wants_ticket = suite_ != protocol::Suite::kSkynet;
  request.password = std::move(step.token.password);
  request.totp = std::move(step.token.totp);
  request.ticket = std::move(step.token.ticket);
  context.authenticator.verify(std::move(request), resume(&Connection::on_admission, Hold{}));
}

// A policy may take a ticket or a code for a password, and several spellings for one name: all of
// them are guesses, at the name as it is folded.
void Connection::ask_policy(const protocol::Token& token,
                            const Throttle::AddressVerdict& verdict) {
  LoginContext& context = owner_.context();
  const net::Address& peer = stream_.peer();
  if (!trusted_) {
    const std::string name = fold_name(uid_);
    auto asked = context.throttle.ask({peer, name, false, verdict.locked_s}, began_ns_);
    if (asked.refusal) return refuse(*asked.refusal);
    guess_ = std::move(asked.guess);
  }
  // The policy keeps its time itself; this is for one whose thread is stuck.
  at_policy_ = true;
  set_deadline(context.policy_timeout_ms + kPolicySlackMs);
  context.policy.auth(token, peer.ip(), suite_, resume(&Connection::on_policy_auth, Hold{}));
}

// A policy that places players itself knows its servers itself.
bool Connection::served() const {
  LoginContext& context = owner_.context();
  return context.policy.has_login() || context.placer.serves(server_);
}

AuthRequest Connection::auth_request() {
  AuthRequest request;
  request.name = uid_;
  request.server = server_;
  request.address = stream_.peer();
  request.trusted = trusted_;
  request.waiter = waiter_;
  return request;
}

void Connection::on_policy_auth(Result<AuthResult> result, Hold) {
  if (state_ != State::kLogin) return;
  LoginContext& context = owner_.context();
  at_policy_ = false;
  set_deadline(context.answer_timeout_ms);
  if (!result) {
    if (const auto refusal = no_answer_of_policy(result.error().code))
      return refuse_for_policy(*refusal);
  }
  const std::int64_t now_ns = monotonic_ns();
  context.authenticator.floor().learn(AnswerFloor::kPolicy, now_ns - began_ns_);
  if (!result || result->uid.empty()) {
    guess_.failed(now_ns);
    return refuse(result ? kPolicyNoUid : kPolicyAuth);
  }
  guess_.succeeded(now_ns);
  auto uid = normalise_user_name(result->uid);
  if (!uid) return refuse(kPolicyBadUid);
  uid_ = std::move(*uid);
  server_ = normalise_server_name(result->server).value_or(result->server);
  if (!served()) return refuse(kServerUnknown);
  if (context.policy.has_login()) return after_admission();
  context.authenticator.find_or_create(auth_request(),
                                       resume(&Connection::on_admission, Hold{}));
}

void Connection::on_admission(Authenticator::Admission admission, Hold) {
  if (state_ != State::kLogin) return;
  if (!admission) return refuse(admission.error());
  account_ = admission->account;
  ticket_ = std::move(admission->ticket);
  spend_ = std::move(admission->spend);
  credentials_ = std::move(admission->credentials);
  family_ = admission->family;
  waits_for_nobody_ = admission->waits_for_nobody;
  owner_.context().rooms.set_capacity(server_, admission->capacity);
  after_admission();
}

// From here on the uid is taken, so that nobody keeps a player out who does not know his password
// (docs/skynet-rules.md 4.2 looks at it after auth_handler, too). Then into the room of the game
// server, but for those who need not wait and a player who has a place there already.
void Connection::after_admission() {
  LoginContext& context = owner_.context();
  Hold hold{context.in_progress.enter(uid_), {}};
  if (!hold.uid) return refuse(kInProgress);
  if (context.policy.has_login()) {
    context.policy.login(server_, uid_, secret_,
                         resume(&Connection::on_policy_login, std::move(hold)));
    return;
  }
  if (waits_for_nobody_ || context.placer.online(uid_, server_)) return place(std::move(hold));
  in_room_ = true;
  auto next = resume(&Connection::on_turn, std::move(hold));
  const bool taken = context.rooms.enter(
      server_, uid_, waiter_,
      [waiter = waiter_, next = std::move(next)](WaitingRoom::Turn turn, Pass pass) mutable {
        waiter->called_ms.store(monotonic_ms());
        next.hold.pass = std::move(pass);
        next(turn);
      });
  if (!taken) refuse(kWaitingRoomFull);
}

void Connection::on_policy_login(Result<std::string> subid, Hold hold) {
  if (state_ != State::kLogin) return;
  if (!subid) {
    return refuse_for_policy(no_answer_of_policy(subid.error().code).value_or(kPolicyLogin));
  }
  renew_ticket({*subid, owner_.context().placer.endpoints(server_)}, std::move(hold));
}

void Connection::on_turn(WaitingRoom::Turn turn, Hold hold) {
  in_room_ = false;
  if (state_ != State::kLogin) return;
  if (turn != WaitingRoom::Turn::kEnter) return refuse(kStopping);
  place(std::move(hold));
}

void Connection::place(Hold hold) {
  Grant grant;
  grant.account = account_;
  grant.uid = uid_;
  grant.server = server_;
  // A plain client is told the secret in its answer; the others have it already.
  grant.secret = suite_ == protocol::Suite::kPlain ? secret_ : std::move(secret_);
  grant.suite = suite_;
  grant.address = stream_.peer().ip();
  grant.credentials = credentials_;
  grant.family = family_;
  grant.waiter = waiter_;
  owner_.context().placer.place(std::move(grant),
                                resume(&Connection::on_placement, std::move(hold)));
}

void Connection::on_placement(Result<Placement> placement, Hold hold) {
  if (state_ != State::kLogin) return;
  if (!placement) return refuse(refusal_of_place(placement.error().code));
  renew_ticket(std::move(*placement), std::move(hold));
}

// A ticket is spent by a login that succeeds, not by one that finds no room.
void Connection::renew_ticket(Placement placement, Hold hold) {
  if (!spend_) return answer_ok(placement.subid, std::move(placement.endpoints));
  placement_ = std::move(placement);
  owner_.context().authenticator.renew(std::move(*spend_),
                                       resume(&Connection::on_renewal, std::move(hold)));
}

void Connection::on_renewal(Authenticator::Renewal renewal, Hold) {
  if (state_ != State::kLogin) return;
  if (!renewal) {
    owner_.context().placer.withdraw(uid_, placement_.subid);
    return refuse(renewal.error());
  }
  ticket_ = std::move(*renewal);
  answer_ok(placement_.subid, std::move(placement_.endpoints));
}

void Connection::answer_ok(std::string_view subid, std::vector<std::string> gates) {
  protocol::LoginExtras extras;
  extras.gates = std::move(gates);
  extras.uid = uid_;
  extras.secret = std::move(secret_);
  if (ticket_) {
    extras.ticket = std::move(ticket_->bytes);
    extras.ticket_expires_s = ticket_->expires_s;
  }
  const Secret line(protocol::format_login_ok(suite_, subid, extras));
  send_line(line.reveal());
  owner_.outcomes().count("ok");
  log::debug({}, "login {} done, suite {}", stream_.peer().to_string(), name(suite_));
  record(protocol::kLoginOk);
  finish();
  stream_.close_after_flush(net::CloseReason::kLocal);
}

void Connection::refuse(const Refusal& refusal) {
  if (state_ == State::kDone) return;
  if (refusal.code == 0) return leave_the_line();  // a newer login has its place
  const std::int64_t now_ns = monotonic_ns();
  const MonotonicMs due = due_ms(refusal, now_ns);
  std::string line = protocol::format_login_refusal(refusal.code, {refusal.retry_s, refusal.totp});
  owner_.outcomes().refused(stream_.peer(), refusal, uid_, server_);
  record(refusal.code);
  finish();
  if (due * kNsPerMs <= now_ns) return answer(line);
  held_line_ = std::move(line);
  owner_.worker().timers().add(*this, due);
}

// What says that something was wrong is held back, from when the password had its turn; where none
// had one, from when the client had sent everything.
MonotonicMs Connection::due_ms(const Refusal& refusal, std::int64_t now_ns) const {
  const std::int64_t turn_ns = waiter_ == nullptr ? 0 : waiter_->turn_ns.load();
  const bool held = refusal.code == kWrongPassword.code ||
                    (refusal.code == kAccountThrottled.code && turn_ns != 0);
  if (!held) return 0;
  std::int64_t since_ns = turn_ns != 0 ? turn_ns : began_ns_;
  if (since_ns == 0) since_ns = now_ns;
  const std::int64_t due_ns =
      owner_.context().authenticator.floor().due_ns(since_ns, now_ns);
  return (due_ns + kNsPerMs - 1) / kNsPerMs;
}

void Connection::answer(std::string_view line) {
  send_line(line);
  stream_.close_after_flush(net::CloseReason::kLocal);
}

void Connection::stop() {
  if (state_ != State::kDone) return refuse(kStopping);
  if (held_line_.empty()) return;
  cancel();
  answer(std::exchange(held_line_, {}));
}

// A login that nobody looked at in time does not count for the address.
void Connection::refuse_for_policy(const Refusal& refusal) {
  if (refusal.reason == kPolicyTimeout.reason && !trusted_)
    owner_.context().throttle.give_back_address(stream_.peer());
  refuse(refusal);
}

void Connection::on_gone() {
  if (state_ == State::kDone) return held_line_.clear();
  owner_.outcomes().count(kClientLeft.reason);
  finish();
}

void Connection::finish() {
  state_ = State::kDone;
  cancel();
  secret_.clear();
  ticket_.reset();
  handshake_.reset();
  if (waiter_ == nullptr) return;
  waiter_->cancelled.store(true);
  if (waiter_->position.load() == 0) return;
  // Its place is kept, in whichever room it waits.
  LoginContext& context = owner_.context();
  context.authenticator.drop(uid_, stream_.peer());
  context.rooms.drop(server_, uid_, monotonic_ms());
}

// Logins that came as far as a token are audited.
void Connection::record(int code) {
  Audit& audit = owner_.context().audit;
  if (state_ != State::kLogin || !audit.enabled()) return;
  store::LoginAudit row;
  row.name = uid_;
  row.account = account_;
  row.server = server_;
  row.address = code == protocol::kLoginOk ? stream_.peer().ip()
                                           : net::subscriber_text(stream_.peer());
  row.suite = name(suite_);
  row.result = std::to_string(code);
  audit.record(std::move(row));
}

void Connection::send_line(std::string_view line) {
  protocol::append_line(stream_.output(), line);
}

}  // namespace gatehouse::login
