#include "gate/shard.hpp"

#include <utility>

#include "gate/connection.hpp"
#include "gate/session.hpp"

namespace gatehouse::gate {

Shard::Shard(GateCore& core, actor::Worker& worker, net::UvLoop& loop)
    : core_(core), worker_(worker), loop_(loop), close_log_(core.options.server, worker) {
  worker.add_turn_end_hook(this);
}

void Shard::accept(net::Socket socket) {
  Place place = core_.connections.try_take();
  if (!place) return note_closed(Ending::kMaxclient, socket.peer());
  Place unauthenticated = core_.unauthenticated.try_take();
  if (!unauthenticated) return note_closed(Ending::kUnauthenticatedLimit, socket.peer());
  const std::uint32_t timeout_ms = options().limits.gate_handshake_timeout_ms;
  const MonotonicMs deadline = timeout_ms == 0 ? 0 : monotonic_ms() + timeout_ms;
  Connection::open(*this, HandOver{core_.shared_from_this(),
                                   std::move(place),
                                   std::move(unauthenticated),
                                   std::move(socket),
                                   {},
                                   deadline});
}

void Shard::take_over(HandOver hand_over) {
  Connection::open(*this, std::move(hand_over));
}

void Shard::drain() {
  for (Session* session = sessions_; session != nullptr; session = session->next_) session->drain();
}

void Shard::add(Session& session) {
  session.previous_ = nullptr;
  session.next_ = sessions_;
  if (sessions_ != nullptr) sessions_->previous_ = &session;
  sessions_ = &session;
  core_.metrics.sessions.add(1);
}

void Shard::remove(Session& session) {
  (session.previous_ == nullptr ? sessions_ : session.previous_->next_) = session.next_;
  if (session.next_ != nullptr) session.next_->previous_ = session.previous_;
  core_.metrics.sessions.add(-1);
}

void Shard::note_closed(Ending ending, const net::Address& peer) {
  core_.metrics.closed[static_cast<std::size_t>(ending)]->add();
  close_log_.write(ending, peer);
}

void Shard::on_turn_end() {
  if (requests_ != 0) core_.metrics.requests.add(std::exchange(requests_, 0));
  if (responses_ != 0) core_.metrics.responses.add(std::exchange(responses_, 0));
  if (pushes_ != 0) core_.metrics.pushes.add(std::exchange(pushes_, 0));
}

}  // namespace gatehouse::gate
