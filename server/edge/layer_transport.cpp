#include "edge/layer_transport.hpp"

#include <algorithm>
#include <utility>

#include "actor/timer_wheel.hpp"
#include "base/assert.hpp"
#include "net/transport_set.hpp"

namespace gatehouse::edge {

struct LayerTransport::Deadline final : actor::Timer {
  explicit Deadline(LayerTransport& l) : layer(l) {}
  void fire() override { layer.give_up(); }
  LayerTransport& layer;
};

LayerTransport::LayerTransport(net::TransportKind kind, std::unique_ptr<net::Transport> below)
    : net::Transport(kind, below->peer()), detached_(std::move(below)) {}

LayerTransport::LayerTransport(net::TransportKind kind, net::Transport& below)
    : net::Transport(kind, below.peer()), below_(&below) {}

LayerTransport::~LayerTransport() {
  if (below_ == nullptr) return;
  below_->forget_handler();
  below_->close(net::CloseReason::kShutdown);
}

const net::Transport& LayerTransport::carrier() const {
  return below_ != nullptr ? *below_ : *detached_;
}

std::size_t LayerTransport::unsent_bytes() const {
  return (output_ == nullptr ? 0 : output_->size()) + carrier().unsent_bytes();
}

void LayerTransport::say_and_end(std::string_view bytes) {
  GATEHOUSE_ASSERT(below_ == nullptr);
  std::string last;
  if (ready_) {
    encode(bytes, last);
    encode_end(last, net::CloseReason::kLocal);
  }
  detached_->say_and_end(last);
}

Result<> LayerTransport::join() {
  if (below_ != nullptr) {
    GATEHOUSE_ASSERT(&below_->set() == &set());
    below_->hand_to(*this);
  } else {
    auto attached = set().attach(std::move(detached_), *this);
    if (!attached) return tl::unexpected(attached.error());
    below_ = *attached;
  }
  below_->pause();  // until set_reading(true)
  ending_ = below_->ending();
  reading_ = false;
  if (peers_end_ == PeersEnd::kTold) {
    peers_end_ = own_end_ ? PeersEnd::kCame : PeersEnd::kNone;
    finishing_ = false;
  }
  on_join();
  return {};
}

Result<> LayerTransport::leave() {
  if (holding_) return fail(Errc::kClosed, "the connection is in its handshake");
  auto detached = below_->detach();
  if (!detached) return tl::unexpected(detached.error());
  on_leave();
  detached_ = std::move(*detached);
  below_ = nullptr;
  deadline_.reset();
  return {};
}

bool LayerTransport::forget_end() {
  if (peers_end_ != PeersEnd::kTold) return false;
  finishing_ = false;
  deadline_.reset();
  peers_end_ = own_end_ ? PeersEnd::kCame : PeersEnd::kNone;
  if (!own_end_) {
    below_->hand_to(*this);  // tells again
    below_->pause();         // until set_reading(true)
  }
  return true;
}

void LayerTransport::set_reading(bool on) {
  reading_ = on;
  on && !holding_ ? below_->resume() : below_->pause();
  if (on && peers_end_ == PeersEnd::kCame) schedule();
}

void LayerTransport::hold_input(bool on) {
  holding_ = on;
  if (!ending_) reading_ && !holding_ ? below_->resume() : below_->pause();
}

void LayerTransport::work() {
  if (peers_end_ == PeersEnd::kCame && reading_ && !ending_) tell_end();
}

void LayerTransport::become_ready() {
  ready_ = true;
  if (below_ == nullptr) {
    ready_told_ = true;
  } else if (output_ != nullptr) {
    mark_dirty();
  }
}

void LayerTransport::peer_ends() {
  own_end_ = true;
  if (peers_end_ == PeersEnd::kNone) peers_end_ = PeersEnd::kCame;
}

void LayerTransport::refuse(net::CloseReason reason) {
  if (ending_ || below_ == nullptr) return;
  ending_ = true;
  if (deadline_ != nullptr) deadline_->cancel();
  release_output();
  forget_input();
  below_->close_after_flush(reason, kLingerMs);
}

void LayerTransport::close(net::CloseReason reason) {
  ending_ = true;
  if (deadline_ != nullptr) deadline_->cancel();
  release_output();
  below_->close(reason);
}

void LayerTransport::close_after_flush(net::CloseReason reason, std::uint32_t linger_ms) {
  if (ending_) return;
  if (ready_) encode_output();
  if (ending_) return;  // what was written could not be encoded
  encode_end(wire(), reason);
  ending_ = true;
  if (deadline_ != nullptr) deadline_->cancel();
  release_output();
  forget_input();
  below_->close_after_flush(reason, linger_ms);
}

void LayerTransport::give_up() {
  close(unsent_bytes() != 0 ? net::CloseReason::kTimeout : net::CloseReason::kPeerClosed);
}

void LayerTransport::encode_output() {
  if (output_ == nullptr) return;
  if (!output_->empty()) encode(*output_, wire());
  release_output();
}

void LayerTransport::flush() {
  if (ending_) return;
  // The carrier counts, and closes: only it knows what the kernel took.
  below_->set_unsent_limit(unsent_limit_bytes_);
  if (!ready_) {
    const bool too_much = unsent_limit_bytes_ != 0 && unsent_bytes() > unsent_limit_bytes_;
    if (too_much) close(net::CloseReason::kSlowReader);
    return;
  }
  encode_output();
  if (finishing_) close_after_flush(net::CloseReason::kPeerClosed, kHalfClosedMs);
}

void LayerTransport::on_data(net::Transport&, std::string_view bytes) {
  if (ending_) return;
  net::TransportSet& here = set();
  std::unique_ptr<std::string> plain = here.take_buffer();
  decode(bytes, *plain);
  if (!holding_) deliver(*plain);
  here.give_back(std::move(plain));
}

void LayerTransport::deliver(std::string_view plain) {
  if (ending_) return;
  if (ready_ && !ready_told_) return tell_ready(plain);
  if (!plain.empty() && handler_ != nullptr) {
    const net::TransportSet& here = set();
    const ConnectionId id = this->id();
    handler_->on_data(*this, plain);
    if (here.find(id) != this) return;  // detached: it may be another thread's
  }
  if (peers_end_ == PeersEnd::kCame && reading_ && !ending_) tell_end();
}

// The handler may give the transport to another one, which is to have what came with the last of
// the handshake: it comes from the loop, and so does the end.
void LayerTransport::tell_ready(std::string_view plain) {
  ready_told_ = true;
  put_back(std::string(plain));
  if (peers_end_ == PeersEnd::kCame) schedule();
  if (handler_ != nullptr) handler_->on_ready(*this);
}

void LayerTransport::tell_end() {
  peers_end_ = PeersEnd::kTold;
  std::uint32_t patience_ms = 0;
  if (handler_ != nullptr) {
    const net::TransportSet& here = set();
    const ConnectionId id = this->id();
    patience_ms = handler_->on_end(*this);
    if (here.find(id) != this) return;
    // Another handler has it, and will be told.
    if (peers_end_ != PeersEnd::kTold) return;
  }
  if (ending_) return;
  patience_ms_ = patience_ms;
  finishing_ = patience_ms == 0;
  if (finishing_) {
    mark_dirty();  // what this turn writes leaves first
  } else {
    deadline_ = std::make_unique<Deadline>(*this);
    actor::Worker& worker = set().worker();
    worker.timers().add(*deadline_, worker.now() + patience_ms);
  }
}

std::uint32_t LayerTransport::on_end(net::Transport&) {
  if (ending_) return 0;
  if (!ready_) {
    close(net::CloseReason::kPeerClosed);
    return 0;
  }
  if (peers_end_ != PeersEnd::kTold) {
    peers_end_ = PeersEnd::kCame;
    const net::TransportSet& here = set();
    const ConnectionId id = this->id();
    if (reading_) tell_end();
    if (here.find(id) != this || ending_) return 0;
  }
  // The patience of the one below is only to be the longer one.
  return std::max(patience_ms_, kHalfClosedMs);
}

void LayerTransport::on_closed(net::Transport&, net::CloseReason reason) {
  ending_ = true;
  deadline_.reset();
  release_output();
  if (handler_ != nullptr) handler_->on_closed(*this, reason);
  below_ = nullptr;
  destroy();
}

}  // namespace gatehouse::edge
