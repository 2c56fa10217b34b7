#include "net/transport_set.hpp"

#include <fmt/format.h>

#include <utility>

#include "base/assert.hpp"

namespace gatehouse::net {
namespace {

// Output buffers kept for reuse: none bigger than the first, no more than the second in all.
constexpr std::size_t kBufferBytesMax = 65'536;
constexpr std::size_t kBuffersBytesMax = 2u << 20;
constexpr std::size_t kBufferBytes = 512;

}  // namespace

TransportSet::TransportSet(actor::Worker& worker, MetricSet& metrics, UvLoop* uv)
    : worker_(worker), uv_(uv) {
  for (std::size_t i = 0; i < kCloseReasons; ++i) {
    const auto label = fmt::format("reason=\"{}\"", name(static_cast<CloseReason>(i)));
    closed_.push_back(&metrics.counter("connections_closed", label, "Connections that ended"));
  }
  worker_.add_turn_end_hook(this);
}

TransportSet::~TransportSet() {
  GATEHOUSE_ASSERT(count_ == 0);
  worker_.remove_turn_end_hook(this);
}

Result<Transport*> TransportSet::attach(std::unique_ptr<Transport> owned,
                                        TransportHandler& handler) {
  if (ending_) return fail(Errc::kClosed, "the loop is ending");
  GATEHOUSE_ASSERT(actor::Worker::current() == &worker_ && owned->set_ == nullptr);
  Transport& transport = *owned;
  adopt(std::move(owned));
  transport.handler_ = &handler;
  transport.paused_ = false;
  if (auto joined = transport.join(); !joined) {
    remove(transport).reset();
    return tl::unexpected(joined.error());
  }
  if (transport.output_ != nullptr) transport.mark_dirty();
  transport.read_on();
  return &transport;
}

Transport* TransportSet::find(ConnectionId id) const {
  if (id.generation == 0 || id.slot >= slots_.size()) return nullptr;
  const Slot& slot = slots_[id.slot];
  return slot.generation == id.generation ? slot.transport.get() : nullptr;
}

void TransportSet::adopt(std::unique_ptr<Transport> transport) {
  std::uint32_t index = free_slot_;
  if (index == kNoSlot) {
    index = static_cast<std::uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    free_slot_ = slots_[index].next_free;
  }
  Slot& slot = slots_[index];
  GATEHOUSE_ASSERT(slot.transport == nullptr && slot.generation != 0);
  transport->id_ = ConnectionId{index, slot.generation};
  transport->set_ = this;
  slot.transport = std::move(transport);
  ++count_;
}

std::unique_ptr<Transport> TransportSet::remove(Transport& transport) {
  const std::uint32_t index = transport.id_.slot;
  GATEHOUSE_ASSERT(find(transport.id_) == &transport);
  if (transport.dirty_index_ != Transport::kClean) {
    GATEHOUSE_ASSERT(dirty_.at(transport.dirty_index_) == &transport);
    dirty_[transport.dirty_index_] = nullptr;
    transport.dirty_index_ = Transport::kClean;
  }
  Slot& slot = slots_[index];
  if (++slot.generation == 0) slot.generation = 1;
  slot.next_free = free_slot_;
  free_slot_ = index;
  GATEHOUSE_ASSERT(count_ > 0);
  --count_;
  transport.set_ = nullptr;
  transport.handler_ = nullptr;
  return std::move(slot.transport);
}

void TransportSet::schedule(ConnectionId id) {
  worker_.post([this, id] {
    if (Transport* transport = find(id)) transport->run();
  });
}

void TransportSet::on_turn_end() {
  // No handler runs from flush(). What lies over another transport may mark that one: it is
  // appended, and has its turn.
  for (std::size_t i = 0; i < dirty_.size(); ++i) {
    Transport* transport = dirty_[i];
    if (transport == nullptr) continue;
    transport->dirty_index_ = Transport::kClean;
    transport->flush();
  }
  dirty_.clear();
}

void TransportSet::end() {
  if (std::exchange(ending_, true)) return;
  on_turn_end();
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].transport != nullptr) slots_[i].transport->close(CloseReason::kShutdown);
  }
  // No job runs any more.
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].transport != nullptr) slots_[i].transport->run();
  }
}

void TransportSet::mark_dirty(Transport& transport) {
  GATEHOUSE_ASSERT(transport.set_ == this && transport.dirty_index_ == Transport::kClean);
  transport.dirty_index_ = static_cast<std::uint32_t>(dirty_.size());
  dirty_.push_back(&transport);
}

void TransportSet::count_closed(CloseReason reason) {
  GATEHOUSE_ASSERT(static_cast<std::size_t>(reason) < closed_.size());
  closed_[static_cast<std::size_t>(reason)]->add();
}

std::unique_ptr<std::string> TransportSet::take_buffer() {
  if (buffers_.empty()) {
    auto buffer = std::make_unique<std::string>();
    buffer->reserve(kBufferBytes);
    return buffer;
  }
  auto buffer = std::move(buffers_.back());
  buffers_.pop_back();
  GATEHOUSE_ASSERT(buffer->empty() && buffers_bytes_ >= buffer->capacity());
  buffers_bytes_ -= buffer->capacity();
  return buffer;
}

void TransportSet::give_back(std::unique_ptr<std::string> buffer) {
  const std::size_t bytes = buffer->capacity();
  if (bytes > kBufferBytesMax || buffers_bytes_ + bytes > kBuffersBytesMax) return;
  buffer->clear();
  buffers_bytes_ += bytes;
  buffers_.push_back(std::move(buffer));
}

std::string& TransportSet::scratch() {
  if (scratch_.capacity() > kBufferBytesMax) std::string().swap(scratch_);
  scratch_.clear();
  return scratch_;
}

}  // namespace gatehouse::net
