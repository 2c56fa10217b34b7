#include "net/transport.hpp"

#include <utility>

#include "base/assert.hpp"
#include "net/transport_set.hpp"

namespace gatehouse::net {

std::string_view name(CloseReason reason) {
  switch (reason) {
    case CloseReason::kPeerClosed:
      return "peer_closed";
    case CloseReason::kPeerReset:
      return "peer_reset";
    case CloseReason::kLocal:
      return "local";
    case CloseReason::kSlowReader:
      return "slow_reader";
    case CloseReason::kTimeout:
      return "timeout";
    case CloseReason::kProtocol:
      return "protocol";
    case CloseReason::kLimit:
      return "limit";
    case CloseReason::kReplaced:
      return "replaced";
    case CloseReason::kKicked:
      return "kicked";
    case CloseReason::kShutdown:
      return "shutdown";
  }
  return "unknown";
}

std::string_view name(TransportKind kind) {
  switch (kind) {
    case TransportKind::kTcp:
      return "tcp";
    case TransportKind::kTls:
      return "tls";
    case TransportKind::kWs:
      return "ws";
    case TransportKind::kWss:
      return "wss";
    case TransportKind::kMemory:
      return "memory";
    case TransportKind::kDescriptor:
      return "descriptor";
  }
  return "unknown";
}

Transport::Transport(TransportKind kind, const Address& peer) : kind_(kind), peer_(peer) {}

Transport::~Transport() {
  GATEHOUSE_ASSERT(set_ == nullptr);
}

void Transport::set_relay(const Address& peer, std::unique_ptr<const Relay> relay) {
  GATEHOUSE_ASSERT(relay != nullptr && relay_ == nullptr);
  peer_ = peer;
  relay_ = std::move(relay);
}

bool Transport::write(std::string_view bytes) {
  if (ending_) return false;
  if (!bytes.empty()) output().append(bytes);
  return true;
}

std::string& Transport::output() {
  if (ending_) return set_->scratch();
  if (output_ == nullptr) output_ = set_->take_buffer();
  mark_dirty();
  return *output_;
}

void Transport::pause() {
  if (paused_ || ending_) return;
  paused_ = true;
  set_reading(false);
}

void Transport::resume() {
  if (!paused_ || ending_) return;
  paused_ = false;
  read_on();
}

void Transport::put_back(std::string bytes) {
  GATEHOUSE_ASSERT(set_ != nullptr);
  if (bytes.empty() || ending_) return;
  if (unread_ == nullptr) {
    unread_ = std::make_unique<std::string>(std::move(bytes));
  } else {
    unread_->insert(0, bytes);
  }
  set_reading(false);
  if (!paused_) schedule();
}

void Transport::hand_to(TransportHandler& next) {
  handler_ = &next;
  if (ending_) return;
  const bool ended = forget_end();
  if (!paused_ && !ended) return;
  paused_ = false;
  read_on();
}

void Transport::read_on() {
  if (unread_ != nullptr) {
    schedule();
  } else {
    set_reading(true);
  }
}

void Transport::run() {
  if (unread_ != nullptr && !paused_ && !ending_) {
    const std::unique_ptr<std::string> bytes = std::move(unread_);
    const TransportSet& set = *set_;
    const ConnectionId id = id_;
    if (handler_ != nullptr) handler_->on_data(*this, *bytes);
    if (set.find(id) != this) return;  // detached: it may be another thread's
    if (unread_ == nullptr && !paused_ && !ending_) set_reading(true);
  }
  work();
}

Result<std::unique_ptr<Transport>> Transport::detach() {
  GATEHOUSE_ASSERT(set_ != nullptr && set_->find(id_) == this);
  if (ending_) return fail(Errc::kClosed, "the connection is ending");
  if (auto left = leave(); !left) return tl::unexpected(left.error());
  return set_->remove(*this);
}

void Transport::schedule() {
  set_->schedule(id_);
}

void Transport::mark_dirty() {
  if (dirty_index_ == kClean) set_->mark_dirty(*this);
}

void Transport::release_output() {
  if (output_ != nullptr) set_->give_back(std::move(output_));
}

void Transport::destroy() {
  set_->remove(*this).reset();
}

}  // namespace gatehouse::net
