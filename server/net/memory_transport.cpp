#include "net/memory_transport.hpp"

#include "base/assert.hpp"
#include "net/transport_set.hpp"

namespace gatehouse::net {
namespace {

// Then others have their turn.
constexpr int kReadsPerTurn = 32;

}  // namespace

std::pair<std::unique_ptr<MemoryTransport>, std::unique_ptr<MemoryTransport>>
MemoryTransport::make_pair(const Address& first, const Address& second) {
  auto link = std::make_shared<MemoryLink>();
  return {std::unique_ptr<MemoryTransport>(new MemoryTransport(link, 0, second)),
          std::unique_ptr<MemoryTransport>(new MemoryTransport(link, 1, first))};
}

MemoryTransport::MemoryTransport(std::shared_ptr<MemoryLink> link, unsigned end,
                                 const Address& peer)
    : DuplexTransport(TransportKind::kMemory, peer), link_(std::move(link)), end_(end) {}

MemoryTransport::~MemoryTransport() {
  GATEHOUSE_ASSERT(!attached_);
  if (!closing()) link_->close(end_, 0);
}

MonotonicMs MemoryTransport::now() const {
  return set().worker().now();
}

void MemoryTransport::say_and_end(std::string_view bytes) {
  GATEHOUSE_ASSERT(!attached_);
  static_cast<void>(link_->send(end_, bytes, 0));
  link_->send_end(end_, 0);
}

Result<> MemoryTransport::join() {
  begin();
  attached_ = true;
  reading_ = false;
  link_->join(end_, set(), id());
  return {};
}

Result<> MemoryTransport::leave() {
  stop_waiting();
  cancel();
  link_->leave(end_);
  attached_ = false;
  if (!waiting_.empty()) {
    if (output_ == nullptr) output_ = set().take_buffer();
    output_->insert(0, waiting_);
    waiting_.clear();
  }
  return {};
}

void MemoryTransport::set_reading(bool on) {
  reading_ = on && !at_peers_end();
  if (reading_) schedule();
}

void MemoryTransport::work() {
  if (closing()) {
    attached_ = false;
    ended();
    return;
  }
  link_->begin_work(end_);
  if (!waiting_.empty()) send_waiting();
  receive_some();
}

void MemoryTransport::send_waiting() {
  const auto taken = link_->send(end_, waiting_, now());
  if (!taken) return close(CloseReason::kPeerReset);
  waiting_.erase(0, *taken);
  if (!waiting_.empty()) return;
  end_output_when_sent();
  mark_dirty();
}

void MemoryTransport::receive_some() {
  const TransportSet& here = set();
  const ConnectionId id = this->id();
  for (int reads = 0; reads < kReadsPerTurn; ++reads) {
    if (here.find(id) != this) return;
    if (!reading_ || closing()) return;
    if (peer_ended_) return received_end();
    MemoryLink::Arrived arrived = link_->receive(end_, now());
    switch (arrived.what) {
      case MemoryLink::Arrival::kNothing:
        if (arrived.next >= 0) set().worker().timers().add(*this, arrived.next);
        return;
      case MemoryLink::Arrival::kBytes:
        received(arrived.bytes);
        break;
      case MemoryLink::Arrival::kEnd:
        peer_ended_ = true;
        break;
      case MemoryLink::Arrival::kReset:
        return close(CloseReason::kPeerReset);
    }
  }
  if (here.find(id) == this) schedule();
}

bool MemoryTransport::send_output() {
  if (!waiting_.empty()) return true;
  const auto taken = link_->send(end_, *output_, now());
  if (!taken) return false;
  if (*taken < output_->size()) waiting_ = output_->substr(*taken);
  output_->clear();
  return true;
}

void MemoryTransport::finish_sending() {
  if (ending()) return;
  if (output_ != nullptr && !output_->empty() && !send_output()) return;
  finishing_output_ = true;
  end_output_when_sent();
}

void MemoryTransport::end_output_when_sent() {
  if (finishing_output_ && waiting_.empty()) link_->send_end(end_, now());
}

void MemoryTransport::send_end() {
  link_->send_end(end_, now());
}

void MemoryTransport::end_carrier() {
  cancel();
  waiting_.clear();
  link_->close(end_, now());
  schedule();
}

}  // namespace gatehouse::net
