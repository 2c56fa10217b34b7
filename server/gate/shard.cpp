#include "gate/shard.hpp"

#include <utility>

#include "base/assert.hpp"
#include "gate/connection.hpp"
#include "gate/session.hpp"

namespace gatehouse::gate {

Shard::Shard(GateCore& core, net::TransportSet& transports)
    : core_(core),
      transports_(transports),
      worker_(transports.worker()),
      close_log_(core.options.server, worker_) {
  worker_.add_turn_end_hook(this);
}

tl::expected<std::unique_ptr<edge::Guest>, std::string> Shard::admit(const net::Address& peer) {
  const std::int64_t now_ns = worker_.clock().monotonic_ns();
  auto pass = core_.guard.admit(edge::Door::kGate, peer, now_ns);
  if (!pass) return tl::unexpected(std::string());
  const auto refuse = [this, &peer](Ending ending) {
    note_closed(ending, peer);
    return tl::unexpected(std::string());
  };
  const Limits& limits = options().limits;
  Slot slot = core_.connections.try_take();
  const bool beyond = !slot;
  if (beyond) slot = core_.reserve.try_take();
  if (!slot) return refuse(Ending::kMaxclient);
  const AddressBudgets::Key key = net::subscriber_bytes(peer);
  if (beyond && !core_.addresses.enter_reserve(key, now_ns)) return refuse(Ending::kMaxclient);
  std::uint32_t timeout_ms = limits.gate_handshake_timeout_ms;
  if (beyond && (timeout_ms == 0 || timeout_ms > limits.gate_reserve_timeout_ms))
    timeout_ms = limits.gate_reserve_timeout_ms;
  auto handshake_slot = std::make_unique<HandshakeSlot>(
      std::move(*pass), beyond ? &core_.addresses : nullptr, key,
      edge::HandshakeClock(now_ns / kNsPerMs, timeout_ms, limits.handshake_progress_ms));
  return Connection::await(*this, HandOver{core_.shared_from_this(), std::move(slot), beyond,
                                           std::move(handshake_slot), nullptr});
}

void Shard::take_over(HandOver hand_over) {
  Connection::take_over(*this, std::move(hand_over));
}

void Shard::drain() {
  for (Session* session = sessions_.first; session != nullptr; session = session->next_)
    session->drain();
}

void Shard::end_slow_readers() {
  for (const Session* session = sessions_.first; session != nullptr; session = session->next_) {
    if (session->connection_ != nullptr) session->connection_->end_if_slow(kSlowBytes);
  }
}

void SessionList::push_back(Session& session) {
  session.previous_ = last;
  session.next_ = nullptr;
  (last == nullptr ? first : last->next_) = &session;
  last = &session;
}

void SessionList::remove(Session& session) {
  GATEHOUSE_ASSERT(session.previous_ == nullptr ? first == &session
                                                : session.previous_->next_ == &session);
  (session.previous_ == nullptr ? first : session.previous_->next_) = session.next_;
  (session.next_ == nullptr ? last : session.next_->previous_) = session.previous_;
}

void Shard::add(Session& session) {
  sessions_.push_back(session);
  core_.metrics.sessions.add(1);
}

void Shard::remove(Session& session) {
  end_away(session);
  GATEHOUSE_ASSERT(!session.seated_ && !session.listed_away_);
  sessions_.remove(session);
  core_.metrics.sessions.add(-1);
}

void Shard::take_seat(Session& session) {
  if (!std::exchange(session.seated_, true)) core_.seats.fetch_add(1);
}

void Shard::give_seat_up(Session& session) {
  end_away(session);
  if (!std::exchange(session.seated_, false)) return;
  const std::size_t before = core_.seats.fetch_sub(1);
  GATEHOUSE_ASSERT(before > 0);
}

void Shard::begin_away(Session& session) {
  if (!session.seated_ || session.listed_away_) return;
  session.listed_away_ = true;
  session.away_since_ms_ = worker_.clock().monotonic_ms();
  sessions_.remove(session);
  away_.push_back(session);
  if (!waiting())
    worker_.timers().add(*this, session.away_since_ms_ + options().limits.gate_seat_keep_ms);
}

void Shard::end_away(Session& session) {
  if (!std::exchange(session.listed_away_, false)) return;
  away_.remove(session);
  sessions_.push_back(session);
}

void Shard::fire() {
  const MonotonicMs now = worker_.clock().monotonic_ms();
  while (away_.first != nullptr) {
    const MonotonicMs due = away_.first->away_since_ms_ + options().limits.gate_seat_keep_ms;
    if (due > now) return worker_.timers().add(*this, due);
    give_seat_up(*away_.first);
  }
}

protocol::Sealer& Shard::sealer() {
  if (sealer_ == nullptr) sealer_ = std::make_unique<protocol::Sealer>();
  return *sealer_;
}

void Shard::note_closed(Ending ending, const net::Transport& transport) {
  core_.metrics.closed[static_cast<std::size_t>(ending)]->add();
  close_log_.write(ending, transport.peer(), &transport);
}

void Shard::note_closed(Ending ending, const net::Address& peer) {
  core_.metrics.closed[static_cast<std::size_t>(ending)]->add();
  close_log_.write(ending, peer, nullptr);
}

void Shard::on_turn_end() {
  if (requests_ != 0) core_.metrics.requests.add(std::exchange(requests_, 0));
  if (responses_ != 0) core_.metrics.responses.add(std::exchange(responses_, 0));
  if (pushes_ != 0) core_.metrics.pushes.add(std::exchange(pushes_, 0));
}

}  // namespace gatehouse::gate
