#include "gate/connection.hpp"

#include <charconv>
#include <utility>

#include "actor/system.hpp"
#include "base/assert.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"
#include "gate/session.hpp"
#include "protocol/control.hpp"

namespace gatehouse::gate {
namespace {

Ending ending_of_answer(std::string_view answer) {
  if (answer == protocol::kGateNotFound) return Ending::kUserNotFound;
  if (answer == protocol::kGateIndexExpired) return Ending::kIndexExpired;
  if (answer == protocol::kGateUnauthorized) return Ending::kUnauthorized;
  if (answer == protocol::kGateTooMany) return Ending::kTooManyHandshakes;
  if (answer == protocol::kGateFull) return Ending::kMaxclient;
  if (answer == protocol::kGateUnavailable) return Ending::kWorkerStuck;
  return Ending::kBadRequest;
}

}  // namespace

Connection::Connection(Shard& shard, HandOver& hand_over)
    : shard_(shard),
      reader_(shard.options().limits.gate_handshake_frame_bytes_max),
      slot_(std::move(hand_over.slot)),
      handshake_slot_(std::move(hand_over.handshake_slot)),
      beyond_(hand_over.beyond) {
  if (!beyond_) shard_.core().metrics.connections.add(1);
}

Connection::~Connection() {
  drop_seal();
  if (transport_ != nullptr) shard_.core().census.leave(census_row_);
  if (!beyond_) shard_.core().metrics.connections.add(-1);
}

std::unique_ptr<edge::Guest> Connection::await(Shard& shard, HandOver hand_over) {
  return std::unique_ptr<edge::Guest>(new Connection(shard, hand_over));
}

void Connection::enter(net::Transport& transport, std::string_view bytes) {
  transport.hand_to(*this);
  begin(transport);
  if (!bytes.empty()) on_data(transport, bytes);
}

void Connection::gone(const net::Address& peer, net::CloseReason reason) {
  const bool late = reason == net::CloseReason::kTimeout;
  shard_.note_closed(late ? ending_of_delay() : ending_of(reason), peer);
}

Ending Connection::ending_of_delay() const {
  const bool over = handshake_slot_->clock().over(shard_.worker().clock().monotonic_ms());
  return over ? Ending::kHandshakeTimeout : Ending::kHandshakeStalled;
}

void Connection::take_over(Shard& shard, HandOver hand_over) {
  auto* connection = new Connection(shard, hand_over);
  const net::Address peer = hand_over.transport->peer();
  net::TransportSet& here = shard.transports();
  const auto transport = here.attach(std::move(hand_over.transport), *connection);
  if (!transport) {
    shard.note_closed(here.ending() ? Ending::kShutdown : Ending::kPeerReset, peer);
    delete connection;
    return;
  }
  connection->begin(**transport);
}

void Connection::begin(net::Transport& transport) {
  transport_ = &transport;
  census_row_ = shard_.core().census.enter(transport);
  transport.set_unsent_limit(shard_.options().limits.gate_unsent_bytes_max);
  handshake_slot_->hold(shard_.worker().index(), *this);
  if (const MonotonicMs due = deadline()) shard_.worker().timers().add(*this, due);
}

void Connection::on_data(net::Transport&, std::string_view bytes) {
  if (state_ == State::kEnding) return;
  Elsewhere elsewhere;
  std::string held;
  const auto status = reader_.feed(bytes, [&](std::string_view body) {
    return state_ == State::kOpen ? on_request(body, held) : on_handshake(body, elsewhere);
  });
  if (elsewhere.found) return hand_over(elsewhere);
  if (!held.empty()) transport_->put_back(held + reader_.take_rest());
  if (state_ == State::kOpen && shard_.options().limits.gate_idle_timeout_ms != 0)
    deadline_ = shard_.worker().clock().monotonic_ms();
  if (status == protocol::FrameReader::Status::kTooBig) end(Ending::kFrameTooBig);
}

std::uint32_t Connection::on_end(net::Transport&) {
  if (state_ == State::kHandshake && reader_.kept_bytes() > 0) refuse(protocol::kGateBadRequest);
  if (state_ != State::kOpen || !session_->has_answers_due() || !move_beyond()) return 0;
  session_->on_client_ended();
  return shard_.options().limits.gate_half_closed_timeout_ms;
}

void Connection::on_closed(net::Transport&, net::CloseReason reason) {
  Session* session = nullptr;
  if (state_ != State::kEnding) {
    shard_.note_closed(ending_of(reason), *transport_);
    session = std::exchange(session_, nullptr);
  }
  delete this;
  if (session != nullptr) session->on_connection_lost();
}

void HandshakeSlot::on_shed() {
  connection_->on_shed();
}

void Connection::on_shed() {
  if (state_ == State::kHandshake) {
    state_ = State::kEnding;
    move_beyond();
    cancel();
  }
  transport_->close(net::CloseReason::kLimit);
}

// The handshake's deadline, or the idle time-out, which is not moved with every frame: it looks
// at the clock when it fires.
void Connection::fire() {
  if (state_ == State::kHandshake) {
    return beyond_ ? refuse(protocol::kGateFull) : end(ending_of_delay());
  }
  // A client that is not read is not idle.
  if (held_back()) deadline_ = shard_.worker().clock().monotonic_ms();
  const MonotonicMs due = deadline_ + shard_.options().limits.gate_idle_timeout_ms;
  if (shard_.worker().clock().monotonic_ms() >= due) return end(Ending::kIdleTimeout);
  shard_.worker().timers().add(*this, due);
}

bool Connection::on_handshake(std::string_view body, Elsewhere& elsewhere) {
  const protocol::GateHandshake handshake = protocol::parse_gate_handshake(body);
  Session* session = nullptr;
  if (handshake.form != protocol::HandshakeForm::kNone) {
    if (const auto entry = shard_.core().directory.find_spelled(handshake.name)) {
      if (shard_.core().system().worker(entry->worker).stuck()) {
        refuse(protocol::kGateUnavailable);
        return false;
      }
      if (entry->worker != shard_.worker().index()) {
        elsewhere = {true, entry->worker, std::string(body)};
        return false;
      }
      session = entry->session;
    }
  }
  std::string_view answer =
      session == nullptr ? protocol::kGateNotFound : session->judge(handshake);
  if (answer == protocol::kGateOk && !session->take_handshake()) answer = protocol::kGateTooMany;
  if (answer == protocol::kGateOk && !take_slot(*session)) answer = protocol::kGateFull;
  if (answer != protocol::kGateOk) {
    refuse(answer);
    return false;
  }
  session_ = session;
  become_open(handshake);
  edge::Census& census = shard_.core().census;
  census.leave(std::exchange(census_row_, census.enter(*transport_, session->suite())));
  session->accept(*this, handshake);
  return state_ == State::kOpen;
}

void Connection::refuse(std::string_view answer) {
  send_answer(answer);
  int code = 0;
  const auto [words, error] = std::from_chars(answer.data(), answer.data() + answer.size(), code);
  GATEHOUSE_ASSERT(error == std::errc());
  transport_->explain_end(code, answer.substr(static_cast<std::size_t>(words - answer.data()) + 1));
  end(ending_of_answer(answer));
}

void Connection::become_open(const protocol::GateHandshake& handshake) {
  GATEHOUSE_ASSERT(state_ == State::kHandshake && session_ != nullptr);
  state_ = State::kOpen;
  extended_ = handshake.form == protocol::HandshakeForm::kExtended;
  reader_.set_limit(kFrameBytesMax);
  handshake_slot_.reset();
  cancel();
  const std::uint32_t idle_ms = shard_.options().limits.gate_idle_timeout_ms;
  if (idle_ms == 0) return;
  deadline_ = shard_.worker().clock().monotonic_ms();
  shard_.worker().timers().add(*this, deadline_ + idle_ms);
}

void Connection::hand_over(const Elsewhere& elsewhere) {
  std::string frames;
  GATEHOUSE_ASSERT(protocol::append_frame(frames, elsewhere.handshake));
  transport_->pause();
  transport_->put_back(frames + reader_.take_rest());
  auto transport = transport_->detach();
  if (!transport) {
    // A connection that is ending tells so itself.
    if (transport.error().code != Errc::kClosed) end(Ending::kNoDescriptor);
    return;
  }
  HandOver move;
  move.core = shard_.core().shared_from_this();
  move.slot = std::move(slot_);
  move.beyond = beyond_;
  handshake_slot_->pass().let_go();
  move.handshake_slot = std::move(handshake_slot_);
  move.transport = std::move(*transport);
  actor::Worker& target = shard_.core().system().worker(elsewhere.worker);
  target.post([&target, move = std::move(move)]() mutable {
    Shard& shard = move.core->shard(target);
    shard.take_over(std::move(move));
  });
  delete this;
}

std::optional<std::string_view> Connection::open_frame(std::string_view received) {
  if (seal_ == nullptr) return received;
  const auto body = seal_->open(received);
  if (!body) end(Ending::kBadSeal);
  return body;
}

bool Connection::on_request(std::string_view received, std::string& held) {
  const auto body = open_frame(received);
  if (!body) return false;
  const auto request = protocol::parse_request(*body);
  if (!request) {
    end(Ending::kFrameTooShort);
    return false;
  }
  if (request->session != protocol::kPingSession && session_->holds_back(*request)) {
    hold_back();
    if (seal_) seal_->leave();
    GATEHOUSE_ASSERT(protocol::append_frame(held, received));
    return false;
  }
  if (const auto ending = session_->over_rates(received.size() + protocol::kFrameHeaderBytes)) {
    end(*ending);
    return false;
  }
  if (request->session == protocol::kPingSession) {
    // One that fills its frame is a byte too long for an answer.
    if (!send(request->content, protocol::FrameKind::kOk, protocol::kPingSession)) {
      end(Ending::kFrameTooBig);
      return false;
    }
    shard_.count_response();
    return true;
  }
  session_->handle(*request);
  return state_ == State::kOpen;
}

void Connection::hold_back() {
  GATEHOUSE_ASSERT(!held_back_);
  held_back_ = true;
  transport_->pause();
  shard_.core().metrics.held_back.add();
}

void Connection::read_on() {
  held_back_ = false;
  deadline_ = shard_.worker().clock().monotonic_ms();  // it was not read, and so not idle
  transport_->resume();
}

bool Connection::take_slot(const Session& session) {
  if (!beyond_) return true;
  Connection* older = session.connection_;
  if (older != nullptr && !older->beyond_) {
    std::swap(slot_, older->slot_);
    std::swap(beyond_, older->beyond_);
    return true;
  }
  Slot slot = shard_.core().connections.try_take();
  if (!slot) return false;
  slot_ = std::move(slot);
  beyond_ = false;
  shard_.core().metrics.connections.add(1);
  return true;
}

bool Connection::move_beyond() {
  if (beyond_) return true;
  Slot slot = shard_.core().reserve.try_take();
  if (!slot) return false;
  slot_ = std::move(slot);
  beyond_ = true;
  shard_.core().metrics.connections.add(-1);
  return true;
}

void Connection::end(Ending ending) {
  if (state_ == State::kEnding) return;
  if (const int code = kick_code(ending)) send_kick(code, name(ending));
  Session* session = std::exchange(session_, nullptr);
  finish(ending);
  if (session != nullptr) session->on_connection_lost();
}

void Connection::leave_session(Ending ending, int code, std::string_view reason) {
  GATEHOUSE_ASSERT(state_ == State::kOpen && session_ != nullptr);
  session_ = nullptr;
  send_kick(code, reason);
  finish(ending);
}

void Connection::send_answer(std::string_view answer) {
  GATEHOUSE_ASSERT(seal_ == nullptr);
  GATEHOUSE_ASSERT(protocol::append_frame(transport_->output(), answer));
}

void Connection::seal_from_here(const Secret& secret, std::string_view handshake_text) {
  GATEHOUSE_ASSERT(state_ == State::kOpen && extended_ && seal_ == nullptr);
  seal_ = std::make_unique<protocol::SealedFrames>(shard_.sealer(), secret, handshake_text);
  shard_.core().metrics.sealed_connections.add(1);
}

void Connection::drop_seal() {
  if (seal_ == nullptr) return;
  seal_.reset();
  shard_.core().metrics.sealed_connections.add(-1);
}

bool Connection::send(std::string_view content, protocol::FrameKind kind, std::uint32_t session) {
  if (seal_ && content.size() + kSealBytes > kResponseContentBytesMax) return false;
  std::string& out = transport_->output();
  const std::size_t begin = out.size();
  if (!protocol::append_response(out, content, kind, session)) return false;
  if (seal_) seal_->seal(out, begin);
  return true;
}

void Connection::finish(Ending ending) {
  GATEHOUSE_ASSERT(session_ == nullptr && transport_ != nullptr);
  state_ = State::kEnding;
  drop_seal();
  move_beyond();
  cancel();
  shard_.note_closed(ending, *transport_);
  if (ending == Ending::kHandshakeTimeout || ending == Ending::kHandshakeStalled) {
    transport_->close(close_reason(ending));
  } else {
    transport_->close_after_flush(close_reason(ending));
  }
}

void Connection::send_kick(int code, std::string_view reason) {
  transport_->explain_end(code, reason);
  if (!extended_) return;
  GATEHOUSE_ASSERT(send(protocol::format_kick(code, reason), protocol::FrameKind::kControl, 0));
}

}  // namespace gatehouse::gate
