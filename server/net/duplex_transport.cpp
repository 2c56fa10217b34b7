#include "net/duplex_transport.hpp"

#include "actor/timer_wheel.hpp"
#include "base/assert.hpp"
#include "net/transport_set.hpp"

namespace gatehouse::net {
namespace {

// Input thrown away after our end before the patience ends.
constexpr std::uint32_t kDiscardBytesMax = 1u << 20;

}  // namespace

struct DuplexTransport::Deadline final : actor::Timer {
  explicit Deadline(DuplexTransport& t) : transport(t) {}
  void fire() override { transport.give_up(); }
  DuplexTransport& transport;
};

DuplexTransport::DuplexTransport(TransportKind kind, const Address& peer) : Transport(kind, peer) {}

DuplexTransport::~DuplexTransport() = default;

void DuplexTransport::stop_waiting() {
  deadline_.reset();
}

std::size_t DuplexTransport::unsent_bytes() const {
  return (output_ == nullptr ? 0 : output_->size()) + waiting_bytes();
}

void DuplexTransport::received(std::string_view bytes) {
  if (finishing_) {
    discard(bytes.size());
  } else if (handler_ != nullptr) {
    handler_->on_data(*this, bytes);
  }
}

// The turn that follows answers what came with the end; the flush at its end closes.
void DuplexTransport::received_end() {
  eof_ = true;
  set_reading(false);
  std::uint32_t patience_ms = 0;
  if (!finishing_) {
    reason_ = CloseReason::kPeerClosed;
    if (handler_ != nullptr) {
      const TransportSet& here = set();
      const ConnectionId id = this->id();
      patience_ms = handler_->on_end(*this);
      if (here.find(id) != this) return;  // detached
    }
    // Another handler has it, and is told again.
    if (closing_ || !eof_) return;
  }
  answering_ = patience_ms > 0;
  if (deadline_ == nullptr) arm_deadline(answering_ ? patience_ms : kHalfClosedMs);
  mark_dirty();
}

bool DuplexTransport::forget_end() {
  if (!eof_) return false;
  begin();
  stop_waiting();
  return true;
}

void DuplexTransport::discard(std::size_t bytes) {
  discarded_bytes_ += static_cast<std::uint32_t>(bytes);
  if (discarded_bytes_ > kDiscardBytesMax) give_up();
}

void DuplexTransport::flush() {
  if (closing_) return;
  if (output_ != nullptr && !output_->empty() && !send_output()) {
    close(CloseReason::kPeerReset);
    return;
  }
  if (output_ != nullptr && output_->empty()) release_output();
  if (unsent_limit_bytes_ != 0 && unsent_bytes() > unsent_limit_bytes_) {
    close(CloseReason::kSlowReader);
    return;
  }
  finish_when_sent();
}

void DuplexTransport::close(CloseReason reason) {
  if (closing_) return;
  if (!finishing_) reason_ = reason;
  start_closing();
}

void DuplexTransport::close_after_flush(CloseReason reason, std::uint32_t linger_ms) {
  if (ending_) return;
  reason_ = reason;
  finishing_ = ending_ = true;
  arm_deadline(linger_ms);
  forget_input();
  if (!eof_) set_reading(true);
  mark_dirty();
}

void DuplexTransport::finish_when_sent() {
  if (!(eof_ || finishing_) || unsent_bytes() != 0) return;
  if (answering_ && !finishing_) return;
  if (eof_) {
    close(CloseReason::kPeerClosed);
  } else if (!shut_) {
    // The peer reads to the end and closes; its end, or the deadline, ends the transport. Closing
    // at once would answer input still on its way with a reset, which destroys our last bytes.
    shut_ = true;
    send_end();
  }
}

void DuplexTransport::give_up() {
  if (unsent_bytes() != 0) reason_ = CloseReason::kTimeout;
  start_closing();
}

void DuplexTransport::arm_deadline(std::uint32_t ms) {
  deadline_ = std::make_unique<Deadline>(*this);
  actor::Worker& worker = set().worker();
  worker.timers().add(*deadline_, worker.now() + ms);
}

void DuplexTransport::start_closing() {
  if (closing_) return;
  closing_ = ending_ = true;
  if (deadline_ != nullptr) deadline_->cancel();
  release_output();
  end_carrier();
}

void DuplexTransport::ended() {
  GATEHOUSE_ASSERT(closing_);
  set().count_closed(reason_);
  if (handler_ != nullptr) handler_->on_closed(*this, reason_);
  destroy();
}

}  // namespace gatehouse::net
