#include "gate/session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/assert.hpp"
#include "base/log.hpp"
#include "edge/carriage.hpp"
#include "gate/connection.hpp"
#include "gate/shard.hpp"
#include "protocol/control.hpp"

namespace gatehouse::gate {

Session::Session(Shard& shard, SessionSpec spec, Agent& agent)
    : shard_(shard),
      agent_(agent),
      suite_(spec.suite),
      secret_(std::move(spec.secret)),
      window_(shard.options().reply_cache_count, shard.options().reply_cache_bytes),
      pushes_(shard.options().limits.gate_push_log_count_max,
              shard.options().limits.gate_push_log_bytes_max) {
  const std::string name = protocol::make_gate_name(spec.uid, spec.server, spec.subid);
  name_bytes_ = static_cast<std::uint32_t>(name.size());
  uid_bytes_ = static_cast<std::uint32_t>(spec.uid.size());
  server_bytes_ = static_cast<std::uint32_t>(spec.server.size());
  subid_bytes_ = static_cast<std::uint32_t>(spec.subid.size());
  text_ = std::make_unique<char[]>(name.size() + spec.uid.size() + spec.server.size() +
                                   spec.subid.size());
  char* end = text_.get();
  for (const std::string* part :
       std::initializer_list<const std::string*>{&name, &spec.uid, &spec.server, &spec.subid})
    end = std::copy(part->begin(), part->end(), end);
  rates_ = shard_.core().spent_rates.recall(uid());
  shard_.add(*this);
}

void Session::enter() {
  GATEHOUSE_ASSERT(!listed_ && version_ == 0);
  listed_ = true;
  shard_.take_seat(*this);
  shard_.begin_away(*this);
}

Session::~Session() {
  if (connection_ != nullptr) {
    fail_pending();
  }
  if (connection_ != nullptr) {  // it may have waited for nothing else
    release_connection()->leave_session(Ending::kSessionEnded, kick_code(Ending::kSessionEnded),
                                        gate::name(Ending::kSessionEnded));
  }
  leave_directory();
  GATEHOUSE_ASSERT(connection_ == nullptr && !seated_);
  shard_.remove(*this);
}

void Session::respond(protocol::RequestTicket ticket, bool ok, std::string_view content) {
  if (content.size() > content_bytes_max()) {
    shard_.core().metrics.oversized_responses.add();
    if (!std::exchange(oversize_logged_, true))
      log::warn({}, "gate {}: a response of {} bytes to {} is too long, answered as an error",
                shard_.options().server, content.size(), uid());
    ok = false;
    content = {};
  }
  const std::uint32_t running = window_.running();
  const auto done = window_.complete(ticket, ok, content, current_version());
  if (window_.running() != running) {
    forget_pending(ticket);
  } else if (forgotten_ > 0) {
    --forgotten_;
    forget_pending(ticket);
  }
  if (done.send) send(done.content, done.kind, ticket.session);
  if (connection_ == nullptr) return;
  if (connection_->held_back() && may_read_on()) connection_->read_on();
  if (away_ && !has_answers_due()) connection_->end(Ending::kPeerClosed);
}

void Session::forget_pending(const protocol::RequestTicket& ticket) {
  pending_bytes_ -= std::min(pending_bytes_, ticket.content_bytes);
  if (lease_ && pending_bytes_ <= AddressBudgets::kLeaseBytes / 2) lease_.reset();
}

bool Session::take_room(std::size_t bytes) {
  if (pending_bytes_ == 0) return true;
  const std::uint32_t most = shard_.options().limits.gate_pending_bytes_max;
  const std::size_t after = pending_bytes_ + bytes;
  if (most != 0 && after > most) return false;
  const std::size_t leased = AddressBudgets::kLeaseBytes + (lease_ ? lease_->bytes() : 0);
  if (after <= leased) return true;
  if (connection_ == nullptr) return false;
  if (!lease_)
    lease_ = std::make_unique<PendingLease>(shard_.core().addresses, connection_->peer());
  return lease_->grow(AddressBudgets::kLeaseBytes,  // a content is no longer than that
                      shard_.worker().clock().monotonic_ns());
}

bool Session::holds_back(const protocol::Request& request) {
  if (counting_ != protocol::Counting::kConversation) return false;
  const bool room = pending() < window_.count_max() && take_room(request.content.size());
  return !room && !window_.knows(request.session, counting_);
}

bool Session::may_read_on() const {
  if (pending() >= window_.count_max()) return false;
  const std::uint32_t most = shard_.options().limits.gate_pending_bytes_max;
  return most == 0 || pending_bytes_ == 0 || pending_bytes_ + kRequestContentBytesMax <= most;
}

std::optional<Ending> Session::over_rates(std::size_t bytes) {
  GateCore& core = shard_.core();
  // The worker's clock may have slept: what it refuses the real one judges.
  const std::int64_t now_ns = shard_.worker().now() * 1'000'000;
  if (core.frame_rate.limited() && !rates_.frames.take(core.frame_rate, 1, now_ns) &&
      !rates_.frames.take(core.frame_rate, 1, shard_.worker().clock().monotonic_ns()))
    return Ending::kFramesPerSecond;
  if (core.byte_rate.limited() && !rates_.bytes.take(core.byte_rate, bytes, now_ns) &&
      !rates_.bytes.take(core.byte_rate, bytes, shard_.worker().clock().monotonic_ns()))
    return Ending::kBytesPerSecond;
  if (!core.addresses.counts()) return std::nullopt;
  ++untold_frames_;
  untold_bytes_ += static_cast<std::uint32_t>(bytes);
  if (!core.addresses.is_portion(untold_frames_, untold_bytes_)) return std::nullopt;
  const auto key = net::subscriber_bytes(connection_->peer());
  if (!core.addresses.take(key, untold_frames_, untold_bytes_,
                           shard_.worker().clock().monotonic_ns()))
    return Ending::kAddressRate;
  untold_frames_ = untold_bytes_ = 0;
  return std::nullopt;
}

bool Session::take_handshake() {
  Rate rate = shard_.core().frame_rate;
  rate.burst_ns *= 2;
  return !rate.limited() || rates_.frames.take(rate, 1, shard_.worker().clock().monotonic_ns());
}

Result<> Session::push(std::string_view content) {
  if (kicked_) return fail(Errc::kClosed, "the player was kicked");
  if (content.size() > content_bytes_max()) return fail(Errc::kInvalid, "push is too long");
  if (form_ == protocol::HandshakeForm::kSkynet) return {};
  const auto number = pushes_.append(content);
  if (!number) return tl::unexpected(number.error());
  if (connection_ != nullptr) send(content, protocol::FrameKind::kPush, *number);
  return {};
}

bool Session::control(std::string_view json) {
  if (connection_ == nullptr || !extended() || json.size() > content_bytes_max()) return false;
  send(json, protocol::FrameKind::kControl, 0);
  return true;
}

void Session::kick(int code, std::string_view reason) {
  kicked_ = true;
  leave_directory();
  if (connection_ != nullptr) release_connection()->leave_session(Ending::kKicked, code, reason);
}

void Session::drain() {
  control(protocol::format_drain());
}

std::string Session::peer() const {
  return connected() ? connection_->peer().to_string() : std::string();
}

net::Address Session::peer_address() const {
  return connection_ == nullptr ? net::Address() : connection_->peer();
}

std::size_t Session::memory_bytes() const {
  const std::size_t text = std::size_t{name_bytes_} + uid_bytes_ + server_bytes_ + subid_bytes_;
  return sizeof(Session) + text + secret_.size() + conversation_.capacity() + window_.heap_bytes() +
         pushes_.heap_bytes();
}

std::string_view Session::judge(const protocol::GateHandshake& handshake) const {
  const protocol::GateSession known{suite_, secret_, last_index_};
  return protocol::judge_gate_handshake(handshake, &known);
}

void Session::accept(Connection& connection, const protocol::GateHandshake& handshake) {
  GATEHOUSE_ASSERT(listed_ && !kicked_ && handshake.index > last_index_);
  if (connection_ != nullptr) {
    release_connection()->leave_session(Ending::kReplaced, kick_code(Ending::kReplaced),
                                        gate::name(Ending::kReplaced));
  }
  const bool resumed = version_ != 0;
  connection_ = &connection;
  away_ = false;
  shard_.end_away(*this);
  shard_.take_seat(*this);
  last_index_ = handshake.index;
  form_ = handshake.form;
  // Clients that name no conversation continue that of an earlier connection, as skynet's do,
  // but never that of an earlier life.
  const bool continues =
      handshake.conversation == conversation_ || (handshake.conversation.empty() && version_ != 0);
  if (!continues) begin_conversation(handshake.conversation);
  ++version_;
  GATEHOUSE_ASSERT(version_ != 0);  // it did not wrap
  counting_ = handshake.conversation.empty() ? protocol::Counting::kSkynet
                                             : protocol::Counting::kConversation;
  if (log::enabled(log::Level::kDebug))
    log::debug({}, "gate {}: {} is in from {} over {}, suite {}", shard_.options().server, uid(),
               connection.peer().to_string(), edge::describe(connection.transport()),
               protocol::name(suite_));
  answer(handshake);
  if (extended()) send_missed_pushes(handshake.last_push);
  agent_.on_connected(resumed);
}

void Session::answer(const protocol::GateHandshake& handshake) {
  std::string options;
  const bool sealed =
      may_seal() && protocol::has_option(handshake.options, protocol::kSealedOption);
  if (sealed) options = protocol::kSealedOption;
  if (counting_ == protocol::Counting::kConversation &&
      protocol::has_option(handshake.options, protocol::kWindowOption)) {
    options +=
        fmt::format("{}{}={}", sealed ? "," : "", protocol::kWindowOption, window_.count_max());
  }
  connection_->send_answer(protocol::format_gate_ok(form_, options));
  if (sealed) connection_->seal_from_here(secret_, handshake.text);
}

// Request and push numbers count within a conversation. What was pushed before the session's
// first connection belongs to the first.
void Session::begin_conversation(std::string_view conversation) {
  conversation_ = conversation;
  forgotten_ += window_.running();
  window_.clear();
  if (version_ != 0) pushes_.clear();
  if (!conversation_.empty()) agent_.on_conversation(conversation_, window_.conversation_number());
}

void Session::send_missed_pushes(std::uint32_t last_push) {
  if (const protocol::PushGap gap = pushes_.gap_after(last_push))
    control(protocol::format_push_gap(gap));
  pushes_.replay_after(last_push, [this](std::uint32_t number, std::string_view content) {
    send(content, protocol::FrameKind::kPush, number);
  });
  pushes_.acknowledge(last_push);
}

void Session::handle(const protocol::Request& request) {
  const std::uint32_t pending_max = shard_.options().limits.gate_pending_requests_max;
  const bool room =
      (pending_max == 0 || pending() < pending_max) && take_room(request.content.size());
  if (!room && !window_.knows(request.session, counting_))
    return connection_->end(Ending::kTooManyRequests);
  using Verdict = protocol::ReplyWindow::Verdict;
  auto begun = window_.begin(request.session, version_, counting_);
  switch (begun.verdict) {
    case Verdict::kRun:
      begun.ticket.content_bytes = static_cast<std::uint32_t>(request.content.size());
      pending_bytes_ += begun.ticket.content_bytes;
      shard_.count_request();
      return agent_.on_request(begun.ticket, request.content);
    case Verdict::kResend:
      // The reply of a commit, stored by a session of another suite.
      if (begun.content.size() > content_bytes_max())
        return send(protocol::kGoneDone, protocol::FrameKind::kError, request.session);
      return send(begun.content, begun.kind, request.session);
    case Verdict::kGone:
      shard_.core().metrics.gone_requests.add();
      return send(begun.content, begun.kind, request.session);
    case Verdict::kWait:
      return;
    case Verdict::kConflict:
      return connection_->end(Ending::kSessionConflict);
  }
}

void Session::on_connection_lost() {
  connection_ = nullptr;
  if (!std::exchange(away_, true)) {
    shard_.begin_away(*this);
    agent_.on_disconnected();
  }
}

void Session::on_client_ended() {
  GATEHOUSE_ASSERT(connection_ != nullptr && has_answers_due());
  away_ = true;
  shard_.begin_away(*this);
  agent_.on_disconnected();
}

void Session::send(std::string_view content, protocol::FrameKind kind, std::uint32_t session) {
  GATEHOUSE_ASSERT(connection_->send(content, kind, session));
  if (kind == protocol::FrameKind::kPush) {
    shard_.count_push();
  } else if (kind != protocol::FrameKind::kControl) {
    shard_.count_response();
  }
}

Connection* Session::release_connection() {
  GATEHOUSE_ASSERT(connection_ != nullptr);
  return std::exchange(connection_, nullptr);
}

void Session::fail_pending() {
  std::vector<protocol::RequestTicket> tickets;
  window_.each_running([&](protocol::RequestTicket ticket) { tickets.push_back(ticket); });
  for (const protocol::RequestTicket ticket : tickets) respond(ticket, false, {});
}

void Session::leave_directory() {
  if (!std::exchange(listed_, false)) return;
  shard_.core().spent_rates.remember(uid(), rates_, shard_.worker().clock().monotonic_ns());
  shard_.core().directory.remove(name());
  shard_.give_seat_up(*this);
}

}  // namespace gatehouse::gate
