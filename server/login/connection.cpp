#include "login/connection.hpp"

#include <utility>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "crypto/random.hpp"
#include "login/login_worker.hpp"
#include "protocol/login_answer.hpp"

namespace gatehouse::login {
namespace {

// Input behind the token that is ignored; a client that sends more is cut off.
constexpr std::size_t kIgnoredBytesMax = 65'536;

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

}  // namespace

template <class Value>
auto Connection::resume(Step<Value> step, Entry entry) {
  return owner_.resume<Value>(stream_.id(), step, std::move(entry));
}

Connection::Connection(LoginWorker& owner, net::Stream& stream,
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
  if (state_ == State::kLogin) return refuse(kAnswerTimeout);
  if (state_ == State::kDone) return;
  owner_.outcomes().refused(stream_.peer(), kHandshakeTimeout);
  finish();
  stream_.close(net::CloseReason::kTimeout);
}

void Connection::on_data(std::string_view bytes) {
  if (state_ == State::kHandshake) return read_lines(bytes);
  if (state_ == State::kLogin) ignore_input(bytes.size());
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
  handshake_.reset();
  suite_ = step.suite;
  secret_ = std::move(step.secret);
  owner_.worker().timers().add(*this, monotonic_ms() + context.answer_timeout_ms);
  if (context.policy.has_auth()) {
    uid_ = step.token.user;
    server_ = step.token.server;
    context.policy.auth(step.token, stream_.peer().ip(), suite_,
                        resume(&Connection::on_policy_auth, std::nullopt));
    return;
  }
  uid_ = std::move(step.token.user);
  server_ = std::move(step.token.server);
  if (!step.token.ticket.empty()) return refuse(kNoTicket);
  if (!served()) return refuse(kServerUnknown);
  Entry entry = enter();
  if (!entry) return refuse(kInProgress);
  AuthRequest request = auth_request();
  request.password = std::move(step.token.password);
  context.authenticator.verify(std::move(request),
                               resume(&Connection::on_admission, std::move(entry)));
}

// A policy that places players itself knows its servers itself.
bool Connection::served() const {
  LoginContext& context = owner_.context();
  return context.policy.has_login() || context.placer.serves(server_);
}

Connection::Entry Connection::enter() const {
  return owner_.context().in_progress.enter(uid_);
}

AuthRequest Connection::auth_request() {
  cancelled_ = std::make_shared<std::atomic<bool>>(false);
  AuthRequest request;
  request.name = uid_;
  request.server = server_;
  request.cancelled = cancelled_;
  return request;
}

void Connection::on_policy_auth(Result<AuthResult> result, Entry) {
  if (state_ != State::kLogin) return;
  LoginContext& context = owner_.context();
  if (!result) {
    return refuse(result.error().code == Errc::kUnavailable ? kPolicyUnavailable : kPolicyAuth);
  }
  if (result->uid.empty()) return refuse(kPolicyNoUid);
  uid_ = std::move(result->uid);
  server_ = std::move(result->server);
  if (!served()) return refuse(kServerUnknown);
  Entry entry = enter();
  if (!entry) return refuse(kInProgress);
  if (context.policy.has_login()) return after_admission(std::move(entry));
  context.authenticator.find_or_create(auth_request(),
                                       resume(&Connection::on_admission, std::move(entry)));
}

void Connection::on_admission(Authenticator::Admission admission, Entry entry) {
  if (state_ != State::kLogin) return;
  cancelled_.reset();
  if (!admission) return refuse(admission.error());
  account_ = *admission;
  after_admission(std::move(entry));
}

void Connection::after_admission(Entry entry) {
  LoginContext& context = owner_.context();
  if (context.policy.has_login()) {
    context.policy.login(server_, uid_, secret_,
                         resume(&Connection::on_policy_login, std::move(entry)));
    return;
  }
  Grant grant;
  grant.account = account_;
  grant.uid = uid_;
  grant.server = server_;
  // A plain client is told the secret in its answer; the others have it already.
  grant.secret = suite_ == protocol::Suite::kPlain ? secret_ : std::move(secret_);
  grant.suite = suite_;
  grant.address = stream_.peer().ip();
  context.placer.place(std::move(grant), resume(&Connection::on_placement, std::move(entry)));
}

void Connection::on_policy_login(Result<std::string> subid, Entry) {
  if (state_ != State::kLogin) return;
  if (!subid) {
    return refuse(subid.error().code == Errc::kUnavailable ? kPolicyUnavailable : kPolicyLogin);
  }
  answer_ok(*subid, owner_.context().placer.endpoints(server_));
}

void Connection::on_placement(Result<Placement> placement, Entry) {
  if (state_ != State::kLogin) return;
  if (!placement) return refuse(refusal_of_place(placement.error().code));
  answer_ok(placement->subid, std::move(placement->endpoints));
}

void Connection::answer_ok(std::string_view subid, std::vector<std::string> gates) {
  protocol::LoginExtras extras;
  extras.gates = std::move(gates);
  extras.uid = uid_;
  extras.secret = std::move(secret_);
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
  send_line(protocol::format_login_refusal(refusal.code));
  owner_.outcomes().refused(stream_.peer(), refusal, uid_, server_);
  record(refusal.code);
  finish();
  stream_.close_after_flush(net::CloseReason::kLocal);
}

void Connection::on_gone() {
  if (state_ == State::kDone) return;
  owner_.outcomes().count(kClientLeft.reason);
  finish();
}

void Connection::finish() {
  state_ = State::kDone;
  cancel();
  secret_.clear();
  handshake_.reset();
  if (cancelled_ != nullptr) cancelled_->store(true, std::memory_order_relaxed);
}

// Logins that came as far as a token are audited.
void Connection::record(int code) {
  Audit& audit = owner_.context().audit;
  if (state_ != State::kLogin || !audit.enabled()) return;
  store::LoginAudit row;
  row.name = uid_;
  row.account = account_;
  row.server = server_;
  row.address = stream_.peer().ip();
  row.suite = name(suite_);
  row.result = std::to_string(code);
  audit.record(std::move(row));
}

void Connection::send_line(std::string_view line) {
  protocol::append_line(stream_.output(), line);
}

}  // namespace gatehouse::login
