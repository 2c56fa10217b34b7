#include "login/connection.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "base/clock.hpp"
#include "base/log.hpp"
#include "edge/carriage.hpp"
#include "login/login_worker.hpp"
#include "net/network_set.hpp"
#include "protocol/login_answer.hpp"

namespace gatehouse::login {
namespace {

// Input behind the token that is ignored; a client that sends more is cut off.
constexpr std::size_t kIgnoredBytesMax = 65'536;

protocol::LoginRandomness fresh_randomness(Random& random) {
  protocol::LoginRandomness randomness;
  random.fill(randomness.challenge.data(), randomness.challenge.size());
  random.fill(randomness.private_key.data(), randomness.private_key.size());
  return randomness;
}

}  // namespace

Connection::Connection(LoginWorker& owner, net::Transport& transport,
                       const protocol::LoginHandshakeOptions& suites,
                       const edge::HandshakeClock& clock, edge::Pass pass)
    : owner_(owner),
      transport_(transport),
      census_row_(owner.context().census.enter(transport)),
      pass_(std::make_shared<edge::Pass>(std::move(pass))),
      handshake_clock_(clock) {
  handshake_.emplace(suites, fresh_randomness(owner.worker().system().world().random));
}

Connection::~Connection() {
  owner_.context().census.leave(census_row_);
  pass_->let_go();
  pass_->authenticated();
}

void Connection::start() {
  send_line(handshake_->start());
  expect_progress();
  pass_->hold(owner_.worker().index(), *this);
}

void Connection::expect_progress() {
  handshake_clock_.progressed(clock().monotonic_ms());
  if (waiting()) cancel();
  owner_.worker().timers().add(*this, handshake_clock_.due_ms);
}

void Connection::fire() {
  if (state_ == State::kDone) return send_last(std::exchange(held_line_, {}));
  if (state_ == State::kLogin) return check_deadline();
  fire_in_handshake();
}

void Connection::fire_in_handshake() {
  const std::int64_t now_ns = clock().monotonic_ns();
  const bool over = handshake_clock_.over(now_ns / kNsPerMs);
  const Refusal& why = over ? kHandshakeTimeout : kHandshakeStalled;
  owner_.context().guard.note(edge::Door::kLogin, why.reason, transport_.peer(), now_ns);
  finish();
  transport_.close(net::CloseReason::kTimeout);
}

void Connection::on_shed() {
  if (state_ != State::kDone) return refuse(kShed);
  transport_.close(net::CloseReason::kLimit);
}

const Clock& Connection::clock() const {
  return owner_.worker().clock();
}

void Connection::set_deadline(std::uint32_t timeout_ms) {
  deadline_ms_ = clock().monotonic_ms() + timeout_ms;
  if (waiting()) cancel();
  owner_.worker().timers().add(*this, deadline_ms_);
}

// Who waits in a room, and is there, has all the time it takes, and the whole time from then on.
void Connection::check_deadline() {
  GATEHOUSE_ASSERT(state_ == State::kLogin && login_ != nullptr);
  const MonotonicMs now = clock().monotonic_ms();
  if (!input_ended_) {
    const MonotonicMs since = login_->in_line() ? now : login_->called_ms.load();
    deadline_ms_ = std::max(deadline_ms_, since + owner_.context().answer_timeout_ms);
  }
  if (now >= deadline_ms_) return refuse(login_->at_policy() ? kPolicyTimeout : kAnswerTimeout);
  owner_.worker().timers().add(*this, deadline_ms_);
}

void Connection::tell_position(std::uint32_t position) {
  if (!login_->in_line()) return;
  if (input_ended_ && login_->in_server_line()) return leave_the_line();
  const std::string line = protocol::format_login_waiting(login_->suite(), position);
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
    transport_.close(net::CloseReason::kLocal);
  }
}

std::uint32_t Connection::on_end() {
  input_ended_ = true;
  if (state_ == State::kHandshake && said_something_) refuse(kInputEnded);
  if (!held_line_.empty())
    return owner_.context().limits.login_answer_floor_ms_max + kPolicySlackMs;
  if (state_ != State::kLogin) return 0;
  if (login_->in_server_line()) {
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
  transport_.close_after_flush(net::CloseReason::kPeerClosed);
}

void Connection::read_lines(std::string_view bytes) {
  protocol::LoginStep last;
  bool progressed = false;
  const auto status = reader_.feed(bytes, [this, &last, &progressed](std::string_view line) {
    progressed = true;
    last = handshake_->on_line(line);
    if (last.kind != protocol::LoginStep::Kind::kContinue) return false;
    if (!last.line.empty()) send_line(last.line);
    return true;
  });
  if (status == protocol::LineReader::Status::kTooLong) return refuse(kLineTooLong);
  if (status == protocol::LineReader::Status::kMore) {
    if (progressed) expect_progress();
    return;
  }
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
  GATEHOUSE_ASSERT(state_ == State::kHandshake && step.kind == protocol::LoginStep::Kind::kToken);
  state_ = State::kLogin;
  handshake_.reset();
  answer_key_ = std::move(step.answer_key);
  const auto login =
      std::make_shared<Login>(owner_, transport_.id(), transport_.peer(), std::move(step), pass_);
  login_ = login;
  set_deadline(owner_.context().answer_timeout_ms);
  login->begin(*this);
}

void Connection::answer(Outcome outcome) {
  GATEHOUSE_ASSERT(state_ == State::kLogin);
  outcome ? welcome(std::move(*outcome)) : refuse(outcome.error());
}

void Connection::welcome(Welcome welcome) {
  protocol::LoginExtras extras;
  extras.gates = std::move(welcome.gates);
  extras.uid = login_->uid();
  extras.secret = std::move(welcome.secret);
  if (welcome.ticket) {
    extras.ticket = std::move(welcome.ticket->bytes);
    extras.ticket_expires_s = welcome.ticket->expires_s;
  }
  const Secret line(answer_line(welcome.subid, extras));
  owner_.outcomes().count("ok");
  if (log::enabled(log::Level::kDebug))
    log::debug({}, "login {} over {} done, suite {}", transport_.peer().to_string(),
               edge::describe(transport_), name(login_->suite()));
  record(protocol::kLoginOk);
  finish();
  send_last(line.reveal());
}

std::string Connection::answer_line(std::string_view subid,
                                    const protocol::LoginExtras& extras) const {
  if (answer_key_.empty()) return protocol::format_login_ok(login_->suite(), subid, extras);
  Random& random = owner_.worker().system().world().random;
  const protocol::AnswerSeal seal{answer_key_, random.bytes(protocol::kAnswerNonceBytes)};
  return protocol::format_login_ok(login_->suite(), subid, extras, &seal);
}

void Connection::refuse(const Refusal& refusal) {
  if (state_ == State::kDone) return;
  if (refusal.code == 0) return leave_the_line();  // a newer login has its place
  const std::int64_t now_ns = clock().monotonic_ns();
  const MonotonicMs due = due_ms(refusal, now_ns);
  std::string line = protocol::format_login_refusal(refusal.code, {refusal.retry_s, refusal.totp});
  owner_.outcomes().refused(transport_, refusal, login_.get());
  if (login_) record(refusal.code);
  finish();
  if (due * kNsPerMs <= now_ns) return send_last(line);
  held_line_ = std::move(line);
  owner_.worker().timers().add(*this, due);
}

// What says that something was wrong is held back, from when the password had its turn; where none
// had one, from when the client had sent everything.
MonotonicMs Connection::due_ms(const Refusal& refusal, std::int64_t now_ns) const {
  const std::int64_t turn_ns = login_ ? login_->turn_ns.load() : 0;
  const bool held = refusal.code == kWrongPassword.code ||
                    (refusal.code == kAccountThrottled.code && turn_ns != 0);
  if (!held) return 0;
  std::int64_t since_ns = now_ns;
  if (login_) since_ns = turn_ns != 0 ? turn_ns : login_->began_ns();
  const std::int64_t due_ns = owner_.context().authenticator.floor().due_ns(since_ns, now_ns);
  return (due_ns + kNsPerMs - 1) / kNsPerMs;
}

void Connection::send_last(std::string_view line) {
  GATEHOUSE_ASSERT(state_ == State::kDone && !line.empty());
  send_line(line);
  transport_.close_after_flush(net::CloseReason::kLocal);
}

void Connection::stop() {
  if (state_ != State::kDone) return refuse(kStopping);
  if (held_line_.empty()) return;
  cancel();
  send_last(std::exchange(held_line_, {}));
}

void Connection::on_gone() {
  if (state_ == State::kDone) return held_line_.clear();
  owner_.outcomes().count(kClientLeft.reason);
  finish();
}

void Connection::finish() {
  state_ = State::kDone;
  cancel();
  handshake_.reset();
  answer_key_.clear();
  if (login_) login_->give_up();
  login_.reset();
}

// Logins that came as far as a token are audited.
void Connection::record(int code) {
  Audit& audit = owner_.context().audit;
  if (!audit.enabled()) return;
  store::LoginAudit row;
  row.name = login_->uid();
  row.account = login_->account();
  row.server = login_->server();
  row.address =
      code == protocol::kLoginOk ? transport_.peer().ip() : net::subscriber_text(transport_.peer());
  row.suite = name(login_->suite());
  edge::Carriage carriage = edge::carriage_of(transport_);
  row.transport = std::move(carriage.transport);
  row.tls = std::move(carriage.tls);
  row.proxy = std::move(carriage.proxy);
  row.result = std::to_string(code);
  audit.record(std::move(row));
}

void Connection::send_line(std::string_view line) {
  protocol::append_line(transport_.output(), line);
}

}  // namespace gatehouse::login
